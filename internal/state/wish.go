package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"vpnd/internal/atomic"
)

// A Wish is the configuration that is in force: what the daemon keeps true. It
// is kept evaluated, secrets in the clear (on disk these stand apart), so that it
// needs none of the files, variables and credentials that it came from, and
// stands when they don't.
type Wish struct {
	Fingerprint string          `json:"fingerprint"` // keyed digest of what it asks for
	Since       time.Time       `json:"since"`       // when it was put in force
	Present     []Was           `json:"present"`
	Settings    json.RawMessage `json:"settings"`
	Checks      json.RawMessage `json:"checks,omitempty"`
	Before      *Wish           `json:"before,omitempty"`  // the one in force before, for an undo; its own is left out
	Secrets     string          `json:"secrets,omitempty"` // where they stand apart, those of the one before too
	Number      int             `json:"number,omitempty"`  // see [Kept]

	words *wording // of what it asks for; nil where nobody knows
}

// Sign sets the fingerprint. Where in the files something stands is no part of
// it, nor are settings: neither changes what the host shall be.
func (s *Store) Sign(w *Wish) error {
	words, err := s.word(w.Present)
	if err != nil {
		return err
	}
	w.Fingerprint = s.sum(func(to io.Writer) { err = words.asks(to) })
	if s.log != nil { // it is about to be put in the place of one that reads alike
		s.mu.Lock()
		w.words, s.words = words, words
		s.mu.Unlock()
	}
	return err
}

// appendAsked appends what json.Marshal writes of a thing, and of that only what it
// asks for.
func appendAsked(line []byte, was Was) (_ []byte, err error) {
	if was.Lined != "" {
		if was.Shape, err = was.with(json.RawMessage(`"` + was.Lined + `"`)); err != nil {
			return nil, err
		}
	}
	was.Owners, was.Secret, was.LineOf, was.Lined = nil, false, "", ""
	return appendWas(line, was), nil
}

// KeepWish writes down which configuration is in force.
func (s *Store) KeepWish(w *Wish) error {
	bare, err := s.bareWish(w)
	if err == nil {
		err = s.keep(wishFile, bare)
	}
	if err == nil {
		err = s.dropApart(theWish, bare.Secrets)
	}
	if err != nil {
		return fmt.Errorf("keeping the configuration: %w", err)
	}
	return nil
}

// theWish is whose secrets those of a wish are.
const theWish = "wish"

// bareWish returns a wish whose secrets stand apart, and puts them there.
func (s *Store) bareWish(w *Wish) (*Wish, error) {
	apart := make(secrets)
	bare, err := s.bare(w, apart)
	if err == nil && w.Before != nil {
		bare.Before, err = s.bare(w.Before, apart)
	}
	if err == nil {
		bare.Secrets, err = s.keepApart(theWish, apart)
	}
	return bare, err
}

// bare hides what is secret of one wish. Addresses and commands in the settings
// and the checks often hold a password, which no type tells.
func (s *Store) bare(w *Wish, apart secrets) (*Wish, error) {
	bare := *w
	bare.Secrets = ""
	var err error
	if bare.Settings, err = s.hide(apart, "settings", w.Settings); err != nil {
		return nil, err
	}
	if bare.Checks, err = s.hide(apart, "checks", w.Checks); err != nil {
		return nil, err
	}
	if !w.words.fits(w.Present) {
		bare.words = nil
		bare.Present, err = s.hideShapes(apart, w.Present)
		return &bare, err
	}
	bare.Present = w.words.bare
	maps.Copy(apart, w.words.long)
	maps.Copy(apart, w.words.apart)
	return &bare, nil
}

// reveal puts the secrets of a wish that was read back into it.
func (w *Wish) reveal(apart secrets) (err error) {
	if w.Settings, err = apart.find(w.Settings); err != nil {
		return err
	}
	if w.Checks, err = apart.find(w.Checks); err != nil {
		return err
	}
	return apart.findShapes(w.Present)
}

// A wishRead is the configuration in force as it was read under the lock, and the
// files as they were before that.
type wishRead struct {
	wish        *Wish
	file, apart atomic.Info
}

// sights are what is known of the file of a wish, and of its secrets.
func (s *Store) sights(secrets string) (file, apart atomic.Info, err error) {
	if file, err = atomic.Stat("/", s.path(wishFile)); err == nil && secrets != "" {
		apart, err = atomic.Stat("/", s.path("secrets", secrets))
	}
	return file, apart, err
}

