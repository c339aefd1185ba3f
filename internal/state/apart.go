package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A configuration in force and a snapshot are of no use without their secrets:
// an agent that starts has to go on with the one, and an undo puts the other back.
// So their secrets are blobs of their own (0600), which go with the last that
// needs them; in the files themselves a keyed digest stands for each. So one does
// for a long line, which is no secret, but would be there once for each that stands
// in it.

// NewWas returns a resource with that shape, as a wish and a snapshot hold it.
func NewWas(r resource.Resource, shape any) (Was, error) {
	was := Was{ID: r.ID, Owners: r.Owners, After: r.After, Triggers: r.Triggers}
	var err error
	shape, was.LineOf, was.Line = resource.TakeLine(shape)
	was.Shape, err = resource.Encode(shape, func(s resource.Secret) any {
		was.Secret = true
		return resource.Reveal(s)
	})
	if err != nil {
		return was, fmt.Errorf("%s: %w", r.ID, err)
	}
	return was, nil
}

// secrets are what stands apart of one file, by the digest in its place.
type secrets map[string]json.RawMessage

// hide puts a digest in the place of data.
func (s *Store) hide(apart secrets, name string, data json.RawMessage) (json.RawMessage, error) {
	digest, err := s.digest(name, data)
	if err != nil || digest == "" {
		return data, err
	}
	apart[digest] = data
	return json.Marshal(digest)
}

// hideLines puts a digest in the place of each line. What shares a line in memory
// costs no more than one.
func (s *Store) hideLines(apart secrets, all []Was) ([]Was, error) {
	if !slices.ContainsFunc(all, func(was Was) bool { return len(was.Line) > 0 }) {
		return all, nil
	}
	bare := slices.Clone(all)
	digests := make(map[place]string) // by where a line stands in memory
	for i, was := range bare {
		if len(was.Line) == 0 {
			continue
		}
		at := place{&was.Line[0], len(was.Line)}
		if digests[at] == "" {
			data, err := json.Marshal(was.Line)
			if err != nil {
				return nil, err
			}
			digests[at] = s.Sum(data)
			apart[digests[at]] = data
		}
		bare[i].Line, bare[i].Lined = nil, digests[at]
	}
	return bare, nil
}

func (s *Store) hideShapes(apart secrets, all []Was) ([]Was, error) {
	bare, err := s.hideLines(apart, all)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(bare, func(was Was) bool { return was.Secret }) {
		return bare, nil
	}
	bare = slices.Clone(bare)
	for i, was := range bare {
		if !was.Secret {
			continue
		}
		if bare[i].Shape, err = s.hide(apart, was.ID.String(), was.Shape); err != nil {
			return nil, err
		}
	}
	return bare, nil
}

// find returns what a digest stands for, and all else as it is: an earlier vpnd
// left nothing out.
func (apart secrets) find(data json.RawMessage) (json.RawMessage, error) {
	var digest string
	if json.Unmarshal(data, &digest) != nil || !strings.HasPrefix(digest, sealed) {
		return data, nil
	}
	found, ok := apart[digest]
	if !ok {
		return nil, errors.New("a secret of it is missing")
	}
	return found, nil
}

func (apart secrets) findShapes(all []Was) error {
	lines := make(map[string][]string)
	for i, was := range all {
		line, known := lines[was.Lined]
		if was.Lined != "" && !known {
			if err := json.Unmarshal(apart[was.Lined], &line); err != nil {
				return fmt.Errorf("%s: reading where it stands: %w", was.ID, err)
			}
			lines[was.Lined] = line
		}
		if was.Lined != "" {
			all[i].Line, all[i].Lined = line, ""
		}
		if !was.Secret {
			continue
		}
		shape, err := apart.find(was.Shape)
		if err != nil {
			return fmt.Errorf("%s: %w", was.ID, err)
		}
		all[i].Shape = shape
	}
	return nil
}

