// Package daemon is the agent: it keeps a host as its configuration says.
//
// It is a loop that makes passes, one at a time. Timers, signals and the watchers
// of the kinds only kick it; a kick says "now" and, at best, where and after whom.
// A pass is over what its kicks are about; over the whole host at a start, at each
// interval and where a kick does not say. It is data on its way:
//
//	timer · SIGHUP · watch.Queue
//	   │ hints, debounced
//	   ▼
//	gather: policy.Facts, engine.Plan     scope.go, plan.go, gather.go, blame.go
//	   ▼
//	policy.Decide(plan, facts)            what is repaired, left or waited for, and why
//	   │                                  (schedule.go: what that means for later passes)
//	   ▼
//	findings.Seen                         how things stand, and what of it is news
//	   ▼
//	act: engine.Converge                  act.go
//	   ▼
//	findings.Acted                        what became of it
//	   ▼
//	journal, history, notify, metrics,    tell.go, history.go, endings.go, publish.go
//	status.json
//
// While a step of a pass takes long (a service that starts), the pass waits and the loop
// goes on, with small passes over what the step does not touch: see lane and meanwhile.
// What must not stay as it is where rules are missing: see failClosed.
//
// What is in force is a wish in the state directory, which the daemon and vpnd apply
// both write; see package active. So a mistake in a file, a file that is missing at
// boot or one that is being edited changes nothing: the last good wish stays in
// force, across restarts too, since a host must not come up without its filter
// rules because of a typo. Files are read on SIGHUP and at the very first start;
// those that are edited are only inspected, to tell of their mistakes, unless
// nothing is in force since they had some.
//
// There is no control socket: daemon and commands share the lock of the state
// directory and status.json in the run directory.
package daemon

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/lock"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Options are what an agent needs. What may be left out says so.
type Options struct {
	Catalog  resource.Catalog
	Load     func() (*config.Config, hcl.Diagnostics) // reads the files
	Paths    []string                                 // where they are, for people
	StateDir string
	RunDir   string
	Version  string
	Log      *slog.Logger
	Reload   <-chan os.Signal // SIGHUP
	Now      func() time.Time // nil is time.Now
	Service  Service
	Host     Host
}

// Service is the service manager that the agent is a service of. All may be left out.
type Service struct {
	Tell    func(state string)             // sd_notify(3); nil tells nobody
	Alive   time.Duration                  // how often it wants a sign of life; 0 is never
	Booting func(ctx context.Context) bool // whether the host is still starting; nil is never
}

// Host is what else the agent asks and does on its host. All may be left out.
type Host struct {
	Files          func(ctx context.Context, paths []string, kick func()) error         // hears of changes of files as a [resource.Watcher] does; nil is inotify
	Busy           func() string                                                        // the package manager that is at work, as in "apt-get (process 12)"; nil is none
	Check          func(ctx context.Context, checks []settings.Check) []confirm.Failure // nil is that of [confirm.Checker]
	Undo           func(*state.Store) (*confirm.Deadline, error)                        // what undoes an apply that nobody confirms; nil is nothing
	StopForwarding func(key string) (was bool, err error)                               // switches forwarding off; nil is [StopForwarding]
}

// essential says whether vpnd must not give in where another program changes the
// thing again and again.
func (o *Options) essential(id resource.ID) bool {
	return o.Catalog.Traits(id.Kind).Essential.Of(id.Name)
}

// Run keeps the host until ctx ends. An error means that it could not even
// begin; what goes wrong later is told and tried again.
func Run(ctx context.Context, o Options) error {
	instance, err := lock.Acquire(o.RunDir)
	if err != nil {
		return err
	}
	defer instance.Release()
	a := newAgent(o)
	a.life.instance = instance
	return a.run(ctx)
}
