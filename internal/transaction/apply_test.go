package transaction

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// How the host is where nothing of an apply is left, where all of it is kept, and
// while it waits.
const (
	asBefore   = "1: active 1"
	asAfter    = "2: active 2, snapshot"
	undoneHost = "1: active 1, suppressed"
	atWaiting  = "2: active 2, snapshot, reserve, pending"
)

// What becomes of an apply of 2 on a host that has 1, by what happens in each phase:
// where it ends, the host with what is on disk then, and what people were told.
func TestApply(t *testing.T) {
	minute := Terms{Confirm: time.Minute}
	for _, c := range []struct {
		phase, event string
		terms        Terms
		prepare      func(r *rig, stop context.CancelFunc)

		ends Phase
		err  string
		host string
		told string
	}{
		{
			"planned", "somebody says no", minute, func(r *rig, _ context.CancelFunc) { r.types("no") },
			"", "nothing was changed", asBefore, "Planned Agree",
		},
		{
			"planned", "nobody types any more", minute, func(r *rig, _ context.CancelFunc) { r.types() },
			"", "nothing was changed", asBefore, "Planned Agree",
		},
		{"planned", "it is interrupted", minute, func(r *rig, stop context.CancelFunc) {
			r.answers, r.onAsk = make(chan string), func(string) { stop() }
		}, "", "nothing was changed", asBefore, "Planned Agree"},
		{"planned", "the host moves while somebody thinks", Terms{}, func(r *rig, _ context.CancelFunc) {
			r.types("yes", "yes")
			r.onAsk = func(string) { r.text, r.onAsk = "moved", nil }
		}, Kept, "", asAfter, "Planned Agree Moved Planned Agree Reported Checked Applied"},
		{"planned", "another apply begins to wait while somebody thinks", minute, func(r *rig, _ context.CancelFunc) {
			r.types("yes")
			r.onAsk = func(string) {
				other := *r
				other.answers, other.onAsk = nil, nil
				other.host.People = &audience{}
				if _, err := other.apply(context.Background(), "2", minute); err != nil {
					r.Error(err)
				}
			}
		}, "", "keep it with vpnd confirm", atWaiting, "Planned Agree"},
		{
			"agreed", "a reader refuses", minute, func(r *rig, _ context.CancelFunc) { r.refuse = true },
			Failed, "", asBefore, "Planned Reported",
		},
		{
			"agreed", "there is nothing to do",
			Terms{},
			func(r *rig, _ context.CancelFunc) { r.text = "2" },
			Kept, "", "2: active 2", "Planned Reported Checked Applied",
		},
		{
			"armed", "there is no timer", minute, func(r *rig, _ context.CancelFunc) { r.broken = errors.New("no systemd") },
			Failed, "", asBefore, "Planned Reported",
		},
		{
			"armed", "a kill", minute, func(r *rig, _ context.CancelFunc) { r.enabled = func() string { panic(errKilled) } },
			"", "killed", "1: active 1, snapshot, reserve, pending", "Planned",
		},
		{
			"working", "a change fails", minute, func(r *rig, _ context.CancelFunc) { r.failsOnce("2", errors.New("it is broken")) },
			Undone, "", undoneHost, "Planned Reported Undoing Planned Reported GoneBack",
		},
		{
			"working", "a change fails, and nobody asked for an undo",
			Terms{},
			func(r *rig, _ context.CancelFunc) { r.failsOnce("2", errors.New("it is broken")) },
			Failed, "", "1: active 2, snapshot", "Planned Reported",
		},
		{
			"working", "a change fails, to be undone then",
			Terms{Undo: true},
			func(r *rig, _ context.CancelFunc) { r.failsOnce("2", errors.New("it is broken")) },
			Undone, "", undoneHost, "Planned Reported Undoing Planned Reported GoneBack",
		},
		{
			"working", "it is interrupted", minute, func(r *rig, stop context.CancelFunc) { r.meanwhile("2", stop) },
			Undone, "", undoneHost, "Planned Reported Watching Undoing Planned Reported GoneBack",
		},
		{
			"working", "the deadline passes", minute, func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { time.Sleep(2 * time.Minute) }) },
			Undone, "", undoneHost, "Planned Reported Watching Undoing Planned Reported GoneBack",
		},
		{
			"working", "a kill", minute, func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { panic(errKilled) }) },
			"", "killed", "1: active 2, snapshot, reserve, pending", "Planned",
		},
		{
			"proving", "a probe fails", minute, func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { r.unreachable = true }) },
			Undone, "", undoneHost, "Planned Reported Watching Undoing Planned Reported GoneBack",
		},
		{
			"proving", "a probe fails that failed before", minute, func(r *rig, _ context.CancelFunc) { r.unreachable = true },
			Waiting, "", atWaiting, "Planned Reported Checked Unconfirmed",
		},
		{
			"proving", "a probe would fail, and nobody watches",
			Terms{Confirm: time.Minute, Unwatched: true},
			func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { r.unreachable = true }) },
			Waiting, "", atWaiting, "Planned Reported Checked Unconfirmed",
		},
		{
			"proving", "a check fails", minute, func(r *rig, _ context.CancelFunc) { r.check = errors.New("no answer") },
			Undone, "", undoneHost, "Planned Reported Watching Fails Checked Undoing Planned Reported GoneBack",
		},
		{
			"proving", "a check fails, and nobody asked for an undo",
			Terms{},
			func(r *rig, _ context.CancelFunc) { r.check = errors.New("no answer") },
			Failed, "", asAfter, "Planned Reported Fails Checked",
		},
		{"proving", "a check fails, and the undo does too", minute, func(r *rig, _ context.CancelFunc) {
			r.check = errors.New("no answer")
			r.on = func(text string) error {
				if text == "1" {
					return errors.New("it is broken")
				}
				return nil
			}
		}, Failed, ErrTold.Error(), "2: active 1, snapshot, pending, tries 1, suppressed", "Planned Reported Watching Fails Checked Undoing Planned Reported Stuck Incomplete"},
		{"proving", "all holds", Terms{}, func(*rig, context.CancelFunc) {}, Kept, "", asAfter, "Planned Reported Checked Applied"},
		{
			"waiting", "nobody is there", minute, func(*rig, context.CancelFunc) {},
			Waiting, "", atWaiting, "Planned Reported Watching Checked Unconfirmed",
		},
		{
			"waiting", "somebody is there, not to be asked",
			Terms{Confirm: time.Minute, Unasked: true},
			func(r *rig, _ context.CancelFunc) { r.types("yes", "no") },
			Waiting, "", atWaiting, "Planned Agree Reported Watching Checked Unconfirmed",
		},
		{
			"waiting", "somebody says yes", minute, func(r *rig, _ context.CancelFunc) { r.types("yes", "yes") },
			Kept, "", asAfter, "Planned Agree Reported Watching Checked Keep Confirmed",
		},
		{
			"waiting", "somebody says no", minute, func(r *rig, _ context.CancelFunc) { r.types("yes", "no") },
			Undone, "", undoneHost, "Planned Agree Reported Watching Checked Keep Undoing Planned Reported GoneBack",
		},
		{
			"waiting", "somebody mumbles, and says yes", minute, func(r *rig, _ context.CancelFunc) { r.types("yes", "hm", "yes") },
			Kept, "", asAfter, "Planned Agree Reported Watching Checked Keep Keep Confirmed",
		},
		{
			"waiting", "nobody types any more", minute, func(r *rig, _ context.CancelFunc) { r.types("yes") },
			Waiting, "", atWaiting, "Planned Agree Reported Watching Checked Keep Unconfirmed",
		},
		{
			"waiting", "it is interrupted", minute, func(r *rig, stop context.CancelFunc) { r.onKeep(stop) },
			Undone, "", undoneHost, "Planned Agree Reported Watching Checked Keep Undoing Planned Reported GoneBack",
		},
		{"waiting", "somebody confirms elsewhere", minute, func(r *rig, _ context.CancelFunc) {
			r.onKeep(func() { r.elsewhere(func(ctx context.Context, t *Transaction) error { return t.Confirm(ctx) }) })
		}, Kept, "", asAfter, "Planned Agree Reported Watching Checked Keep Confirmed"},
		{"waiting", "somebody undoes it elsewhere", minute, func(r *rig, _ context.CancelFunc) {
			r.onKeep(func() { r.elsewhere(func(ctx context.Context, t *Transaction) error { return back(ctx, t) }) })
		}, Undone, "", undoneHost, "Planned Agree Reported Watching Checked Keep GoneBack"},
		{"waiting", "the timer goes off, and somebody says yes", minute, func(r *rig, _ context.CancelFunc) {
			r.onKeep(func() {
				r.ends = time.Now()
				go func() { r.answers <- "yes" }()
			})
		}, Undone, "", undoneHost, "Planned Agree Reported Watching Checked Keep Undoing Planned Reported GoneBack"},
	} {
		t.Run(c.phase+", "+c.event, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				ctx, stop := context.WithCancel(context.Background())
				defer stop()
				c.prepare(r, stop)
				ends, err := r.apply(ctx, "2", c.terms)
				if ends != c.ends {
					t.Errorf("it ends as %q instead of %q", ends, c.ends)
				}
				r.same(err, c.err, c.host, c.told)
			})
		})
	}
}

