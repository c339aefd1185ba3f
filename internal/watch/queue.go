// Package watch brings to the agent what happens on the host: it keeps the
// watchers of the kinds going, queues the hints they give, and has a burst of them
// come to rest (debounce) before the agent reconciles. A hint says "look now" and,
// at best, where; what is there, whoever takes it finds out.
package watch

import (
	"slices"
	"sync"

	"vpnd/internal/resource"
)

// MostHints is how many hints wait for a pass. More say no more than "look
// everywhere".
const MostHints = 1024

// A Queue takes hints from any goroutine. None is lost and none blocks its
// sender.
type Queue struct {
	wake   chan struct{} // has one where hints wait
	guards func(resource.ID) bool

	mu     sync.Mutex
	hints  []resource.Hint
	urgent bool // some are of what guards the host
}

// NewQueue returns an empty queue; guards says of which kinds hints are urgent.
func NewQueue(guards func(resource.ID) bool) *Queue {
	return &Queue{wake: make(chan struct{}, 1), guards: guards}
}

// Wake is ready to be received from where hints wait.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Put adds a hint.
func (q *Queue) Put(h resource.Hint) {
	q.mu.Lock()
	q.urgent = q.urgent || q.guards(resource.ID{Kind: h.Kind})
	switch len(q.hints) {
	case MostHints:
	case MostHints - 1:
		q.hints = append(q.hints, resource.Hint{})
	default:
		q.hints = append(q.hints, h)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Take empties the queue.
func (q *Queue) Take() []resource.Hint {
	q.mu.Lock()
	defer q.mu.Unlock()
	hints := q.hints
	q.hints, q.urgent = nil, false
	return hints
}

// Waiting returns what waits, and leaves it there.
func (q *Queue) Waiting() []resource.Hint {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.hints)
}

// isUrgent says whether something waits that concerns what guards the host.
func (q *Queue) isUrgent() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.urgent
}
