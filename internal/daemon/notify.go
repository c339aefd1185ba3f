package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"vpnd/internal/config"
)

// An Event is what a notification tells, as JSON.
type Event struct {
	FormatVersion string    `json:"format_version"`
	Time          time.Time `json:"time"`
	Host          string    `json:"host"`
	Event         string    `json:"event"` // drift, contention, configuration, failure, check
	Text          string    `json:"text"`  // the same for people
	Drift         []Drift   `json:"drift,omitempty"`
	LeftOut       int       `json:"left_out,omitempty"` // events that were not told before this one, since there were too many
}

// Bounds of notifications: whoever is told may be slow or gone, and a host in
// trouble must not flood anybody. A burst goes out at once, and then one a
// minute.
const (
	tellTime  = 10 * time.Second
	burst     = 10
	perEvent  = time.Minute
	mostQueue = 32
)

// notifier tells people, one event after the other, beside the loop.
type notifier struct {
	log    *slog.Logger
	events chan Event
	done   chan struct{}
	cancel context.CancelFunc

	mu   sync.Mutex
	whom []config.Notify

	tokens  float64
	last    time.Time
	leftOut int
}

func newNotifier(log *slog.Logger) *notifier {
	ctx, cancel := context.WithCancel(context.Background())
	n := &notifier{log: log, events: make(chan Event, mostQueue), done: make(chan struct{}), cancel: cancel, tokens: burst, last: time.Now()}
	go n.work(ctx)
	return n
}

// set says whom to tell from now on.
func (n *notifier) set(whom []config.Notify) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.whom = whom
}

// put hands over an event and never blocks: the loop has better things to do.
func (n *notifier) put(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.whom) == 0 {
		return
	}
	now := time.Now()
	n.tokens = min(burst, n.tokens+now.Sub(n.last).Seconds()/perEvent.Seconds())
	n.last = now
	if n.tokens < 1 || len(n.events) == cap(n.events) {
		n.leftOut++
		return
	}
	n.tokens--
	e.FormatVersion, e.Time, e.LeftOut = FormatVersion, now, n.leftOut
	e.Host, _ = os.Hostname()
	n.leftOut = 0
	n.events <- e
}

// close tells what waits, as long as that is quick, and ends.
func (n *notifier) close() {
	close(n.events)
	select {
	case <-n.done:
	case <-time.After(tellTime / 5):
	}
	n.cancel()
	<-n.done
}

func (n *notifier) work(ctx context.Context) {
	defer close(n.done)
	for e := range n.events {
		n.mu.Lock()
		whom := n.whom
		n.mu.Unlock()
		data, err := json.Marshal(e)
		if err != nil {
			n.log.Error("an event can't be written", "error", err)
			continue
		}
		for _, one := range whom {
			if err := tell(ctx, one, data); err != nil {
				n.log.Warn("a notification did not arrive", "error", err)
			}
		}
	}
}

func tell(ctx context.Context, whom config.Notify, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	if whom.URL != nil {
		return post(ctx, *whom.URL, event)
	}
	cmd := exec.CommandContext(ctx, whom.Command[0], whom.Command[1:]...)
	cmd.Stdin = bytes.NewReader(event)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w", whom.Command[0], err)
	}
	return nil
}