// same compares what became of an apply with what shall.
func (r *rig) same(err error, text, host, told string) {
	r.Helper()
	if (err == nil) != (text == "") || err != nil && !strings.Contains(err.Error(), text) {
		r.Errorf("the error is %v instead of %q", err, text)
	}
	if now := r.text + ": " + r.disk(); now != host {
		r.Errorf("on host and disk is %q instead of %q", now, host)
	}
	if now := strings.Join(r.told, " "); now != told {
		r.Errorf("people were told %q instead of %q", now, told)
	}
}

// failsOnce has the next change to a text fail.
func (r *rig) failsOnce(text string, err error) {
	r.on = func(now string) error {
		if now != text {
			return nil
		}
		r.on = func(string) error { return nil }
		return err
	}
}

// meanwhile does something in the middle of the change to a text.
func (r *rig) meanwhile(text string, do func()) {
	r.on = func(now string) error {
		if now == text {
			do()
		}
		return nil
	}
}

// onKeep has somebody agree to the plan, and something happen once they are asked
// whether to keep it.
func (r *rig) onKeep(do func()) {
	r.answers = make(chan string)
	r.onAsk = func(what string) {
		if what == "Keep" {
			do()
			return
		}
		go func() { r.answers <- "yes" }()
	}
}

// elsewhere begins another command, whose people are others, and which knows nothing of
// the state but what it reads itself.
func (r *rig) elsewhere(do func(context.Context, *Transaction) error) {
	host := *r.host
	host.People, host.known = &audience{}, nil
	go func() {
		time.Sleep(3 * time.Second)
		t, err := host.Begin(context.Background())
		if err == nil {
			err = do(context.Background(), t)
			t.Close()
		}
		if err != nil {
			r.Error(err)
		}
	}()
}

