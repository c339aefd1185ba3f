package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// agreed makes a plan, shows it and asks. It returns the plan with the lock of
// the state held, until release.
//
// While somebody reads and thinks, nobody holds the lock: the agent goes on with
// its repairs, and an undo at a deadline need not wait. So after a yes the plan
// is made anew, and is only carried out where it is the one that was agreed to;
// else it is shown again.
func (a *app) agreed(ctx context.Context, dir string, yes bool, plan func(*engine.Engine) (*engine.Plan, error)) (e *engine.Engine, p *engine.Plan, release func(), err error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	for shown := ""; ; {
		if e, release, err = a.change(ctx, dir); err != nil {
			return nil, nil, nil, err
		}
		now := ""
		if p, err = plan(e); err == nil {
			now, err = p.Fingerprint(salt, func(s resource.Secret) any { return s.Reveal() }) // which nobody sees
		}
		if err != nil {
			release()
			return nil, nil, nil, err
		}
		if shown != "" && now == shown {
			return e, p, release, nil
		}
		if yes || len(p.Changes) == 0 {
			a.show(p)
			return e, p, release, nil
		}
		release()
		if shown != "" {
			_, _ = fmt.Fprint(a.Err, "The host changed meanwhile, so this is the plan now:\n\n")
		}
		a.show(p)
		if err := a.ask(ctx); err != nil {
			return nil, nil, nil, err
		}
		shown = now
	}
}

// show shows a plan that is about to be carried out.
func (a *app) show(p *engine.Plan) {
	a.tellLeftOut(p)
	a.text().Plan(p)
	if len(p.Changes) > 0 {
		_, _ = fmt.Fprintln(a.Out)
	}
}

// ask asks on a terminal. Elsewhere nobody could answer, so --yes must say it.
func (a *app) ask(ctx context.Context) error {
	if !isTerminal(a.In) {
		return errors.New("nobody is there to ask; look at the plan and say --yes")
	}
	_, _ = fmt.Fprint(a.Err, "Make these changes? Only yes is taken for an answer: ")
	select {
	case answer := <-a.answers():
		if answer == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return errors.New("nothing was changed")
}

// answers are the lines that somebody types. All questions share them: each
// reader of its own would read ahead.
func (a *app) answers() <-chan string {
	if a.typed == nil {
		a.typed = lines(a.In)
	}
	return a.typed
}

// lines reads lines until the end, which closes the channel.
func lines(r io.Reader) <-chan string {
	answers := make(chan string)
	go func() {
		defer close(answers)
		for s := bufio.NewScanner(r); s.Scan(); {
			answers <- strings.TrimSpace(s.Text())
		}
	}()
	return answers
}