// keepApart writes the secrets of a file before the file itself, under a name
// that no other ones have: whenever vpnd is killed, the file that is there finds
// its own.
func (s *Store) keepApart(of string, apart secrets) (name string, err error) {
	if len(apart) == 0 {
		return "", nil
	}
	data, err := json.Marshal(apart)
	if err != nil {
		return "", err
	}
	name = of + "-" + strings.NewReplacer("/", "_", "+", ".").Replace(strings.TrimPrefix(s.Sum(data), sealed))
	if err := makeDir(s.path("secrets")); err != nil {
		return "", err
	}
	if _, err := os.Lstat(s.path("secrets", name)); err == nil {
		return name, nil
	}
	return name, s.write(s.path("secrets", name), data)
}

func (s *Store) readApart(name string) (secrets, error) {
	if name == "" {
		return nil, nil
	}
	if !fs.ValidPath(name) || strings.Contains(name, "/") {
		return nil, fmt.Errorf("%q is no name of a file with secrets", name)
	}
	data, err := readOwn(s.path("secrets", name))
	if err != nil {
		return nil, err
	}
	var apart secrets
	return apart, json.Unmarshal(data, &apart)
}

// dropApart removes the secrets of a file but those of that name, which may be
// none.
func (s *Store) dropApart(of, but string) error {
	all, err := s.apart()
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range all {
		if holder(name) == of && name != but {
			errs = append(errs, atomic.Remove("/", s.path("secrets", name)))
		}
	}
	return errors.Join(errs...)
}

// apart lists what stands apart.
func (s *Store) apart() ([]string, error) {
	names, err := atomic.List("/", s.path("secrets"))
	if err != nil {
		return nil, fmt.Errorf("listing what is kept secret: %w", err)
	}
	return names, nil
}

// holder is whose secrets stand in a file of that name.
func holder(name string) string {
	of, _, _ := strings.Cut(name, "-")
	return of
}

// sweepApart removes the secrets of what is gone or was replaced, where a vpnd
// was killed before it could.
func (s *Store) sweepApart() error {
	all, err := s.apart()
	if err != nil {
		return err
	}
	holders := make(map[string]int)
	for _, name := range all {
		holders[holder(name)]++
	}
	var errs []error
	for of, n := range holders {
		path := s.path("snapshots", of+".json")
		if of == theWish {
			path = s.path(wishFile)
		}
		_, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && of == theWish && s.lacks(wishFile):
			// It was lost, and may come back.
		case errors.Is(err, fs.ErrNotExist):
			errs = append(errs, s.dropApart(of, ""))
		case n > 1:
			if named := namesApart(path); named != "" {
				errs = append(errs, s.dropApart(of, named))
			}
		}
	}
	return errors.Join(errs...)
}

// namesApart returns which secrets a file says are its own. A wish says so in its first
// line, and the rest of it is not read.
func namesApart(path string) string {
	f, err := openOwn(path, os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer f.Close()
	var named struct{ Secrets string }
	all := bufio.NewReader(f)
	first, err := all.ReadBytes('\n')
	if head, inLines := bytes.CutSuffix(first, []byte(thingsFollow+"\n")); err == nil && inLines {
		first = append(head, '}')
	} else if rest, err := io.ReadAll(all); err == nil {
		first = append(first, rest...)
	}
	if json.Unmarshal(first, &named) != nil {
		return ""
	}
	return named.Secrets
}

// SetApart brings what an earlier vpnd wrote into today's form, where that has not
// been done: secret says of what secrets are to stand apart. The caller holds the
// [Lock].
func (s *Store) SetApart(secret func(Was) bool) error {
	if namesApart(s.path(wishFile)) != "" {
		return nil
	}
	wish, err := s.Wish()
	if err != nil || wish == nil || wish.Secrets != "" {
		return nil // where it can't be read, whoever needs it says so
	}
	mark := func(all []Was) {
		for i := range all {
			all[i].Secret = secret(all[i])
		}
	}
	names, err := s.Snapshots()
	if err != nil {
		return err
	}
	for _, name := range names {
		snap, err := s.Snapshot(name)
		if err != nil {
			continue // it is of no use to an undo either, which says why
		}
		mark(snap.Present)
		if err := s.SaveSnapshot(snap); err != nil {
			return err
		}
	}
	mark(wish.Present)
	if wish.Before != nil {
		mark(wish.Before.Present)
	}
	return s.KeepWish(wish) // last: it says that all is done
}
