package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/status"
)

// An Event is what a notification tells, as JSON.
type Event struct {
	FormatVersion string         `json:"format_version"`
	Time          time.Time      `json:"time"`
	Host          string         `json:"host"`
	Event         string         `json:"event"` // drift, contention, configuration, failure, check, expiry, profile, note
	Text          string         `json:"text"`  // the same for people
	Drift         []status.Drift `json:"drift,omitempty"`
	DriftLeftOut  int            `json:"drift_left_out,omitempty"` // how much more of it vpnd status tells
	LeftOut       int            `json:"left_out,omitempty"`       // events that were not told before this one, since there were too many
}

// mostTold is of how many things one event tells.
const mostTold = 50

// driftEvent is the event of what drifted.
func driftEvent(news []status.Drift) Event {
	told := news[:min(len(news), mostTold)]
	e := Event{Event: "drift", Text: sentence(told), Drift: told, DriftLeftOut: len(news) - len(told)}
	if e.DriftLeftOut > 0 {
		e.Text += fmt.Sprintf("\nand %d more, of which vpnd status tells", e.DriftLeftOut)
	}
	return e
}

// notifier tells people beside the loop. Each of those to be told has a queue of
// its own: one who is slow or gone keeps nobody else waiting.
type notifier struct {
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	targets []*target
}

func newNotifier(log *slog.Logger) *notifier {
	n := &notifier{log: log}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

// set says whom to tell from now on. Who was to be told before goes on as they
// are; the others are told what waits for them.
func (n *notifier) set(whom []settings.Notify) {
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

// put hands over an event and never blocks: the loop has better things to do.
func (n *notifier) put(e Event) {
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

// close tells what waits, as long as that is quick, and ends.
func (n *notifier) close() {
	n.set(nil)
	defer time.AfterFunc(parting, n.cancel).Stop()
	n.wg.Wait()
	n.cancel()
}
