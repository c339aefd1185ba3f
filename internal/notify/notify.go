package notify

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/status"
)

// A Notifier tells people beside its caller. Each of those to be told has a queue
// of its own: one who is slow or gone keeps nobody else waiting.
type Notifier struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	targets []*target
}

// New returns one with nobody to tell. Close it.
func New(log *slog.Logger) *Notifier {
	n := &Notifier{log: log}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// Set says whom to tell from now on. Who was to be told before goes on as they
// are; the others are told what waits for them.
func (n *Notifier) Set(whom []settings.Notify) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var now []*target
	for _, one := range whom {
		same := func(t *target) bool { return t.is(one) }
		if slices.ContainsFunc(now, same) {
			continue
		}
		if i := slices.IndexFunc(n.targets, same); i >= 0 {
			now = append(now, n.targets[i])
			n.targets = slices.Delete(n.targets, i, i+1)
			continue
		}
		t := newTarget(one, n.log)
		n.wg.Go(func() { t.work(n.ctx) })
		now = append(now, t)
	}
	for _, gone := range n.targets {
		close(gone.events)
	}
	n.targets = now
}

// Tell hands over an event and never blocks: the agent has better things to do.
func (n *Notifier) Tell(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.FormatVersion, e.Time = status.FormatVersion, time.Now()
	e.Host, _ = os.Hostname()
	for _, t := range n.targets {
		t.put(e)
	}
}

// parting is how long what still waits may take when the agent ends.
const parting = tellTime / 5

// Close tells what waits, as long as that is quick, and ends.
func (n *Notifier) Close() {
	n.Set(nil)
	defer time.AfterFunc(parting, n.cancel).Stop()
	n.wg.Wait()
	n.cancel()
}
