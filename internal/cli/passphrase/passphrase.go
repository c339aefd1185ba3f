// Package passphrase asks for a passphrase on a terminal or reads it from a file, such
// as a credential of systemd. It is never an argument, which everybody on the host can
// read.
package passphrase

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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
	if err == nil && len([]rune(typed)) < least {
		err = fmt.Errorf("the passphrase has fewer than %d characters, and what it protects is %s; take a longer one", least, protects)
	}
	return resource.NewSecret(typed), err
}

func (a Asker) typed(file string, twice bool) (string, error) {
	if file != "" {
		data, err := os.ReadFile(file)
		line, _, _ := strings.Cut(string(data), "\n")
		return strings.TrimSuffix(line, "\r"), err
	}
	in, ok := a.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
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
