package derived

import (
	"context"
	"crypto/sha256"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/hands"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/resource"
)

// Sight tells of files by what the kernel says of them, of their sources and of the
// accounts of the host, and by whether its clock is known to be right: all that a file is
// told by whose wish is sure.
func (v *Verbs[T]) Sight(ctx context.Context, names []string, wants []*T) []resource.Sighting {
	if v.Memory == nil || v.Memory.Sure == nil {
		return nil
	}
	g := &glance{tree: atomic.NewTree(v.Root), now: v.Clock().UTC(), shared: make(map[string][]byte)}
	defer g.tree.Close()
	ground := strconv.AppendBool(nil, v.Synchronized != nil && v.Synchronized())
	ground = g.marks(g.marks(ground, "/etc/passwd"), "/etc/group")
	if ground == nil {
		return nil
	}
	all := make([]resource.Sighting, len(names))
	hands.Each(ctx, len(names), func(i int) {
		if v.sure(wants[i]) {
			all[i] = g.sighting(ground, names[i], v.from(names[i], wants[i]))
		}
	})
	return all
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

// Lasts says whether time alone has not changed what was observed, of a file that was
// told by what is remembered of it. What was read whole may be told by more than a
// sighting sees, and is nothing to keep in memory: it may be a key.
func (v *Verbs[T]) Lasts(got *T, now time.Time) bool {
	return v.Memory != nil && v.Kept(got) == nil && (v.Memory.Lasts == nil || v.Memory.Lasts(got, now))
}

// glance is one look at many files, none of which it reads.
type glance struct {
	tree *atomic.Tree
	now  time.Time

	mu     sync.Mutex
	shared map[string][]byte // marks of sources, which several files may have in common
}

// sighting tells of a file, of its sources and of the ground; it is the zero one where
// one of these can't be told of.
func (g *glance) sighting(ground []byte, name string, sources []string) resource.Sighting {
	text := g.marks(append(make([]byte, 0, 512), ground...), name)
	for _, file := range sources {
		marks := g.source(file)
		if text == nil || marks == nil {
			return resource.Sighting{}
		}
		text = append(text, marks...)
	}
	if text == nil {
		return resource.Sighting{}
	}
	return sha256.Sum256(text)
}

func (g *glance) source(file string) []byte {
	g.mu.Lock()
	marks, known := g.shared[file]
	g.mu.Unlock()
	if !known {
		marks = g.marks(make([]byte, 0, 64), file)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.shared[file] = marks
	}
	return marks
}

// marks appends those of a file, or of a directory where its name ends in /; nil where
// there is nothing to append to, it is not there, or it may change without a trace.
func (g *glance) marks(to []byte, file string) []byte {
	info, err := g.tree.Stat(path.Clean(file))
	still := info.Still(info, g.now)
	if strings.HasSuffix(file, "/") {
		still = info.StillHolds(g.now)
	}
	if to == nil || err != nil || !still {
		return nil
	}
	return memo.Marks(to, info)
}
