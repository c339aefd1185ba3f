package system

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a test of the kill matrix does of it; the whole takes hours.
var (
	deaths  = flag.Int("kills", 1, "at how many random moments each ordeal kills vpnd")
	crowd   = flag.Int("clients", 0, "how many clients the server has in the ordeals, besides those of the example")
	borders = flag.String("boundaries", "1", "before how many of its boundaries each ordeal kills vpnd, or all")
)

// An ordeal is a work of vpnd that is killed again and again.
type ordeal struct {
	ready  func(r reaper)                           // brings the host to where the work begins
	trace  func(r reaper, at int) *tracer           // does it up to a boundary
	kill   func(r reaper, after time.Duration) bool // does it for a time, and says whether that was too short
	takes  time.Duration                            // how long, where a tracer would tell too much
	finish func(r reaper, round int)                // the next run, and what the host must be after it
}

// ordeals are works, each on a host of its own.
var ordeals = map[string]func(r reaper) ordeal{
	"apply": firstApply, "clients": manyClients, "change": change, "repair": repair,
	"rollback": rollback, "destroy": destroy, "agent": agentRepair,
}

// TestKilled kills vpnd before calls that change something and at random
// moments: the next run ends where it would have, no key was ever readable to
// others, and what is not vpnd's is as it was.
func TestKilled(t *testing.T) {
	t.Parallel()
	for name, begin := range ordeals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := reaped(t)
			o := begin(r)
			whole, took := r.count(o)
			r.atBoundaries(o, whole)
			r.atMoments(o, cmp.Or(o.takes, took))
		})
	}
}

// count lets a work come to its end, and says how many boundaries there were and
// how long it took.
func (r reaper) count(o ordeal) (int, time.Duration) {
	r.t.Helper()
	o.ready(r)
	began := time.Now()
	whole := o.trace(r, 0)
	took := time.Since(began)
	r.narrow(whole)
	o.finish(r, 0)
	if n := len(whole.passed); n < 20 {
		r.t.Fatalf("there are only %d boundaries: %q", n, whole.passed)
	}
	return len(whole.passed), took
}

// atBoundaries kills a work before some of its boundaries.
func (r reaper) atBoundaries(o ordeal, count int) {
	chosen := r.some(count)
	reached := 0
	for round, at := range chosen {
		r.t.Run(fmt.Sprintf("boundary_%d", at), func(t *testing.T) {
			r := r.in(t)
			o.ready(r)
			passed := o.trace(r, at)
			t.Logf("killed: %t, of %d boundaries the last: %s", passed.killed, len(passed.passed), passed.passed[len(passed.passed)-1])
			if passed.killed {
				reached++
			}
			r.narrow(passed)
			r.unharmed(round)
			o.finish(r, round)
		})
	}
	r.t.Logf("%d kills before %d of %d boundaries", reached, len(chosen), count)
}

// narrow wants no key to have been open to others for a moment.
func (r reaper) narrow(t *tracer) {
	r.t.Helper()
	for key := range t.wide {
		r.t.Errorf("others could have read a key: %s", key)
	}
}

// some are boundaries, evenly spread from a drawn one on.
func (r reaper) some(count int) []int {
	step := 1
	if *borders != "all" {
		n, err := strconv.Atoi(*borders)
		r.ok(err)
		step = max(1, count/max(1, n))
	}
	var chosen []int
	for at := 1 + r.random.IntN(step); at <= count; at += step {
		chosen = append(chosen, at)
	}
	return chosen
}

// atMoments kills a work at moments within the time that it takes.
func (r reaper) atMoments(o ordeal, whole time.Duration) {
	reached := 0
	for round := range *deaths {
		after := time.Duration(r.random.Int64N(int64(whole)))
		r.t.Run(fmt.Sprintf("after_%s", after.Round(time.Millisecond)), func(t *testing.T) {
			r := r.in(t)
			o.ready(r)
			if o.kill(r, after) {
				reached++
			}
			r.unharmed(round)
			o.finish(r, round)
		})
	}
	r.t.Logf("%d of %d kills within %s met vpnd at work", reached, *deaths, whole.Round(time.Millisecond))
}

// command makes a command of vpnd the work of an ordeal.
func command(ready func(reaper), finish func(reaper, int), args ...string) ordeal {
	o := ordeal{ready: ready, finish: finish}
	o.trace = func(r reaper, at int) *tracer {
		t, said := r.scene.trace(at, args...)
		if !t.killed && t.status.ExitStatus() != 0 {
			r.t.Fatalf("vpnd %s was not killed and ended with %d:\n%s", strings.Join(args, " "), t.status.ExitStatus(), said)
		}
		return t
	}
	o.kill = func(r reaper, after time.Duration) bool {
		ctx, cancel := context.WithTimeout(r.t.Context(), after)
		defer cancel()
		_, _, err := r.VPND(ctx, args...)
		return ctx.Err() != nil && err != nil
	}
	return o
}
