package exporting

import (
	"errors"
	"fmt"
	"io"
	"path"

	"vpnd/internal/engine"
	"vpnd/internal/profile"
)

// hand writes the one profile that was asked for, in its form.
func (s *Session) hand(given []engine.Gift, f flags) error {
	g, err := one(given)
	if err != nil {
		return err
	}
	text, err := s.Read(g.ID.Name)
	if err != nil {
		return fmt.Errorf("reading the profile: %w; vpnd apply makes it anew", err)
	}
	if f.format == asPKCS12 {
		return s.store(g, text, f)
	}
	key := "a private key"
	if f.encrypts() {
		key = "a private key, if encrypted"
		if text, err = s.lock(g, text, f); err != nil {
			return err
		}
	}
	switch {
	case f.qr:
		return s.show(g, text)
	case f.out != "":
		return s.write(f.out, text)
	}
	if _, err := s.Out.Write(text); err != nil {
		return err
	}
	if s.terminal(s.Out) {
		_, _ = fmt.Fprintf(s.Err, "vpnd: warning: that was %s, and it stands on this terminal now, and in what it keeps of earlier lines. To write it to a file instead: vpnd client export %s --out %s\n", key, g.Holder, path.Base(g.ID.Name))
	}
	return nil
}

func (s *Session) terminal(w io.Writer) bool {
	columns, _ := s.Size(w)
	return columns > 0
}

func (s *Session) write(file string, data []byte) error {
	if err := s.Write(file, data); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// lock puts the key of a profile under a passphrase.
func (s *Session) lock(g engine.Gift, text []byte, f flags) ([]byte, error) {
	secret, err := s.asker().Key(f.secret)
	if err != nil {
		return nil, err
	}
	locked, err := profile.Locked(text, secret.Reveal())
	if errors.Is(err, profile.ErrNoKey) {
		err = fmt.Errorf("%s: %w that could be encrypted; leave --passphrase and --passphrase-file out", g.ID.Name, err)
	}
	return locked, err
}

// show shows a profile to a camera.
func (s *Session) show(g engine.Gift, text []byte) error {
	columns, lines := s.Size(s.Out)
	file := fmt.Sprintf("vpnd client export %s --out %s", g.Holder, path.Base(g.ID.Name))
	if columns == 0 {
		return errors.New("a QR code is for the camera before a terminal, and this is none; to a file goes the profile itself: " + file)
	}
	code, err := profile.QR(profile.Bare(text))
	switch {
	case errors.Is(err, profile.ErrTooLarge):
		return fmt.Errorf("%s's profile, with its certificates, is %w. Bring it as a file: %s; or its key for the key store of a phone: vpnd client export %[1]s --format p12 --out %[1]s.p12", g.Holder, err, file)
	case err != nil:
		return err
	case columns < code.Width || lines < code.Height+1:
		return fmt.Errorf("the QR code takes %d columns and %d lines, and the terminal has %d and %d; make its letters smaller, or bring the profile as a file: %s", code.Width, code.Height+1, columns, lines, file)
	}
	_, err = io.WriteString(s.Out, code.Text)
	return err
}

// store writes the certificate and its key for a key store.
func (s *Session) store(g engine.Gift, text []byte, f flags) error {
	if f.out == "" && s.terminal(s.Out) {
		return fmt.Errorf("what a key store reads is not for a terminal; write it to a file: vpnd client export %s --format p12 --out %[1]s.p12", g.Holder)
	}
	secret, err := s.asker().Key(f.secret)
	if err != nil {
		return err
	}
	p12, err := profile.PKCS12(text, secret.Reveal(), f.legacy)
	switch {
	case errors.Is(err, profile.ErrNoKey):
		return fmt.Errorf("%s: %w, which is what a key store takes; leave --format p12 out", g.ID.Name, err)
	case err != nil:
		return err
	}
	if f.beside != "" {
		if err := s.write(f.beside, profile.Beside(text, path.Base(f.p12Name(g)))); err != nil {
			return err
		}
	}
	if f.out == "" {
		_, err = s.Out.Write(p12)
		return err
	}
	return s.write(f.out, p12)
}

// p12Name is how the profile beside calls the file.
func (f flags) p12Name(g engine.Gift) string {
	if f.out != "" {
		return f.out
	}
	return g.Holder + ".p12"
}
