package failover

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"vpnd/internal/kind/ipsec/vici"
)

// longest is how many times the settling time one is left alone that fails again and
// again.
const longest = 16

// A Memory is what the watcher of this process knows of the past of all failovers. A
// process without one has nothing to go by but charon.
type Memory struct {
	mu       sync.Mutex
	all      map[string]*past
	prepares atomic.Bool // standbys are kept ready
}

// MayPrepare says whether standbys are kept ready, by IKE SAs that are established for
// that.
func (v Verbs) MayPrepare(may bool) {
	if v.Memory != nil {
		v.Memory.prepares.Store(may)
	}
}

// of returns the past of a failover.
func (m *Memory) of(name string) *past {
	if m == nil {
		return newPast()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = make(map[string]*past)
	}
	if m.all[name] == nil {
		m.all[name] = newPast()
	}
	return m.all[name]
}

// keep forgets the failovers that are not among these.
func (m *Memory) keep(wants map[string]*Failover) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.all, func(name string, _ *past) bool { return wants[name] == nil })
}

// past is what is known of one failover.
type past struct {
	mu       sync.Mutex
	tunnels  map[string]*tunnel
	answered bool // a probe was
}

func newPast() *past { return &past{tunnels: make(map[string]*tunnel)} }

// A tunnel is what is known of one of its connections.
type tunnel struct {
	busy sync.Mutex // held by whoever establishes it

	failed string        // why it counts as dead
	why    string        // the last time that it did
	began  time.Time     // it has carried since
	hold   time.Duration // how long it was left alone the last time
	until  time.Time     // it is left alone until then

	silent bool      // its peer did not answer
	since  time.Time // its peer has answered since
	asked  time.Time // its peer was seen to owe charon an answer since then; zero where it owes none
}

// tunnel returns what is known of a connection; p.mu is held.
func (p *past) tunnel(name string) *tunnel {
	if p.tunnels[name] == nil {
		p.tunnels[name] = &tunnel{}
	}
	return p.tunnels[name]
}

// recall returns a copy of what is known of a connection, of which is told whether it
// carries now.
func (p *past) recall(name string, carries bool, now time.Time) tunnelPast {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tunnel(name)
	switch {
	case !carries:
		t.began = time.Time{}
	case t.began.IsZero():
		t.began = now
	}
	told := tunnelPast{failed: t.failed, why: t.why, barred: now.Before(t.until), silent: t.silent}
	told.stalled = !t.asked.IsZero() && now.Sub(t.asked) > patience
	if !t.since.IsZero() {
		told.answered = now.Sub(t.since)
	}
	return told
}

// A tunnelPast is what others are told of a [tunnel].
type tunnelPast struct {
	failed   string
	why      string
	barred   bool
	silent   bool
	stalled  bool // its peer owes charon an answer
	answered time.Duration
}

// fail notes that a connection is dead. One that fails soon after traffic came back to
// it is left alone for twice as long.
func (p *past) fail(name, why string, settle time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tunnel(name)
	if t.failed != "" {
		return
	}
	t.failed, t.why, t.since = why, why, time.Time{}
	if t.began.IsZero() { // nothing depends on it
		return
	}
	if t.hold == 0 || now.Sub(t.began) > 2*t.hold {
		t.hold = settle
	} else {
		t.hold = min(2*t.hold, longest*settle)
	}
	t.until = now.Add(t.hold)
}

// forget ends that a connection counts as dead: it was ended, and begins anew.
func (p *past) forget(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tunnel(name).failed = ""
}

// answer notes that a probe came back through a connection.
func (p *past) answer(name string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answered = true
	t := p.tunnel(name)
	t.failed = ""
	if t.since.IsZero() {
		t.since = now
	}
}

// pointless says whether lost probes mean nothing: none was ever answered, and they were
// lost through each connection.
func (p *past) pointless(names []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.answered && !slices.ContainsFunc(names, func(name string) bool { return p.tunnel(name).hold == 0 })
}

// knocked notes what became of asking a peer that does not carry. One that refuses is
// there.
func (p *past) knocked(name string, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tunnel(name)
	t.silent = errors.Is(err, vici.ErrSilent)
	switch {
	case err == nil || t.silent:
		t.since = time.Time{}
	case t.since.IsZero():
		t.since = now
	}
}

// asked notes whether a peer owes charon an answer.
func (p *past) asked(name string, unanswered bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch t := p.tunnel(name); {
	case !unanswered:
		t.asked = time.Time{}
	case t.asked.IsZero():
		t.asked = now
	}
}

// unanswered is for how long it has.
func (p *past) unanswered(name string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.tunnel(name); !t.asked.IsZero() {
		return now.Sub(t.asked)
	}
	return 0
}

// due says whether a connection may be asked for: not longer before it may come back
// than it has to be well by then.
func (p *past) due(name string, settle time.Duration, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.tunnel(name).until.Add(-settle))
}

// establishing is held by whoever establishes a connection.
func (p *past) establishing(name string) *sync.Mutex {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &p.tunnel(name).busy
}
