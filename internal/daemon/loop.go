package daemon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/backoff"
	"vpnd/internal/confirm"
	"vpnd/internal/lock"
	"vpnd/internal/metrics"
	"vpnd/internal/notice"
	"vpnd/internal/notify"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
	"vpnd/internal/systemd"
	"vpnd/internal/watch"
)

// How a look came about, and so how a drift was noticed.
const (
	atStart  = "start"
	byTimer  = "timer"
	byEvent  = "event"
	byReload = "reload"
	byApply  = "apply" // another vpnd changed what is in force
)

// agent is the daemon at work. Only its goroutine touches it; watchers reach
// the queue, and the metrics server a copy of the status.
type agent struct {
	Options

	instance    *lock.Instance
	queue       *watch.Queue
	debounce    *watch.Debounce
	watchers    *watch.Watchers
	damping     *backoff.Damping
	retries     *backoff.Retries
	revival     revival
	told        map[resource.ID]string // why something was not done, as the journal has it
	damage      error                  // of what is in force as the state has it; nil where that is well
	active      *active.Configuration  // nil where nothing is active
	reached     *reach                 // of that
	reachOf     *active.Configuration
	files       files
	store       *state.Store // kept from look to look; nil where it is to be read anew
	status      status.Status
	known       map[resource.ID]status.Drift // what was wrong at the last look and is not repaired
	noted       map[resource.ID]mentions     // what the history told of lately
	ripens      map[resource.ID]time.Time    // when it is to be renewed
	warned      map[resource.ID]warning      // of what runs out people were told
	profileless *[]string                    // who needed a new profile at the last look at everything; nil before the first
	advice      []status.Remark              // what the status tells besides
	metrics     *metrics.Exporter
	notify      *notify.Notifier
	guarding    bool      // the first look of a boot: only what guards the host
	waiting     bool      // for somebody else: try again soon
	unsure      bool      // the next look is at everything
	last        time.Time // last look at everything
	others      time.Time // when another vpnd was last known to be at work
	besides     time.Time // since when it is, as far as looks have seen it; zero where none is
	asked       time.Time // the servers, who is connected
	jitter      float64   // of the interval to the next one, around 1
	ready       bool
	beat        *time.Ticker // gives signs of life

	apart bool // no secret of an earlier vpnd is left in the state

	checked   chan round            // what a round of checks found
	unchecked func()                // ends the rounds
	checking  *active.Configuration // whose checks they are
}

func newAgent(o Options) *agent {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Files == nil {
		o.Files = new(notice.Inotify).Watch
	}
	if o.Check == nil {
		o.Check = confirm.Run
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	if o.Booting == nil {
		o.Booting = func(context.Context) bool { return false }
	}
	if o.Shut == nil {
		o.Shut = Shut
	}
	if o.Busy == nil {
		o.Busy = func() string { return "" }
	}
	queue := watch.NewQueue(o.guards)
	a := &agent{
		Options: o,
		queue:   queue, debounce: watch.NewDebounce(queue, o.Now), watchers: watch.NewWatchers(o.Catalog, queue, o.Log),
		damping: backoff.NewDamping(o.Now, o.essential), retries: backoff.NewRetries(o.Now, o.guards), told: make(map[resource.ID]string),
		known:   make(map[resource.ID]status.Drift),
		noted:   make(map[resource.ID]mentions),
		ripens:  make(map[resource.ID]time.Time),
		warned:  make(map[resource.ID]warning),
		metrics: metrics.New(o.Log),
		notify:  notify.New(o.Log),
		jitter:  1,
		checked: make(chan round),
		files:   files{edited: make(chan struct{}, 1)},
	}
	a.beat = a.heartbeat()
	a.status = status.Status{Agent: status.Agent{FormatVersion: status.FormatVersion, Version: o.Version, PID: os.Getpid(), Since: o.Now()}, Configuration: status.Configuration{Paths: o.Paths}, Host: status.Host{Drift: []status.Drift{}}}
	return a
}

// run is the life of the agent.
func (a *agent) run(ctx context.Context) error {
	defer a.stop()
	a.status.Booting = a.Booting(ctx)
	a.Log.Info("vpnd begins", "version", a.Version, "booting", a.status.Booting)
	a.seclude()
	a.begin(ctx)
	a.watchState(ctx)
	a.watchFiles(ctx)
	a.first(ctx)
	next := time.NewTimer(a.pause())
	defer next.Stop()
	calm := time.NewTimer(calmness)
	calm.Stop()
	defer calm.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.beat.C:
			a.Tell("WATCHDOG=1")
			continue
		case <-a.Reload:
			a.reload(ctx)
		case <-a.queue.Wake():
			a.debounce.Settle(ctx.Done())
			a.look(ctx, byEvent, a.queue.Take())
		case r := <-a.checked:
			a.found(r)
			continue
		case <-a.files.edited:
			calm.Reset(calmness)
			continue
		case <-calm.C:
			if !a.takeMended(ctx) {
				a.inspect(byEvent)
				continue
			}
		case <-next.C:
			a.tick(ctx)
		}
		next.Reset(a.pause())
	}
}

