package daemon

import (
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/watch"
)

// A lane is where passes run, one at a time, in a goroutine that takes turns with that
// of the loop: while the pass is at work the loop waits, and while a step of the pass
// takes long the pass waits and the loop goes on. So only one of the two touches the
// agent at any time, and it needs no lock.
type lane struct {
	steps chan *step // by which the pass hands over to the loop; closed at its end
	step  *step      // which the pass waits for; nil where none is under way
}

// A step of a pass takes long: a service that starts, a package that is installed,
// thousands of files that are looked at.
type step struct {
	engine.Work
	of      *pass // which waits, and is only read
	begun   time.Time
	freedom *freedom             // nil before somebody asks for it
	later   *watch.Queue         // hints that wait for its end
	touched []resource.ID        // what passes beside it have changed
	seen    map[resource.ID]bool // what they were about
	over    chan struct{}        // closed when the pass is to go on
}

// run has the lane do what makes passes, until a step of that takes long or it is done.
func (l *lane) run(do func()) {
	l.steps = make(chan *step)
	go func() { defer close(l.steps); do() }()
	l.step = <-l.steps
}

// resume has the pass go on after its step, until the next one or its end.
func (l *lane) resume() {
	close(l.step.over)
	l.step = <-l.steps
}

// await is called by a pass that has nothing to do until a step is done.
func (l *lane) await(s *step) {
	l.steps <- s
	<-s.over
}

// idle is a channel that the loop receives from only between passes.
func idle[T any](l *lane, c <-chan T) <-chan T {
	if l.step != nil {
		return nil
	}
	return c
}

// done tells that the step is done; where there is none, it never does.
func (s *step) done() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.Done
}

// stuck is how long one step is taken for progress. Then the service manager hears no
// more of it.
const stuck = 15 * time.Minute

func (s *step) hangs(now time.Time) bool { return s != nil && now.Sub(s.begun) >= stuck }

// await has a pass wait for its step while the loop goes on, and returns what was changed
// meanwhile. What others have seen since is no longer for this pass to tell.
func (a *agent) await(p *pass, w engine.Work) (touched []resource.ID) {
	s := &step{Work: w, of: p, begun: a.opts.Now(), later: watch.NewQueue(a.opts.guards), seen: make(map[resource.ID]bool), over: make(chan struct{})}
	a.lane.await(s)
	if p.told {
		p.yield(findings.Scope{IDs: s.seen})
	}
	return s.touched
}

// resume has the pass go on whose step is done, and hears again what had to wait.
func (a *agent) resume() {
	for _, h := range a.lane.step.later.Take() {
		a.events.queue.Put(h)
	}
	a.lane.resume()
}
