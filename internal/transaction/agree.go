package transaction

import (
	"context"
	"crypto/rand"
	"errors"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Agree makes a plan, shows it and asks, unless yes says that it was agreed to
// before. It returns the plan with the transaction that carries it out, which the
// caller closes.
//
// While somebody reads and thinks, nobody holds the lock: the agent goes on with
// its repairs, and an undo at a deadline need not wait. So after a yes the plan
// is made anew, and is only carried out where it is the one that was agreed to;
// else it is shown again.
func (h *Host) Agree(ctx context.Context, yes bool, plan func(*Transaction) (*engine.Plan, error)) (*Transaction, *engine.Plan, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	for shown := ""; ; {
		t, err := h.Begin(ctx)
		if err != nil {
			return nil, nil, err
		}
		p, err := plan(t)
		now := ""
		if err == nil && !yes { // else nobody compares it
			now, err = p.Fingerprint(salt, func(s resource.Secret) any { return s.Reveal() })
		}
		if err != nil {
			t.Close()
			return nil, nil, err
		}
		if shown != "" && now == shown {
			return t, p, nil
		}
		if yes || len(p.Changes) == 0 {
			t.tell(Planned{p})
			return t, p, nil
		}
		t.Close()
		if shown != "" {
			t.tell(Moved{})
		}
		t.tell(Planned{p})
		if err := h.Agreed(ctx); err != nil {
			return nil, nil, err
		}
		shown = now
	}
}

// Agreed asks whether what was shown is to be done; anything but a yes is an error.
// Where nobody could answer, --yes must say it.
func (h *Host) Agreed(ctx context.Context) error {
	answers := h.People.Answers()
	if answers == nil {
		return errors.New("nobody is there to ask; look at the plan and say --yes")
	}
	h.People.Tell(Agree{})
	select {
	case answer := <-answers:
		if answer == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return errors.New("nothing was changed")
}
