package derived

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/hands"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/resource"
)

// accounts are where the names of owners stand.
var accounts = [...]string{"/etc/passwd", "/etc/group"}

// Sight tells of files by what the kernel says of them, of their sources and of the
// accounts of the host: all that a file is told by whose wish is sure.
func (v *Verbs[T]) Sight(ctx context.Context, names []string, wants []*T) []resource.Sighting {
	if v.Memory == nil || v.Memory.Sure == nil {
		return nil
	}
	tree := atomic.NewTree(v.Root)
	defer tree.Close()
	g := &glance{tree: tree, now: v.Clock().UTC(), common: make(map[string][]byte)}
	if g.ground = v.ground(g); g.ground == nil {
		return nil
	}
	v.commonOf(g, names, wants)
	all := make([]resource.Sighting, len(names))
	hands.Each(ctx, len(names), func(i int) {
		if v.sure(wants[i]) {
			all[i] = g.sighting(names[i], v.from(names[i], wants[i]))
		}
	})
	return all
}

// some is of how many files the sources are compared, to find those that many share.
const some = 64

// commonOf looks once at the sources that several files have in common, as far as some
// of the files show them.
func (v *Verbs[T]) commonOf(g *glance, names []string, wants []*T) {
	users := make(map[string]int)
	for i := 0; i < len(names); i += 1 + len(names)/some {
		if !v.sure(wants[i]) {
			continue
		}
		for _, file := range v.from(names[i], wants[i]) {
			if users[file]++; users[file] == 2 {
				g.common[file] = g.marks(nil, file)
			}
		}
	}
}

// ground tells of what every file here depends on: the accounts of the host, and whether
// its clock is known to be right; nil where that can't be told of.
func (v *Verbs[T]) ground(g *glance) []byte {
	text := strconv.AppendBool(nil, v.Synchronized != nil && v.Synchronized())
	for _, file := range accounts {
		if _, err := g.tree.Stat(file); errors.Is(err, fs.ErrNotExist) {
			text = append(text, "none"...)
		} else if text = g.marks(text, file); text == nil {
			return nil
		}
	}
	return text
}

// sure says whether a sighting tells of such a wish. Names of owners besides root's may
// come from elsewhere than the host.
func (v *Verbs[T]) sure(want *T) bool {
	if want == nil || v.Kept(want) != nil {
		return false
	}
	a, roots := v.Access(want), func(name *string) bool { return name == nil || *name == "root" }
	return roots(*a.Owner) && roots(*a.Group) && v.Memory.Sure(want)
}

// Lasts says whether time alone has not changed what was observed.
func (v *Verbs[T]) Lasts(got *T, now time.Time) bool {
	return v.Memory != nil && (v.Memory.Lasts == nil || v.Memory.Lasts(got, now))
}

// glance is one look at many files, none of which it reads.
type glance struct {
	tree   *atomic.Tree
	now    time.Time
	ground []byte
	common map[string][]byte // marks of what several have in common; nil of what can't be told of
}

// sighting tells of a file, of its sources and of the ground; it is the zero one where
// one of these can't be told of.
func (g *glance) sighting(name string, sources []string) resource.Sighting {
	text := g.marks(append(make([]byte, 0, 512), g.ground...), name)
	for _, file := range sources {
		marks, common := g.common[file]
		switch {
		case text == nil || common && marks == nil:
			return resource.Sighting{}
		case common:
			text = append(text, marks...)
		default:
			text = g.marks(text, file)
		}
	}
	if text == nil {
		return resource.Sighting{}
	}
	return sha256.Sum256(text)
}

// marks appends those of a file, or of a directory where its name ends in /; nil where
// it is not there, or may change without a trace.
func (g *glance) marks(to []byte, file string) []byte {
	info, err := g.tree.Stat(path.Clean(file))
	if err != nil {
		return nil
	}
	still := info.Still(info, g.now)
	if strings.HasSuffix(file, "/") {
		still = info.StillHolds(g.now)
	}
	if !still {
		return nil
	}
	return memo.Marks(to, info)
}
