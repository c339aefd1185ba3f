package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/state"
)

type applyFlags struct {
	yes      bool
	rollback bool
	targets  []string
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "Show the plan, ask, and make the host as the configuration says",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			e, done, err := a.change(c.Context(), a.dir(cfg))
			if err != nil {
				return err
			}
			defer done()
			p, err := a.plan(c.Context(), e, cfg, f.targets)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if err := fits(p, args[0]); err != nil {
					return err
				}
			}
			return a.apply(c.Context(), e, p, "apply", f)
		},
	}
	yesFlag(c, &f.yes)
	c.Flags().BoolVar(&f.rollback, "rollback-on-failure", false, "undo everything where something fails, and exit with 5")
	targetFlag(c, &f.targets)
	return c
}

func yesFlag(c *cobra.Command, yes *bool) {
	c.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// apply shows the plan, asks, makes it true and notes it in the history.
func (a *app) apply(ctx context.Context, e *engine.Engine, p *engine.Plan, command string, f applyFlags) error {
	a.text().Plan(p)
	if len(p.Changes) > 0 {
		if err := a.agree(f.yes); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(a.Out)
	}
	r := e.Apply(ctx, p)
	failed := errors.Join(r.Failed(), note(e, command, r))
	if len(p.Changes) > 0 {
		a.text().Report(r)
	}
	if r.Err != nil {
		_, _ = fmt.Fprintf(a.Err, "vpnd: %v\n", r.Err)
	}
	switch {
	case failed == nil && len(p.Problems) == 0:
		return nil
	case f.rollback && r.Snapshot != "":
		return a.undo(ctx, e, r.Snapshot)
	}
	return status(exitError)
}

// agree asks on a terminal. Elsewhere nobody could answer, so --yes must say it.
func (a *app) agree(yes bool) error {
	if yes {
		return nil
	}
	if !isTerminal(a.In) {
		return errors.New("nobody is there to ask; look at the plan and say --yes")
	}
	_, _ = fmt.Fprint(a.Err, "Make these changes? Only yes is taken for an answer: ")
	answer, err := bufio.NewReader(a.In).ReadString('\n')
	if strings.TrimSpace(answer) != "yes" {
		return errors.Join(errors.New("nothing was changed"), ignoreEOF(err))
	}
	return nil
}

// ignoreEOF drops the end of input, which is an answer too.
func ignoreEOF(err error) error {
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

// undo rolls a failed apply back. That it did is an exit status of its own.
func (a *app) undo(ctx context.Context, e *engine.Engine, snapshot string) error {
	_, _ = fmt.Fprintln(a.Out, "Rolling back, since something failed.")
	if err := a.rollback(ctx, e, snapshot, applyFlags{yes: true}); err != nil {
		return err
	}
	return status(exitRolledBack)
}

// note writes an apply into the history; one that changed nothing is not worth
// a line.
func note(e *engine.Engine, command string, r engine.Report) error {
	if len(r.Results) == 0 {
		return nil
	}
	entry := state.Entry{Time: e.Now().UTC().Truncate(time.Second), Command: command, Snapshot: r.Snapshot}
	for _, result := range r.Results {
		done := state.Done{ID: result.ID, Action: string(result.Action), Reason: string(result.Reason)}
		if result.Err != nil {
			done.Error = result.Err.Error()
		}
		entry.Changes = append(entry.Changes, done)
	}
	if r.Err != nil {
		entry.Error = r.Err.Error()
	}
	return e.Store.Note(entry)
}
