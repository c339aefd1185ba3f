package derived

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/hands"
	"vpnd/internal/resource"
)

// A place is where files stand, whatever they hold, and what stands beside each. Unlike
// [Verbs] it is not made once for each shape.
type place struct {
	Host
	beside func(s *Scene, name string, data []byte) *Neighbour // nil where nothing does
}

// A wish is for a file to be put in place, of whatever shape.
type wish struct {
	name    string
	access  Access
	content func(s *Scene, there []byte, stands bool) (Product, error) // out of what is there
}

// written is what one wish comes to.
type written struct{ first, then []atomic.File }

// put puts many files in place: first what must be on disk before them, and then they
// themselves.
func (p place) put(wishes []wish) error {
	s, err := p.Scene()
	if err != nil {
		return err
	}
	defer s.Leave()
	made, errs := make([]written, len(wishes)), make([]error, len(wishes))
	hands.Each(context.Background(), len(wishes), func(i int) {
		var err error
		if made[i], err = p.prepare(s, wishes[i]); err != nil {
			errs[i] = &resource.NameError{Name: wishes[i].name, Err: err}
		}
	})
	err = p.write(made)
	if refuse(wishes, made, errs, err) {
		err = p.write(made)
	}
	return errors.Join(append(errs, err)...)
}

// write puts all files in place or none.
func (p place) write(made []written) error {
	var first, then []atomic.File
	for _, w := range made {
		first, then = append(first, w.first...), append(then, w.then...)
	}
	return atomic.WriteInTurn(p.Root, first, then)
}

// refuse takes out the wishes with a file that can't be written, and says whether there
// are any: the others are for another try.
func refuse(wishes []wish, made []written, errs []error, err error) bool {
	refused := false
	for _, e := range resource.Each(err) {
		var one *atomic.Error
		if !errors.As(e, &one) {
			continue
		}
		for i, w := range made {
			if slices.ContainsFunc(slices.Concat(w.first, w.then), func(f atomic.File) bool { return f.Path == one.Path }) {
				errs[i], made[i], refused = &resource.NameError{Name: wishes[i].name, Err: one}, written{}, true
			}
		}
	}
	return refused
}

// prepare finds what a wish comes to. Where only who may use the file changes, that is done
// at once.
func (p place) prepare(s *Scene, w wish) (written, error) {
	data, now, err := standing(w.name, s.Read)
	if err != nil {
		return written{}, err
	}
	product, err := w.content(s, data, now != nil)
	if err != nil {
		return written{}, err
	}
	f, err := Target(s.Names, w.name, product.Data, w.access, now)
	if err != nil {
		return written{}, err
	}
	n := p.neighbour(s, w.name, product.Data)
	if n != nil && now == nil && n.Stands && !n.Ours {
		return written{}, fmt.Errorf("%s stands there already and belongs to something else; move it away, or choose another path", n.Path)
	}
	out := written{first: product.First}
	if now == nil || string(data) != string(product.Data) {
		out.then = append(out.then, f)
	} else if err := atomic.Own(p.Root, f.Path, f.Mode, f.UID, f.GID); err != nil {
		return written{}, err
	}
	if n != nil && !n.Ours {
		out.then = append(out.then, atomic.File{Path: n.Path, Data: n.Data, Mode: 0o644, UID: f.UID, GID: f.GID})
	}
	return out, nil
}

func (p place) neighbour(s *Scene, name string, data []byte) *Neighbour {
	if p.beside == nil {
		return nil
	}
	return p.beside(s, name, data)
}

// remove removes the file, and what belongs to it beside it.
func (p place) remove(name string) error {
	data, now, err := standing(name, p.Read)
	if err != nil {
		return err
	}
	if now == nil {
		return atomic.Remove(p.Root, name) // a killed writer may have left half of it
	}
	if n := p.neighbour(&Scene{Host: p.Host}, name, data); n != nil && n.Ours {
		if err := atomic.Remove(p.Root, n.Path); err != nil {
			return err
		}
	}
	return atomic.Remove(p.Root, name)
}

// tidy removes what a killed writer left beside the file, beside what belongs to it, and
// in those of its sources that are directories.
func (p place) tidy(name string, sources []string) error {
	errs := []error{atomic.Tidy(p.Root, name)}
	if data, _, err := standing(name, p.Read); err == nil {
		if n := p.neighbour(&Scene{Host: p.Host}, name, data); n != nil {
			errs = append(errs, atomic.Tidy(p.Root, n.Path))
		}
	}
	for _, source := range sources {
		if strings.HasSuffix(source, "/") {
			errs = append(errs, atomic.TidyDirectory(p.Root, path.Clean(source)))
		}
	}
	return errors.Join(errs...)
}

// standing returns what stands there now; nil where nothing does.
func standing(name string, read func(name string) ([]byte, Stat, error)) ([]byte, *Stat, error) {
	data, now, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	return data, &now, err
}
