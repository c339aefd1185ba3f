package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

type applyFlags struct {
	yes          bool
	rollback     bool
	confirm      resource.Duration // none where zero
	noProbes     bool
	irreversible bool // --confirm takes what can't be undone too
	unconfirmed  bool // of rollback: what nobody confirmed in time
	atBoot       bool // of rollback: before the network is up
	targets      []string
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply [PLANFILE]",
		Short: "Show the plan, ask, and make the host as the configuration says",
		Long: `Shows what would change, asks, and makes the host as the configuration says.

With --confirm everything is undone after that time unless somebody confirms:
on a terminal the command asks, elsewhere and with --yes it ends, and vpnd
confirm keeps what was done. A timer of systemd undoes, and the next boot, so
that neither vpnd nor the session nor the host has to live. Before that the
default gateway, the SSH session and the SSH server are watched for some
seconds: where one of them worked before and no longer does, or where a check
does not hold, everything is undone at once, and the exit status is 5.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if c.Flags().Changed("confirm") {
				if err := a.checkConfirm(f); err != nil {
					return err
				}
			}
			cfg, err := a.load()
			if err != nil {
				return err
			}
			e, done, err := a.change(c.Context(), a.dir(cfg))
			if err != nil {
				return err
			}
			release := sync.OnceFunc(done)
			defer release()
			if err := settled(e.Store); err != nil {
				return err
			}
			p, err := a.plan(c.Context(), e, cfg, f.targets)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if err := fits(p, e.Store, args[0]); err != nil {
					return err
				}
			}
			if err := f.refuse(p); err != nil {
				return err
			}
			defer undisturbed()()
			if err := a.offer(p, f.yes); err != nil {
				return err
			}
			t := &trial{app: a, engine: e, flags: f, cfg: cfg, dir: a.dir(cfg)}
			return t.try(c.Context(), p, cfg.Checks, release)
		},
	}
	yesFlag(c, &f.yes)
	deadlineFlag(c, &f.confirm, "confirm", "undo everything after `DURATION` unless it is confirmed")
	c.Flags().BoolVar(&f.noProbes, "no-probes", false, "with --confirm: do not watch whether the host can still be reached")
	c.Flags().BoolVar(&f.irreversible, "allow-irreversible", false, "with --confirm: also remove packages and change their versions, which an undo may not be able to take back")
	c.Flags().BoolVar(&f.rollback, "rollback-on-failure", false, "undo everything where something fails or a check does not hold, and exit with 5")
	targetFlag(c, &f.targets)
	return c
}

func yesFlag(c *cobra.Command, yes *bool) {
	c.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// checkConfirm refuses a deadline that could not be kept.
func (a *app) checkConfirm(f applyFlags) error {
	if filepath.Clean(a.root) != "/" {
		return errors.New("--confirm is for a host that runs; nobody can be locked out of another root")
	}
	return checkDeadline("confirm", f.confirm)
}

// takeBack shows a plan that undoes what vpnd did since a time, asks, and makes
// it true. The daemon is kept from doing it all again.
func (a *app) takeBack(ctx context.Context, e *engine.Engine, p *engine.Plan, command string, since time.Time, yes bool) error {
	defer undisturbed()()
	if err := a.offer(p, yes); err != nil {
		return err
	}
	if err := e.Store.Undo(command, e.Now(), since, p.Touched()); err != nil {
		return err
	}
	if _, err := a.carryOut(ctx, e, p, command); err != nil {
		return status(exitError)
	}
	return nil
}

// offer shows the plan and asks.
func (a *app) offer(p *engine.Plan, yes bool) error {
	a.text().Plan(p)
	if len(p.Changes) == 0 {
		return nil
	}
	if err := a.agree(yes); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.Out)
	return nil
}

// undisturbed has a change of the host come to its end where the session that
// it was called from ends in the middle, perhaps by that very change, or where
// who reads along does. It lasts until the returned function is called.
func undisturbed() (end func()) {
	// Not ignored, which every program that vpnd runs would inherit.
	unheard := make(chan os.Signal, 1)
	signal.Notify(unheard, syscall.SIGHUP, syscall.SIGPIPE)
	return func() { signal.Stop(unheard) }
}

// carryOut makes a plan true, tells what became of it and notes it in the
// history. The error was told.
func (a *app) carryOut(ctx context.Context, e *engine.Engine, p *engine.Plan, command string) (engine.Report, error) {
	if err := a.makeHome(p); err != nil {
		_, _ = fmt.Fprintf(a.Err, "vpnd: making the folder of keys and profiles: %v\n", err)
		return engine.Report{Err: err}, err
	}
	r := e.Apply(ctx, p)
	failed := errors.Join(r.Failed(), note(e, command, r))
	if len(p.Changes) > 0 {
		a.text().Report(r)
	}
	if r.Err != nil {
		_, _ = fmt.Fprintf(a.Err, "vpnd: %s\n", printable(r.Err.Error()))
	}
	if failed == nil && len(p.Problems) > 0 {
		failed = fmt.Errorf("%s could not be looked at: %w", p.Problems[0].ID, p.Problems[0].Err)
	}
	return r, failed
}

// makeHome makes the folder that keys and profiles are below, where the state
// is kept elsewhere and the plan puts something there.
func (a *app) makeHome(p *engine.Plan) error {
	const home = "/var/lib/vpnd"
	for _, c := range p.Changes {
		if c.Action != engine.Create || !strings.HasPrefix(c.ID.Name, home+"/") {
			continue
		}
		if err := os.MkdirAll(a.below(filepath.Dir(home)), 0o755); err != nil {
			return err
		}
		return os.MkdirAll(a.below(home), 0o700)
	}
	return nil
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