// again returns the wish that was read last where nobody can have changed it since: an
// apply asks for it several times, and of thousands of things that is what it costs
// most.
func (s *Store) again() *Wish {
	s.mu.RLock()
	r := s.wished
	s.mu.RUnlock()
	if s.log == nil || r.wish == nil {
		return nil
	}
	file, apart, err := s.sights(r.wish.Secrets)
	if n, _ := s.said(wishFile); err != nil || file != r.file || apart != r.apart || r.wish.Number < n {
		return nil
	}
	return r.wish.copy()
}

// copy returns a wish whose things can be marked without those of this one.
func (w *Wish) copy() *Wish {
	c := *w
	c.Present = slices.Clone(w.Present)
	if w.Before != nil {
		c.Before = w.Before.copy()
	}
	return &c
}

// Wish returns the configuration that is in force, nil where none ever was.
func (s *Store) Wish() (*Wish, error) {
	if w := s.again(); w != nil {
		return w, nil
	}
	file, _, unseen := s.sights("")
	w, err := s.readWish()
	if s.log == nil || unseen != nil || err != nil || w == nil {
		return w, err
	}
	if now, apart, unseen := s.sights(w.Secrets); unseen == nil && now == file {
		s.mu.Lock()
		s.wished = wishRead{w.copy(), file, apart}
		s.mu.Unlock()
	}
	return w, nil
}

func (s *Store) readWish() (*Wish, error) {
	s.mu.RLock()
	words := s.words
	s.mu.RUnlock()
	for tries := 0; ; tries++ {
		w, err := recall(s, wishFile, whatWish, outOfWish, func() *Wish { return &Wish{words: words} })
		if err != nil || w == nil {
			return nil, err
		}
		apart, err := s.readApart(w.Secrets)
		if errors.Is(err, fs.ErrNotExist) && tries < 3 {
			continue // another vpnd has put one in force in between
		}
		if err == nil {
			err = w.reveal(apart)
		}
		if err == nil && w.Before != nil {
			err = w.Before.reveal(apart)
		}
		if err != nil {
			return nil, &DamageError{Path: s.path(wishFile), What: fmt.Sprintf("reading its secrets in %s: %v", s.path("secrets"), err), Out: outOfWish}
		}
		return w, nil
	}
}

const (
	wishFile  = "wish.json"
	whatWish  = "the configuration that is in force"
	outOfWish = "vpnd apply puts in its place what the files ask for"
)

// Standing returns the configuration in force as far as it can be read: one that
// is damaged is none, and the damage is told.
func (s *Store) Standing() (*Wish, *DamageError, error) {
	w, err := s.Wish()
	var damage *DamageError
	if errors.As(err, &damage) {
		return nil, damage, nil
	}
	return w, nil, err
}

// WishVersion returns words that change whenever another wish is kept; none
// where there is no wish.
func (s *Store) WishVersion() string {
	info, err := os.Lstat(s.path(wishFile))
	if err != nil {
		return ""
	}
	version := info.ModTime().String()
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		version += fmt.Sprint(" ", st.Ino)
	}
	return version
}

// before returns the wish that is in force again once an apply is undone, whose
// snapshot was taken then; nil where the apply put none in force.
func (w *Wish) before(taken time.Time) *Wish {
	if taken.Before(w.Since) {
		return nil
	}
	return w.Before
}

// WishBefore returns the wish that is in force again once a snapshot is gone
// back to, nil where that is none, or where that of now is damaged, from which the
// way back begins. An undo that was killed may have brought it back already.
func (s *Store) WishBefore(snap *Snapshot) (*Wish, error) {
	wish, _, err := s.Standing()
	if err != nil || wish == nil {
		return nil, err
	}
	if snap.Returns {
		back := snap.Return.from(wish)
		if back == nil {
			return nil, nil
		}
		return back, s.Sign(back)
	}
	if back := wish.before(snap.Taken); back != nil {
		return back, nil
	}
	suppressed, err := s.Suppression()
	if err != nil || !suppressed.begun(snap.Taken) {
		return nil, err
	}
	return wish, nil
}

// CutShort returns the name of the snapshot of the apply that put the wish in
// force, where that apply was killed before its end; none where it was not.
func (s *Store) CutShort() (string, error) {
	wish, _, err := s.Standing()
	if err != nil || wish == nil {
		return "", err
	}
	snap, err := s.Snapshot("")
	if err != nil || snap.Taken.Before(wish.Since) {
		return "", nil // there is none
	}
	entries, err := s.History()
	if slices.ContainsFunc(entries, func(e Entry) bool { return e.Snapshot == snap.Name }) {
		return "", nil
	}
	return snap.Name, err
}
