package profile

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// MostInCode is how many bytes a QR code on a terminal holds at most: version 25-L of
// ISO/IEC 18004, 125 columns with its margin. The standard goes on to 2953 bytes in 185
// columns, which no camera takes apart that is held before a screen.
const MostInCode = 1273

// quiet is how many modules around a QR code are light; ISO/IEC 18004, 9.1.
const quiet = 4

// A Code is a QR code in the characters of a terminal.
type Code struct {
	Width, Height int // in characters, the light margin included
	Text          string
}

// ErrTooLarge says that something does not fit into a QR code.
var ErrTooLarge = errors.New("too large for a QR code")

// QR returns text as a QR code. It is dark on light whatever the terminal's colours
// are, for readers that take no inverted one; two modules a character.
func QR(text []byte) (Code, error) {
	if len(text) > MostInCode {
		return Code{}, fmt.Errorf("%w: it has %d bytes, and %d are the most", ErrTooLarge, len(text), MostInCode)
	}
	code, err := qr.Encode(string(text), qr.L, qr.Unicode) // byte mode, as it stands
	if err != nil {
		return Code{}, fmt.Errorf("making a QR code: %w", err)
	}
	modules := code.Bounds().Dx()
	size := modules + 2*quiet
	c := Code{Width: size, Height: (size + 1) / 2}
	dark := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return x >= 0 && y >= 0 && x < modules && y < modules && code.At(x, y) == color.Black
	}
	var b strings.Builder
	for y := 0; y < size; y += 2 {
		b.WriteString("\x1b[30;107m") // black on white
		for x := range size {
			b.WriteString(halves(dark(x, y), dark(x, y+1)))
		}
		b.WriteString("\x1b[0m\n")
	}
	c.Text = b.String()
	return c, nil
}

// Bare returns a profile without comments and empty lines, which a code is the larger
// for.
func Bare(text []byte) []byte {
	var bare []byte
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			bare = append(bare, line...)
		}
	}
	return bare
}

// halves is a character with its upper and its lower half dark or light.
func halves(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}
