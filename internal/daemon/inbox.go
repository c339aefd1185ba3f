package daemon

import (
	"slices"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// mostHints is how many hints wait for a look. More say no more than "look
// everywhere".
const mostHints = 1024

// inbox takes kicks from any goroutine. None is lost and none blocks its
// sender.
type inbox struct {
	wake   chan struct{}          // has one where kicks wait
	guards func(resource.ID) bool // see [resource.Traits]

	mu     sync.Mutex
	hints  []resource.Hint
	urgent bool // some are of what guards the host
}

func newInbox(guards func(resource.ID) bool) *inbox {
	return &inbox{wake: make(chan struct{}, 1), guards: guards}
}

func (b *inbox) put(h resource.Hint) {
	b.mu.Lock()
	b.urgent = b.urgent || b.guards(resource.ID{Kind: h.Kind})
	switch len(b.hints) {
	case mostHints:
	case mostHints - 1:
		b.hints = append(b.hints, resource.Hint{})
	default:
		b.hints = append(b.hints, h)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take empties the inbox.
func (b *inbox) take() []resource.Hint {
	b.mu.Lock()
	defer b.mu.Unlock()
	hints := b.hints
	b.hints, b.urgent = nil, false
	return hints
}

// waiting returns what waits, and leaves it there.
func (b *inbox) waiting() []resource.Hint {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.hints)
}

// presses says whether something waits that concerns what guards the host.
func (b *inbox) presses() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.urgent
}

// How long a first kick waits for others: until none came for quiet, but not
// longer than patience.
const (
	quiet    = 20 * time.Millisecond
	patience = 100 * time.Millisecond
	laziest  = time.Second
	watchful = 200 * time.Millisecond // the laziest where it is about what guards the host
	share    = 10                     // and then a look may take one part in so many of the time
)

// pace debounces. Looks that find nothing, as a busy neighbour causes them,
// grow lazier; one that finds something, or a minute of peace, ends that.
type pace struct {
	idle int // kicked looks in a row that found nothing
	last time.Time
	took time.Duration // the last look
}

// eager is how many fruitless looks in a row are as fast as any: each repair
// is followed by one, which its own events cause.
const eager = 8

func (p *pace) quiet(now time.Time, urgent bool) time.Duration {
	if now.Sub(p.last) > time.Minute {
		p.idle = 0
	}
	most := laziest
	if urgent {
		most = min(laziest, max(watchful, share*p.took))
	}
	return min(quiet<<max(0, p.idle-eager), most)
}

func (p *pace) looked(now time.Time, took time.Duration, found bool) {
	p.last, p.took = now, took
	if p.idle++; found {
		p.idle = 0
	}
	p.idle = min(p.idle, eager+8) // or the shift would overflow
}
