package unit

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/systemd"
)

// Of what a program says before it gives up, an error repeats so many lines, each
// of so many bytes.
const (
	lastLines = 6
	lineBytes = 300
)

// A listener hears what a unit says while it starts.
type listener struct {
	Verbs
	unit  string
	log   string // besides the journal; may be empty
	from  int64  // how long the log was
	since time.Time
}

func (v Verbs) listen(unit string, log *string) listener {
	l := listener{Verbs: v, unit: unit, since: time.Now()}
	if log != nil {
		l.log = *log
		if info, err := os.Stat(l.log); err == nil {
			l.from = info.Size()
		}
	}
	return l
}

// add returns the error of a start with the last words of the program, where it
// had any.
func (l listener) add(ctx context.Context, err error) error {
	var lines []string
	if l.Journal != nil {
		lines = l.Journal(ctx, l.unit, l.since)
	}
	lines = append(lines, l.logged()...)
	lines = lines[max(0, len(lines)-lastLines):]
	if len(lines) == 0 {
		return err
	}
	var said strings.Builder
	for _, line := range lines {
		said.WriteString("\n  " + line[:min(len(line), lineBytes)])
	}
	return fmt.Errorf("%w\nIts last words:%s", err, said.String())
}

// logged returns what came to the log since.
func (l listener) logged() []string {
	if l.log == "" {
		return nil
	}
	f, err := os.OpenFile(l.log, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if info.Size() < l.from { // it was begun anew
		l.from = 0
	}
	l.from = max(l.from, info.Size()-lastLines*lineBytes)
	text, _ := io.ReadAll(io.NewSectionReader(f, l.from, lastLines*lineBytes))
	return words(string(text))
}

// words takes what was said apart, without empty lines.
func words(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Journal asks journald(8), once that has written down all that it was told.
func Journal(ctx context.Context, unit string, since time.Time) []string {
	return systemd.Journal(ctx, unit, since, lastLines)
}
