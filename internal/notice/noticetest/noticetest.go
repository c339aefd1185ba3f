// Package noticetest holds a kind's watcher to its contract in tests.
package noticetest

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// patience is how long a hint may take before a test fails.
const patience = 5 * time.Second

// An Ear hears the hints of a watcher that runs.
type Ear struct {
	testing.TB
	hints  chan resource.Hint
	ended  chan error
	cancel context.CancelFunc
	before usage
}

// Listen starts a watcher, in the network namespace of the test, and waits
// until it listens. When the test ends it is stopped, must return nil, and must
// leave neither goroutines nor descriptors behind.
func Listen(t testing.TB, w resource.Watcher, names ...string) *Ear {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e := &Ear{TB: t, hints: make(chan resource.Hint, 1<<16), ended: make(chan error, 1), cancel: cancel, before: use()}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		ns.Close()
		if err == nil || os.Geteuid() != 0 {
			err = w.Watch(ctx, names, func(h resource.Hint) { e.hints <- h })
		}
		e.ended <- err
	}()
	t.Cleanup(e.stop)
	if h := e.Next(); h != (resource.Hint{}) {
		t.Fatalf("the first hint is %+v, and not the empty one that says it listens", h)
	}
	return e
}

func (e *Ear) stop() {
	e.Helper()
	e.cancel()
	select {
	case err := <-e.ended:
		if err != nil {
			e.Errorf("when its context ended it returned %v", err)
		}
	case <-time.After(patience):
		e.Fatal("it does not end with its context")
	}
	var after usage
	for range 100 {
		if after = use(); after.goroutines <= e.before.goroutines && after.descriptors <= e.before.descriptors {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	e.Errorf("it left something behind: %+v before, %+v after\n%s", e.before, after, stacks[:runtime.Stack(stacks, true)])
}

type usage struct{ goroutines, descriptors int }

func use() usage {
	open, _ := os.ReadDir("/proc/self/fd")
	return usage{runtime.NumGoroutine(), len(open)}
}

// Next returns the next hint.
func (e *Ear) Next() resource.Hint {
	e.Helper()
	select {
	case h := <-e.hints:
		return h
	case err := <-e.ended:
		e.ended <- err
		e.Fatalf("it ended: %v", err)
	case <-time.After(patience):
		e.Fatalf("no hint after %s", patience)
	}
	return resource.Hint{}
}

// Hear waits for a hint that names this, and returns it.
func (e *Ear) Hear(name string) resource.Hint {
	e.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if h := e.Next(); h.Name == name {
			return h
		}
	}
	e.Fatalf("hints, but none that names %q", name)
	return resource.Hint{}
}

// Settle throws away what is still to come of an earlier change.
func (e *Ear) Settle() {
	for {
		select {
		case <-e.hints:
		case <-time.After(60 * time.Millisecond):
			return
		}
	}
}

// Quiet fails where something is heard after the change.
func (e *Ear) Quiet(change func()) {
	e.Helper()
	e.Settle()
	change()
	select {
	case h := <-e.hints:
		e.Errorf("a hint for nothing: %+v", h)
	case err := <-e.ended:
		e.ended <- err
		e.Errorf("it ended: %v", err)
	case <-time.After(250 * time.Millisecond):
	}
}

// Idle fails where a watcher that has nothing to hear wakes the process up more
// often than the runtime does by itself.
func Idle(t testing.TB, w resource.Watcher, names ...string) {
	t.Helper()
	without := quietest()
	e := Listen(t, w, names...)
	e.Settle()
	var with int64
	for range 4 { // on a busy machine the runtime is restless too
		if with = quietest(); with <= without+2 {
			return
		}
	}
	t.Errorf("in the quietest of some half seconds it woke up %d times, and without the watcher %d times", with, without)
}

// quietest returns how often the process went to sleep in the quietest of three
// half seconds.
func quietest() int64 {
	least := int64(1 << 62)
	for range 3 {
		before := switches()
		time.Sleep(500 * time.Millisecond)
		least = min(least, switches()-before)
	}
	return least
}

// switches counts how often the threads of this process went to sleep.
func switches() int64 {
	var r unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &r)
	return r.Nvcsw
}

// Delay makes a change n times, logs how long the first hint after it takes in
// the median and at most, and fails where the median is above the limit.
func (e *Ear) Delay(n int, limit time.Duration, change func(i int)) {
	e.Helper()
	var took []time.Duration
	for i := range n {
		e.Settle()
		start := time.Now()
		change(i)
		e.Next()
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	name := e.Name()[strings.LastIndex(e.Name(), "/")+1:]
	e.Logf("%s: from change to hint %s in the median of %d, %s at most", name, took[n/2].Round(10*time.Microsecond), n, took[n-1].Round(10*time.Microsecond))
	if took[n/2] > limit {
		e.Errorf("the median is above %s", limit)
	}
}
