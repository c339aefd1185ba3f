// Package archive is what vpnd moves house with: files that can't be made anew, in
// one archive that is encrypted to a passphrase or to recipients of age. It knows
// nothing of where they come from or go to.
//
// The format is a tar archive within the format of age (age-encryption.org/v1). Its
// first member, vpnd.json, says what wrote it. Nothing of an archive is handed out
// before all of it was read and found whole.
package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"filippo.io/age"
)

// FormatVersion is that of what [Write] writes.
const FormatVersion = "1.0"

// The bounds of an archive, so that a damaged one can't fill the memory.
const (
	mostBytes   = 1 << 30
	mostEntries = 1 << 20
)

// manifest is the name of the first member.
const manifest = "vpnd.json"

// A Manifest says where an archive comes from.
type Manifest struct {
	FormatVersion string    `json:"format_version"`
	Version       string    `json:"version"` // of vpnd
	Host          string    `json:"host"`
	Made          time.Time `json:"made"`

	Given json.RawMessage `json:"given,omitempty"` // what the host knows of things that people were given, in its own words
}

// An Entry is a file or a directory.
type Entry struct {
	Path  string // absolute
	Mode  fs.FileMode
	User  string // who owns it, by name
	Group string
	Data  []byte // of a file
}

// Write writes an archive that only they can open to whom it is written.
func Write(w io.Writer, m Manifest, entries []Entry, to ...age.Recipient) error {
	m.FormatVersion = FormatVersion
	sealed, err := age.Encrypt(w, to...)
	if err != nil {
		return fmt.Errorf("encrypting: %w", err)
	}
	about, err := json.Marshal(m)
	if err != nil {
		return err
	}
	t := tar.NewWriter(sealed)
	err = put(t, Entry{Path: "/" + manifest, Mode: 0o600, Data: about}, m.Made)
	for _, e := range entries {
		err = errors.Join(err, put(t, e, m.Made))
	}
	return errors.Join(err, t.Close(), sealed.Close())
}

func put(t *tar.Writer, e Entry, made time.Time) error {
	h := &tar.Header{
		Name: strings.TrimPrefix(e.Path, "/"), Mode: int64(e.Mode.Perm()), Uname: e.User, Gname: e.Group,
		Size: int64(len(e.Data)), ModTime: made, Typeflag: tar.TypeReg, Format: tar.FormatPAX,
	}
	if e.Mode.IsDir() {
		h.Name, h.Typeflag = h.Name+"/", tar.TypeDir
	}
	if err := t.WriteHeader(h); err != nil {
		return fmt.Errorf("writing %s: %w", e.Path, err)
	}
	_, err := t.Write(e.Data)
	return err
}

// Read returns what an archive holds, after all of it was found whole.
func Read(r io.Reader, by ...age.Identity) (Manifest, []Entry, error) {
	opened, err := age.Decrypt(r, by...)
	if err != nil {
		return Manifest{}, nil, refused(err)
	}
	all := &io.LimitedReader{R: opened, N: mostBytes + 1}
	m, entries, err := members(tar.NewReader(all))
	if err == nil {
		_, err = io.Copy(io.Discard, all) // what follows the last member is sealed too
	}
	if all.N <= 0 {
		err = fmt.Errorf("it holds more than %d MiB", mostBytes>>20)
	}
	if err != nil {
		return Manifest{}, nil, fmt.Errorf("this is no whole archive of vpnd: %w", err)
	}
	return m, entries, nil
}

// refused says why an archive does not open, in words that help.
func refused(err error) error {
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return errors.New("neither this passphrase nor this identity opens the archive")
	}
	return fmt.Errorf("opening the archive: %w", err)
}

func members(t *tar.Reader) (m Manifest, entries []Entry, err error) {
	h, err := t.Next()
	if err != nil {
		return m, nil, err
	}
	if h.Name != manifest {
		return m, nil, fmt.Errorf("it begins with %q instead of %s", h.Name, manifest)
	}
	if err := json.NewDecoder(t).Decode(&m); err != nil {
		return m, nil, err
	}
	if major, _, _ := strings.Cut(m.FormatVersion, "."); major != "1" {
		return m, nil, fmt.Errorf("it has format %q, and this vpnd reads 1.x; a newer vpnd reads it", m.FormatVersion)
	}
	for len(entries) < mostEntries {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return m, entries, nil
		}
		if err != nil {
			return m, nil, err
		}
		e, err := entry(t, h)
		if err != nil {
			return m, nil, err
		}
		entries = append(entries, e)
	}
	return m, nil, fmt.Errorf("it holds more than %d files", mostEntries)
}

// entry reads a member: a file or a directory at a clean path, without set-id bits.
func entry(t *tar.Reader, h *tar.Header) (Entry, error) {
	e := Entry{Path: path.Clean("/" + h.Name), Mode: fs.FileMode(h.Mode) & fs.ModePerm, User: h.Uname, Group: h.Gname}
	switch {
	case strings.TrimSuffix("/"+h.Name, "/") != e.Path:
		return e, fmt.Errorf("%q is no path of a file", h.Name)
	case h.Typeflag == tar.TypeDir:
		e.Mode |= fs.ModeDir
		return e, nil
	case h.Typeflag != tar.TypeReg:
		return e, fmt.Errorf("%s is neither a file nor a directory", e.Path)
	}
	var err error
	e.Data, err = io.ReadAll(t)
	return e, err
}
