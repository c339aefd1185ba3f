// Package passphrase asks for a passphrase on a terminal or reads it from a file, such
// as a credential of systemd, or from the standard input. It is never an argument, which
// everybody on the host can read.
package passphrase

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"

	"vpnd/internal/resource"
)

// An Asker is who asks.
type Asker struct {
	In  io.Reader // where it is typed, if that is a terminal
	Err io.Writer // where it is asked for
	Or  string    // the way out where nobody is there, as in "or a key of age"
}

// Old returns the passphrase of something that has one.
func (a Asker) Old(file string) (*resource.Secret, error) {
	typed, err := a.typed(file, false)
	return resource.NewSecret(typed), err
}

// New returns a passphrase for something new, typed twice, with so many characters at
// least; protects is what that is for, in words.
func (a Asker) New(file string, least int, protects string) (*resource.Secret, error) {
	typed, err := a.typed(file, true)
	switch {
	case err != nil:
	case len([]rune(typed)) < least:
		err = fmt.Errorf("the passphrase has fewer than %d characters, and what it protects is %s; take a longer one", least, protects)
	case strings.ContainsFunc(typed, unicode.IsControl):
		err = errors.New("the passphrase has a control character in it, which nobody can type where it is asked for; take another one")
	}
	return resource.NewSecret(typed), err
}

// leastOfKey is how many characters the passphrase of a private key has at least. What
// is tried against it is a file that somebody has found, on a machine of theirs.
const leastOfKey = 10

// mostOfKey is how many bytes OpenVPN reads of a passphrase where it was built without
// PKCS #11, as for phones: USER_PASS_LEN of its misc.h, less the zero at the end.
const mostOfKey = 127

// Key returns a new passphrase for a private key.
func (a Asker) Key(file string) (*resource.Secret, error) {
	secret, err := a.New(file, leastOfKey, "a key")
	if err == nil && len(secret.Reveal()) > mostOfKey {
		err = fmt.Errorf("the passphrase has more than %d bytes, and not every OpenVPN reads more; take a shorter one", mostOfKey)
	}
	return secret, err
}

// Standard is how the standard input is named in the place of a file.
const Standard = "-"

func (a Asker) typed(file string, twice bool) (string, error) {
	in, ok := a.In.(*os.File)
	there := ok && term.IsTerminal(int(in.Fd()))
	switch {
	case file == Standard && !there:
		return line(a.In)
	case file != "" && file != Standard:
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		return line(f)
	case !there:
		return "", errors.New("nobody is there to type a passphrase; give --passphrase-file" + a.Or)
	}
	ask := func(words string) (string, error) {
		_, _ = fmt.Fprint(a.Err, words)
		data, err := term.ReadPassword(int(in.Fd()))
		_, _ = io.WriteString(a.Err, "\n")
		return string(data), err
	}
	first, err := ask("Passphrase: ")
	if err != nil || !twice {
		return first, err
	}
	again, err := ask("Once more: ")
	if err == nil && again != first {
		err = errors.New("they are not the same")
	}
	return first, err
}

// most is how long a line with a passphrase may be, in bytes.
const most = 4096

// line reads the first line, without its end. Of a longer one no part is a passphrase.
func line(r io.Reader) (string, error) {
	text, err := bufio.NewReader(io.LimitReader(r, most+1)).ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && len(text) > most:
		return "", fmt.Errorf("its first line has more than %d bytes; take a shorter passphrase", most)
	case errors.Is(err, io.EOF):
		err = nil
	}
	return strings.TrimRight(text, "\r\n"), err
}
