package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"reflect"
	"syscall"
	"time"

	"vpnd/internal/config/settings"
)

// Bounds of notifications: whoever is told may be slow or gone, and a host in
// trouble must not flood anybody. A burst goes out at once, and then one a
// minute.
const (
	tellTime  = 10 * time.Second
	burst     = 10
	perEvent  = time.Minute
	mostQueue = 32
)

// A target is one who is told, one event after the other.
type target struct {
	settings.Notify
	log     *slog.Logger
	events  chan Event
	tokens  float64
	last    time.Time
	leftOut int
}

func newTarget(whom settings.Notify, log *slog.Logger) *target {
	return &target{Notify: whom, log: log, events: make(chan Event, mostQueue), tokens: burst, last: time.Now()}
}

func (t *target) is(whom settings.Notify) bool {
	return reflect.DeepEqual(t.Notify, whom)
}

// put hands over an event, or counts it where there are too many.
func (t *target) put(e Event) {
	t.tokens = min(burst, t.tokens+e.Time.Sub(t.last).Seconds()/perEvent.Seconds())
	t.last = e.Time
	if t.tokens < 1 || len(t.events) == cap(t.events) {
		t.leftOut++
		return
	}
	t.tokens--
	e.LeftOut, t.leftOut = t.leftOut, 0
	t.events <- e
}

// work tells what comes, until there is nothing more to come or ctx ends.
func (t *target) work(ctx context.Context) {
	for e := range t.events {
		if ctx.Err() != nil {
			return
		}
		data, err := json.Marshal(e)
		if err == nil {
			err = tell(ctx, t.Notify, data)
		}
		if err != nil {
			t.log.Warn("a notification did not arrive", "error", err)
		}
	}
}

func tell(ctx context.Context, whom settings.Notify, event []byte) error {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	if whom.URL != nil {
		return post(ctx, *whom.URL, event)
	}
	return run(ctx, whom.Command, event)
}

// run hands the event to a command, which knows nothing else of vpnd: of its
// environment secrets may be part. One that hangs is killed with all that it
// started.
func run(ctx context.Context, command []string, event []byte) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin = bytes.NewReader(event)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("running %s: it did not end in time and was killed", command[0])
	case err != nil:
		return fmt.Errorf("running %s: %w", command[0], err)
	}
	return nil
}
