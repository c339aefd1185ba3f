package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/status"
)

// usage is what the agent has taken since it began.
type usage struct {
	cpu   time.Duration // of its threads, and of programs that it ran
	wakes int           // times a thread slept and was woken
}

// idle measures the agent while nothing happens: the percentage of a core that
// it takes, its looks included, and the memory that it holds, in KiB.
func (b *bench) idle(ctx context.Context, where string, percent float64, limit int) error {
	proc, err := b.agentProc(ctx)
	if err != nil {
		return err
	}
	look, err := b.lookCosts(ctx, proc)
	if err != nil {
		return err
	}
	return b.rest(ctx, proc, where, look, percent, limit)
}

// agentProc is the directory of the agent in proc(5).
func (b *bench) agentProc(ctx context.Context) (string, error) {
	pid, err := b.host.Run(ctx, "systemctl", "show", "-P", "MainPID", "vpnd")
	return b.within("/proc/" + strings.TrimSpace(pid)), err
}

// rest measures the agent while nothing happens, which takes so much of a core for one
// look at everything.
func (b *bench) rest(ctx context.Context, proc, where string, look time.Duration, percent float64, limit int) error {
	b.say("watching the idle agent %s for %.1f minutes", where, b.minutes)
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	before, err := used(proc)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := pause(ctx, time.Duration(b.minutes*float64(time.Minute))); err != nil {
		return err
	}
	after, err := used(proc)
	if err != nil {
		return err
	}
	took, wakes := time.Since(start), after.wakes-before.wakes
	const interval = 5 * time.Minute // the agent's, where nobody sets it
	share := 100 * (float64(after.cpu-before.cpu)/float64(took) + float64(look)/float64(interval))
	b.figure(figure{
		what: "idle agent " + where, vpnd: fmt.Sprintf("%.3f %% of a core", share),
		goal: fmt.Sprintf("< %.1f %%", percent), met: share < percent,
	})
	b.figure(figure{what: "… a look of its at everything", vpnd: ms(look) + " of a core"})
	b.figure(figure{what: "… wake-ups of its threads", vpnd: fmt.Sprintf("%.1f a minute", float64(wakes)/took.Minutes())})
	kib, err := resident(proc)
	if err != nil {
		return err
	}
	f := figure{what: "… memory that it holds", vpnd: mebibytes(kib)}
	if limit > 0 {
		f.goal, f.met = "< "+mebibytes(limit), kib < limit
	}
	b.figure(f)
	return nil
}

// lookCosts is the time of a core that one look at everything takes which finds
// nothing, with the files read anew: a reload makes the agent look so.
func (b *bench) lookCosts(ctx context.Context, proc string) (time.Duration, error) {
	const looks = 5
	var sum time.Duration
	for range looks {
		if err := pause(ctx, time.Second); err != nil {
			return 0, err
		}
		s, err := b.status()
		if err != nil {
			return 0, err
		}
		before, err := used(proc)
		if err != nil {
			return 0, err
		}
		if _, err := b.host.Run(ctx, "systemctl", "reload", "vpnd"); err != nil {
			return 0, err
		}
		if err := b.lookAfter(ctx, s.Reconcile.Time); err != nil {
			return 0, err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return 0, err
		}
		after, err := used(proc)
		if err != nil {
			return 0, err
		}
		sum += after.cpu - before.cpu
	}
	return sum / looks, nil
}

// timedLook is the time of a core that one look at everything takes whose time has
// come, with what the agent takes besides until the next one. The interval is short.
func (b *bench) timedLook(ctx context.Context, proc string) (time.Duration, error) {
	const looks = 3
	var last time.Time
	next := func() error {
		return b.await(ctx, "look by itself", func(s *status.Status) bool {
			timed := s.Reconcile.Noticed == "timer" && s.Reconcile.Time.After(last)
			if timed {
				last = s.Reconcile.Time
			}
			return timed
		})
	}
	if err := next(); err != nil {
		return 0, err
	}
	before, err := used(proc)
	if err != nil {
		return 0, err
	}
	for range looks {
		if err := next(); err != nil {
			return 0, err
		}
	}
	after, err := used(proc)
	return (after.cpu - before.cpu) / looks, err
}

// used reads proc(5) of the agent. Threads count in nanoseconds, programs that
// ended in ticks of ten milliseconds.
func used(proc string) (usage, error) {
	var u usage
	threads, err := filepath.Glob(proc + "/task/*")
	if err != nil || len(threads) == 0 {
		return u, fmt.Errorf("the agent has no threads in %s", proc)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread + "/schedstat")
		if err != nil {
			return u, err
		}
		var running int64
		if _, err := fmt.Sscan(string(text), &running); err != nil {
			return u, err
		}
		u.cpu += time.Duration(running)
		slept, err := field(thread+"/status", "voluntary_ctxt_switches:")
		if err != nil {
			return u, err
		}
		u.wakes += slept
	}
	text, err := os.ReadFile(proc + "/stat")
	if err != nil {
		return u, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	for _, ticks := range fields[13:15] { // cutime and cstime
		n, err := strconv.Atoi(ticks)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	return u, nil
}

// resident is the memory that the agent holds, in KiB.
func resident(proc string) (int, error) { return field(proc+"/status", "VmRSS:") }

// field is the number behind a name in a file of proc.
func field(path, name string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, fmt.Errorf("%s has no %s", path, name)
}
