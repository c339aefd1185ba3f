package ssh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vpnd/internal/atomic"
)

const (
	sshdConfig = "/etc/ssh/sshd_config"
	dropins    = "/etc/ssh/sshd_config.d"
)

// Foresee is [Accept] where sshd may not be installed yet.
func Foresee(ctx context.Context, path string) error {
	if _, err := sshd(); err != nil {
		return nil
	}
	return Accept(ctx, path)
}

// Accept has sshd judge a drop-in together with all that it reads besides, before the
// drop-in is put in place. That its own configuration has to include drop-ins is
// judged too: one that nobody reads would let an account do as it likes.
func Accept(ctx context.Context, path string) error {
	program, err := sshd()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(sshdConfig)
	if err != nil {
		return fmt.Errorf("reading the configuration of sshd: %w", err)
	}
	if !includes(string(text)) {
		return fmt.Errorf("%s does not include %s, so nobody would read the drop-in; write as its first line: Include %s/*.conf", sshdConfig, dropins, dropins)
	}
	room, leave, err := atomic.Room("sshd")
	if err != nil {
		return err
	}
	defer leave()
	whole := filepath.Join(room, "sshd_config")
	if err := os.WriteFile(whole, []byte("Include "+path+"\n"+string(text)), 0o600); err != nil {
		return err
	}
	_, err = ask(ctx, program, "-t", "-f", whole)
	if err != nil {
		if _, broken := ask(ctx, program, "-t"); broken != nil {
			return fmt.Errorf("what stands there now is broken already: %w; mend that first", broken)
		}
		return errors.New(strings.ReplaceAll(err.Error(), whole, sshdConfig))
	}
	return nil
}

// includes says whether a configuration of sshd reads its drop-ins, for every
// connection: what stands behind a Match block is read for some alone.
func includes(text string) bool {
	for line := range strings.Lines(text) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n=\"", r) })
		if len(words) == 0 {
			continue
		}
		switch strings.ToLower(words[0]) {
		case "match":
			return false
		case "include":
			for _, pattern := range words[1:] {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(filepath.Dir(sshdConfig), pattern)
				}
				if fits, _ := filepath.Match(pattern, dropins+"/00-vpnd-x.conf"); fits {
					return true
				}
			}
		}
	}
	return false
}