// back undoes by hand.
func back(ctx context.Context, t *Transaction) error {
	u, err := t.PlanUndo(ctx, "", false)
	if err != nil {
		return err
	}
	return t.CarryBack(ctx, u, ByHand)
}

// Why an apply is undone is told.
func TestWhyAnApplyIsUndone(t *testing.T) {
	for why, prepare := range map[string]func(*rig, context.CancelFunc){
		"it did not end before its deadline":   func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { time.Sleep(2 * time.Minute) }) },
		"it was interrupted":                   func(r *rig, stop context.CancelFunc) { r.meanwhile("2", stop) },
		"nobody wants to keep it":              func(r *rig, _ context.CancelFunc) { r.types("yes", "no") },
		"before the apply the gateway answers": func(r *rig, _ context.CancelFunc) { r.meanwhile("2", func() { r.unreachable = true }) },
		`check "works" does not hold`:          func(r *rig, _ context.CancelFunc) { r.check = errors.New("no answer") },
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t)
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			prepare(r, stop)
			_, _ = r.apply(ctx, "2", Terms{Confirm: time.Minute})
			for _, e := range r.events {
				if u, ok := e.(Undoing); ok && strings.Contains(u.Why.Error(), why) {
					return
				}
			}
			t.Errorf("nobody is told that %s: %v", why, r.told)
		})
	}
}

// Where the configuration can't be put in force, nothing was changed, and nothing
// waits for anybody.
func TestAnApplyThatCantBeInForceWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		wish := filepath.Join(r.host.Dir, "wish.json")
		unit := r.enabled()
		r.enabled = func() string { // right before that
			if err := errors.Join(os.Rename(wish, wish+".apart"), os.MkdirAll(wish+"/in-the-way", 0o700)); err != nil {
				t.Error(err)
			}
			return unit
		}
		phase, err := r.apply(t.Context(), "2", Terms{Confirm: time.Minute})
		if err := errors.Join(os.RemoveAll(wish), os.Rename(wish+".apart", wish)); err != nil {
			t.Fatal(err)
		}
		if host := r.text + ": " + r.disk(); phase != Failed || host != asBefore {
			t.Errorf("it is %s (%v), and the host %s", phase, err, host)
		}
	})
}
