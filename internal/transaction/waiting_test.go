package transaction

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What becomes of an apply that waits for confirmation, by what is called then: the
// host with what is on disk, and what people are told.
func TestWaiting(t *testing.T) {
	const stuck = "2: active 1, snapshot, pending, tries 1, suppressed"
	broken := func(text string) error {
		if text == "1" {
			return errors.New("it is broken")
		}
		return nil
	}
	over := func(r *rig) { time.Sleep(2 * time.Minute) }
	undoing := func(r *rig) {
		r.on = broken
		if err := r.rollback(); !errors.Is(err, ErrTold) {
			r.Fatal(err)
		}
	}
	healed := func(r *rig) { undoing(r); r.on = func(string) error { return nil } }
	as := func(do func(*Transaction, context.Context) error) func(*rig) error {
		return func(r *rig) error {
			return r.within(func(ctx context.Context, t *Transaction) error { return do(t, ctx) })
		}
	}
	confirm, abandon := as((*Transaction).Confirm), as((*Transaction).Abandon)
	extend := func(by time.Duration) func(*rig) error {
		return as(func(t *Transaction, ctx context.Context) error { return t.Extend(ctx, by) })
	}
	timer := func(r *rig) error { return r.host.UndoDue(context.Background(), false) }
	boot := func(r *rig) error { return r.host.UndoDue(context.Background(), true) }
	apply := func(r *rig) error {
		_, err := r.apply(context.Background(), "3", Terms{})
		return err
	}
	for _, c := range []struct {
		event string
		after func(*rig) // it began to wait
		do    func(*rig) error

		err  string
		host string
		told string
	}{
		{"confirm", nil, confirm, "", asAfter, "Confirmed"},
		{"extend", nil, extend(time.Hour), "", atWaiting, "Extended"},
		{"abandon", nil, abandon, "it can still be confirmed", atWaiting, ""},
		{"rollback", nil, (*rig).rollback, "", undoneHost, "Reported"},
		{"another apply", nil, apply, "keep it with vpnd confirm", atWaiting, ""},
		{"the timer of an earlier deadline", nil, timer, "", atWaiting, ""},
		{"the next boot, with time left", nil, boot, "", atWaiting, ""},

		{"confirm, too late", over, confirm, "it is too late: the deadline was", atWaiting, ""},
		{"extend, too late", over, extend(time.Hour), "it is too late", atWaiting, ""},
		{"another apply, too late", over, apply, WayOut, atWaiting, ""},
		{"the timer", over, timer, "", undoneHost, "Overdue Planned Reported"},
		{"the next boot", over, boot, "", undoneHost, "Overdue Planned Reported"},
		{"abandon, too late", over, abandon, "", asAfter, "Abandoned"},
		{"the timer, and something fails", func(r *rig) { over(r); r.on = broken }, timer, ErrTold.Error(), stuck, "Overdue Planned Reported Stuck"},
		{"the timer, and a kill", func(r *rig) { over(r); r.meanwhile("1", func() { panic(errKilled) }) }, timer, "killed", stuck, "Overdue Planned"},

		{"confirm of a stuck undo", undoing, confirm, "the undo of the apply has begun", stuck, ""},
		{"another apply after a stuck undo", undoing, apply, "has not come to its end", stuck, ""},
		{"abandon a stuck undo", undoing, abandon, "", "2: active 1, snapshot, suppressed", "Abandoned"},
		{"rollback of a stuck undo", healed, (*rig).rollback, "", undoneHost, "Reported"},
		{"the timer of a stuck undo", func(r *rig) { healed(r); over(r) }, timer, "", undoneHost, "Overdue Planned Reported"},
		{"the last try of a stuck undo", func(r *rig) {
			undoing(r)
			over(r)
			for range MostTries - 2 {
				if err := timer(r); !errors.Is(err, ErrTold) {
					r.Fatal(err)
				}
			}
		}, timer, ErrTold.Error(), "2: active 1, snapshot, suppressed", "Overdue Planned Reported Stuck GivenUp"},

		{"confirm, again", func(r *rig) { _ = confirm(r) }, confirm, "no apply waits for confirmation; vpnd apply --confirm", asAfter, ""},
		{"confirm after the undo", func(r *rig) { _ = r.rollback() }, confirm, "the last thing that was done is a rollback", undoneHost, ""},
		{"abandon after the undo", func(r *rig) { _ = r.rollback() }, abandon, "no apply waits", undoneHost, ""},
		{"the timer after a confirm", func(r *rig) { _ = confirm(r); over(r) }, timer, "", asAfter, ""},
		{"rollback after a confirm", func(r *rig) { _ = confirm(r) }, (*rig).rollback, "", undoneHost, "Reported"},
	} {
		t.Run(c.event, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				if phase, err := r.apply(context.Background(), "2", Terms{Confirm: time.Minute}); phase != Waiting || err != nil {
					t.Fatal(phase, err)
				}
				if c.after != nil {
					c.after(r)
				}
				r.forget()
				r.same(r.survived(c.do), c.err, c.host, c.told)
			})
		})
	}
}

// survived is the error of a command, which may be killed.
func (r *rig) survived(do func(*rig) error) (err error) {
	defer r.survive(&err)
	return do(r)
}

// An apply that was killed in the middle is gone on with by the next one, and an
// undo takes back both.
func TestAnUndoTakesBackWhatWasCutShortToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.meanwhile("2", func() { r.text = "half"; panic(errKilled) })
		if _, err := r.apply(context.Background(), "2", Terms{}); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		r.forget()
		r.on, r.check = func(string) error { return nil }, errors.New("no answer")
		phase, err := r.apply(context.Background(), "2", Terms{Undo: true})
		if phase != Undone {
			t.Error(phase)
		}
		r.same(err, "", undoneHost, "Planned Reported Fails Checked Undoing Planned Reported GoneBack")
		if last := r.events[len(r.events)-1].(GoneBack); !last.Resumed {
			t.Error("nobody is told that it takes back both")
		}
	})
}

// A deadline is never made sooner.
func TestExtendMakesNothingSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, _ = r.apply(context.Background(), "2", Terms{Confirm: time.Hour})
		for by, sooner := range map[time.Duration]time.Duration{time.Minute: time.Minute, 2 * time.Hour: 0} {
			err := r.within(func(ctx context.Context, t *Transaction) error { return t.Extend(ctx, by) })
			if last, ok := r.events[len(r.events)-1].(Extended); err != nil || !ok || by == time.Minute && last.Sooner != sooner {
				t.Errorf("%s: %v, %+v", by, err, r.events[len(r.events)-1])
			}
		}
	})
}
