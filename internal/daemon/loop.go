package daemon

import (
	"context"
	"os"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/backoff"
	"vpnd/internal/confirm"
	"vpnd/internal/findings"
	"vpnd/internal/lock"
	"vpnd/internal/metrics"
	"vpnd/internal/notice"
	"vpnd/internal/notify"
	"vpnd/internal/resource"
	"vpnd/internal/seen"
	"vpnd/internal/status"
	"vpnd/internal/systemd"
	"vpnd/internal/watch"
)

// How a pass came about, and so how a drift was noticed.
const (
	atStart  = "start"
	byTimer  = "timer"
	byEvent  = "event"
	byReload = "reload"
)

// agent is the daemon at work: a loop that makes passes. It and its lane touch it in
// turns, and nobody else; watchers reach the queue, and the metrics server a copy of the status.
type agent struct {
	opts Options

	life     life
	lane     lane
	events   events
	files    files
	records  records
	active   *active.Configuration // nil where nothing is active
	reach    *reach                // of that; see graph
	backoff  restraint
	schedule schedule
	findings findings.Findings
	closed   []resource.ID // forwarding that is off until the filter rules stand
	checks   checks
	out      outlets
}

// life is how far the agent is on its way.
type life struct {
	instance *lock.Instance
	beat     *time.Ticker // gives signs of life
	since    time.Time
	booting  bool // the host is starting
	guarding bool // the first pass of a boot: only what guards the host
	ready    bool
	stopped  bool
}

// events are what wakes the loop.
type events struct {
	queue    *watch.Queue
	debounce *watch.Debounce
	watchers *watch.Watchers
}

// restraint says what is not to be repaired again yet.
type restraint struct {
	damping *backoff.Damping
	retries *backoff.Retries
	undo    *undo // nil where no apply waits for confirmation
}

// outlets are where is told what passes find. Nothing is decided by what stands there.
type outlets struct {
	metrics *metrics.Exporter
	seen    *seen.Keeper
	notify  *notify.Notifier
	status  status.Status
	tale    tale
}

func newAgent(o Options) *agent {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Host.Files == nil {
		o.Host.Files = new(notice.Inotify).Watch
	}
	if o.Host.Check == nil {
		o.Host.Check = (&confirm.Checker{Catalog: o.Catalog}).Run
	}
	if o.Service.Tell == nil {
		o.Service.Tell = func(string) {}
	}
	if o.Service.Booting == nil {
		o.Service.Booting = func(context.Context) bool { return false }
	}
	if o.Host.StopForwarding == nil {
		o.Host.StopForwarding = StopForwarding
	}
	if o.Host.Busy == nil {
		o.Host.Busy = func() string { return "" }
	}
	queue := watch.NewQueue(o.guards)
	a := &agent{
		opts:     o,
		events:   events{queue: queue, debounce: watch.NewDebounce(queue, o.Now), watchers: watch.NewWatchers(o.Catalog, queue, o.Log)},
		backoff:  restraint{damping: backoff.NewDamping(o.Now, o.essential), retries: backoff.NewRetries(o.Now, o.guards)},
		schedule: schedule{jitter: 1},
		out: outlets{
			metrics: metrics.New(o.Log, o.Catalog), seen: seen.NewKeeper(o.StateDir, o.Catalog, o.Log, o.Now), notify: notify.New(o.Log),
			tale: tale{failed: make(map[resource.ID]string), history: make(map[resource.ID]mentions), warned: make(map[resource.ID]warning)},
		},
		checks: checks{try: o.Host.Check, rounds: make(chan round)},
		files:  files{edited: make(chan struct{}, 1)},
	}
	a.life.beat, a.life.since = a.heartbeat(), o.Now()
	a.out.status.Agent = status.Agent{FormatVersion: status.FormatVersion, Version: o.Version, PID: os.Getpid(), Since: a.life.since}
	a.out.status.Configuration.Paths = o.Paths
	return a
}

// run is the life of the agent.
func (a *agent) run(ctx context.Context) error {
	defer a.stop()
	a.life.booting = a.opts.Service.Booting(ctx)
	a.opts.Log.Info("vpnd begins", "version", a.opts.Version, "booting", a.life.booting)
	a.restrict()
	a.out.seen.Start(ctx)
	a.begin(ctx)
	a.watchState(ctx)
	a.watchFiles(ctx)
	a.lane.run(func() { a.first(ctx) })
	next := time.NewTimer(a.wait())
	defer next.Stop()
	calm := time.NewTimer(calmness)
	calm.Stop()
	defer calm.Stop()
	for {
		select {
		case <-idle(&a.lane, ctx.Done()):
			return nil
		case <-a.life.beat.C:
			if !a.lane.step.hangs(a.opts.Now()) {
				a.opts.Service.Tell("WATCHDOG=1")
			}
			continue
		case <-idle(&a.lane, a.opts.Reload):
			a.lane.run(func() { a.reload(ctx) })
		case <-a.events.queue.Wake():
			a.hear(ctx)
		case r := <-a.checks.rounds:
			a.found(r)
			continue
		case <-a.files.edited:
			calm.Reset(calmness)
			continue
		case <-idle(&a.lane, calm.C):
			if !a.mended() {
				a.inspect(byEvent)
				continue
			}
			a.lane.run(func() { a.takeMended(ctx) })
		case <-next.C:
			a.makePass(ctx, a.tick)
		case <-a.lane.step.done():
			a.resume()
		}
		next.Reset(a.wait())
	}
}

// hear is a pass over what the hints in the queue are about, once they are at rest.
func (a *agent) hear(ctx context.Context) {
	end := ctx.Done()
	if s := a.lane.step; s != nil {
		end = s.Done
	}
	a.events.debounce.Settle(end)
	a.makePass(ctx, func(ctx context.Context) { a.reconcile(ctx, byEvent, a.events.queue.Take()) })
}

// makePass does what makes passes where none is under way; where one waits for a step, it
// makes one beside that instead.
func (a *agent) makePass(ctx context.Context, do func(context.Context)) {
	if s := a.lane.step; s != nil {
		a.meanwhile(ctx, s)
		return
	}
	a.lane.run(func() { do(ctx) })
}

// reload reads the files again, whoever sent the signal; sd_notify(3).
func (a *agent) reload(ctx context.Context) {
	a.opts.Service.Tell(systemd.Reloading())
	a.forgive()
	a.read(ctx, byReload)
	a.reconcile(ctx, byReload, a.events.queue.Take())
	a.opts.Service.Tell("READY=1\nWATCHDOG=1")
}

// forgive begins anew with what was flapping and what failed.
func (a *agent) forgive() {
	a.backoff.damping.Forgive()
	a.backoff.retries.Forgive()
	clear(a.out.tale.failed)
}

// heartbeat ticks in the loop, so that a loop that hangs is silent, and so is one whose
// step does; what an apply does in short steps gives signs of life of its own.
func (a *agent) heartbeat() *time.Ticker {
	if a.opts.Service.Alive <= 0 {
		t := time.NewTicker(time.Hour)
		t.Stop()
		return t
	}
	return time.NewTicker(a.opts.Service.Alive / 3)
}

// stop ends what runs beside the loop and says so.
func (a *agent) stop() {
	a.opts.Service.Tell("STOPPING=1\nSTATUS=Stopping.")
	a.events.watchers.Stop()
	a.out.metrics.Close()
	a.out.seen.Stop()
	a.out.notify.Close()
	a.life.stopped = true
	a.publish()
	a.opts.Log.Info("vpnd ends; the host stays as it is")
}
