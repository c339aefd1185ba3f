package transaction

import (
	"context"
	"time"

	"vpnd/internal/state"
)

// ask asks whether to keep what was applied. Where nobody is there, or to be asked,
// that is left to vpnd confirm.
func (a *apply) ask(ctx context.Context) (Phase, error) {
	p, err := state.ReadPending(a.host.Dir)
	if err != nil {
		return Failed, err
	}
	if p == nil {
		return a.outcome(ctx)
	}
	answers := a.host.People.Answers()
	if a.terms.Unasked || answers == nil {
		return a.leave(p)
	}
	a.tell(Keep{Until: p.Deadline})
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.reject(ctx, errInterrupted)
		case <-look.C:
			if p, err := state.ReadPending(a.host.Dir); err == nil && p == nil {
				return a.outcome(ctx)
			}
		case line, more := <-answers:
			switch {
			case !more:
				return a.leave(p)
			case line == "yes":
				return a.accept(ctx)
			case line == "no":
				return a.reject(ctx, errUnwanted)
			}
			a.tell(Keep{})
		}
	}
}

// leave says what has to be done so that the apply stays.
func (a *apply) leave(p *state.Pending) (Phase, error) {
	a.tell(Unconfirmed{p.Deadline})
	return Waiting, nil
}

// again takes the lock once more, unless somebody else has decided meanwhile.
func (a *apply) again(ctx context.Context, decide func() (Phase, error)) (Phase, error) {
	t, err := a.host.Begin(ctx)
	if err != nil {
		return Failed, err
	}
	defer t.Close()
	a.Transaction = t
	p, err := t.store().Pending()
	switch {
	case err != nil:
		return Failed, err
	case p != nil && p.Snapshot == a.snapshot:
		return decide()
	}
	return a.decided()
}

func (a *apply) accept(ctx context.Context) (Phase, error) {
	return a.again(ctx, func() (Phase, error) {
		d, p, err := a.waiting(ctx)
		if err != nil {
			return a.undo(ctx, a.snapshot, err)
		}
		return Kept, a.keep(ctx, d, p)
	})
}

func (a *apply) reject(ctx context.Context, why error) (Phase, error) {
	ctx = context.WithoutCancel(ctx)
	return a.again(ctx, func() (Phase, error) { return a.undo(ctx, a.snapshot, why) })
}

// outcome tells what somebody else decided. Under the lock nobody is in the middle
// of it.
func (a *apply) outcome(ctx context.Context) (Phase, error) {
	return a.again(ctx, func() (Phase, error) { return a.decided() })
}

// decided tells it under the lock: an apply that was undone has no snapshot any
// more.
func (a *apply) decided() (Phase, error) {
	if _, err := a.store().Snapshot(a.snapshot); err != nil {
		a.tell(GoneBack{Resumed: a.resumes != "", Elsewhere: true})
		return Undone, nil
	}
	a.tell(Confirmed{Snapshot: a.snapshot, Elsewhere: true})
	return Kept, nil
}
