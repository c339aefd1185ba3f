package memo

import (
	"time"

	"vpnd/internal/atomic"
)

// sight is what was found in a file when it was looked at.
type sight struct {
	info   atomic.Info
	looked time.Time
	what   any
}

// Saw remembers for this process what was found in a file that was read as it was at
// a time, by the clock of the host.
func (m *Memo) Saw(path string, info atomic.Info, looked time.Time, what any) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = make(map[string]sight)
	}
	m.seen[path] = sight{info, looked, what}
}

// Still returns what was found in a file earlier, where nothing of it has changed
// since.
func (m *Memo) Still(path string, now atomic.Info) (any, bool) {
	if m == nil {
		return nil, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, known := m.seen[path]
	if !known || !now.Still(s.info, s.looked) {
		return nil, false
	}
	return s.what, true
}