// seclude has nobody but root look into the state: what is in it is for nobody
// else, and a copy or a careless chmod opens the folder.
func (a *agent) seclude() {
	was, err := state.Seclude(a.StateDir)
	switch {
	case err != nil:
		a.Log.Warn("others may be able to look into the state", "error", err)
	case was != 0:
		a.Log.Warn("the state folder was open to others, and is for root alone again", "path", a.StateDir, "mode", fmt.Sprintf("%04o", was))
	}
}

// first is the way to readiness. While the host boots, the network waits for
// it, and every unit that needs the network waits for that: so the first look
// makes true only what guards the host, and the rest follows at once.
func (a *agent) first(ctx context.Context) {
	a.guarding = a.status.Booting
	a.look(ctx, atStart, nil)
	a.guarding = false
	a.ready = true
	a.Tell("READY=1\nWATCHDOG=1")
	a.publish()
	if a.status.Booting {
		a.look(ctx, atStart, a.queue.Take())
	}
}

// reload reads the files again, whoever sent the signal; sd_notify(3).
func (a *agent) reload(ctx context.Context) {
	a.Tell(systemd.Reloading())
	a.forgive()
	a.read(ctx, byReload)
	a.look(ctx, byReload, a.queue.Take())
	a.Tell("READY=1\nWATCHDOG=1")
}

// forgive begins anew with what was flapping and what failed.
func (a *agent) forgive() {
	a.damping.Forgive()
	a.retries.Forgive()
	clear(a.told)
}

// tick is a look because its time has come, or only another try of what had to
// wait.
func (a *agent) tick(ctx context.Context) {
	if a.status.Booting && (!a.Booting(ctx) || a.Now().Sub(a.status.Since) > longestBoot) {
		a.status.Booting, a.unsure = false, true
	} else if a.stillWaiting(ctx) {
		return
	}
	a.look(ctx, byTimer, a.queue.Take())
}

// stillWaiting says whether there is no point in another look yet: the interval
// is not over, and who keeps repairs waiting is still at work.
func (a *agent) stillWaiting(ctx context.Context) bool {
	if !a.waiting || a.status.Booting || !a.Now().Before(a.due()) {
		return false
	}
	if a.Busy() != "" {
		return true
	}
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := state.Lock(wait, a.StateDir)
	if err != nil {
		return true
	}
	unlock()
	return false
}

const (
	longestBoot = 5 * time.Minute  // a host that takes longer to start is stuck, and kept all the same
	again       = time.Second      // how soon to try again what had to wait
	retry       = 10 * time.Second // how soon after a look that failed: a full disk, a lock, too few descriptors
)

// pause is how long until the next look that nobody kicks: the interval with
// its jitter, so that hosts that started together don't look together, or
// sooner where something waits.
func (a *agent) pause() time.Duration {
	now := a.Now()
	due := a.due()
	if a.status.Error != "" || len(a.status.FailClosed) > 0 {
		due = earlier(due, now.Add(retry))
	}
	if slices.ContainsFunc(a.status.Unknown, func(u status.Unknown) bool { return a.guards(u.ID) }) {
		due = earlier(due, now.Add(backoff.LongestGuardRetry))
	}
	if a.waiting || a.status.Booting {
		due = earlier(due, now.Add(again))
	}
	for _, next := range []func() (time.Time, bool){a.damping.Next, a.retries.Next, a.nextUndo, a.nextRipe} {
		if at, ok := next(); ok {
			due = earlier(due, at)
		}
	}
	return max(due.Sub(now), time.Millisecond)
}

// due is when the interval is over.
func (a *agent) due() time.Time {
	return a.last.Add(time.Duration(float64(a.active.Interval()) * a.jitter))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// looked is called after each look at everything.
func (a *agent) looked() {
	a.last = a.Now()
	a.jitter = 0.9 + 0.2*rand.Float64()
}

// heartbeat ticks in the loop, so that a loop that hangs is silent. Long steps
// give signs of life of their own.
func (a *agent) heartbeat() *time.Ticker {
	if a.Alive <= 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(a.Alive / 3)
}

// stop ends what runs beside the loop and says so.
func (a *agent) stop() {
	a.Tell("STOPPING=1\nSTATUS=Stopping.")
	a.watchers.Stop()
	a.metrics.Close()
	a.notify.Close()
	a.status.Stopped = true
	a.publish()
	a.Log.Info("vpnd ends; the host stays as it is")
}
