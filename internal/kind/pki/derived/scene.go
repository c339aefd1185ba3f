package derived

import (
	"sync"
	"time"

	"vpnd/internal/atomic"
)

// A Scene is the surroundings as one call of a verb sees them: what many files
// have in common is read once. It is good for many hands at once.
type Scene struct {
	Host
	Names *atomic.Names
	Now   time.Time

	tree  *atomic.Tree
	mu    sync.Mutex
	known map[any]any // what was looked for, by a key of a type of its own
}

// Scene returns the surroundings as they are now.
func (h Host) Scene() (*Scene, error) {
	names, err := atomic.ReadNames(h.Root)
	if err != nil {
		return nil, err
	}
	return &Scene{Host: h, Names: names, Now: h.Clock().UTC(), tree: atomic.NewTree(h.Root), known: make(map[any]any)}, nil
}

// Read is that of the host, where every directory is found once.
func (s *Scene) Read(name string) ([]byte, Stat, error) {
	if s.tree == nil {
		return s.Host.Read(name)
	}
	return readBy(name, func(name string) (atomic.Info, []byte, error) { return s.tree.Read(name, MaxFile) })
}

// Follow is that of the host, where every directory is found once.
func (s *Scene) Follow(name string) ([]byte, error) {
	if s.tree == nil {
		return s.Host.Follow(name)
	}
	return follow(s.tree, name)
}

// Look returns what is known of a file, without reading it.
func (s *Scene) Look(name string) (atomic.Info, error) {
	if s.tree == nil {
		return atomic.Stat(s.Root, name)
	}
	return s.tree.Stat(name)
}

// Leave is the end of a scene.
func (s *Scene) Leave() { _ = s.tree.Close() }

// Once returns what look finds, which is looked for the first time only. The key
// is of a type of the caller's own. look may not call Once.
func Once[T any](s *Scene, key any, look func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := s.known[key].(T)
	if !known {
		found = look()
		s.known[key] = found
	}
	return found
}
