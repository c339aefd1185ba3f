package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
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
default gateway, the SSH session and server, and what else listens on this host
are watched for some seconds: where one of them answered before and no longer
does, or where a check does not hold, everything is undone at once, and the exit
status is 5. Services of units that the plan changes are left out.`,
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
			defer undisturbed()()
			if err := a.mend(c.Context(), a.dir(cfg)); err != nil {
				return err
			}
			e, p, done, err := a.agreed(c.Context(), a.dir(cfg), f.yes, func(e *engine.Engine) (*engine.Plan, error) {
				return a.planApply(c.Context(), e, cfg, f, args)
			})
			if err != nil {
				return err
			}
			release := sync.OnceFunc(done)
			defer release()
			t := &trial{app: a, engine: e, flags: f, cfg: cfg, dir: a.dir(cfg)}
			return t.try(c.Context(), p, cfg.Checks, release)
		},
	}
	yesFlag(c, &f.yes)
	a.verboseFlag(c)
	deadlineFlag(c, &f.confirm, "confirm", "undo everything after `DURATION` unless it is confirmed")
	c.Flags().BoolVar(&f.noProbes, "no-probes", false, "with --confirm: do not watch whether the host can still be reached")
	c.Flags().BoolVar(&f.irreversible, "allow-irreversible", false, "with --confirm: also remove packages and change their versions, which an undo may not be able to take back")
	c.Flags().BoolVar(&f.rollback, "rollback-on-failure", false, "undo everything where something fails or a check does not hold, and exit with 5")
	a.targetFlag(c, &f.targets)
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

// planApply makes the plan of an apply, and refuses what may not be applied.
func (a *app) planApply(ctx context.Context, e *engine.Engine, cfg *config.Config, f applyFlags, saved []string) (*engine.Plan, error) {
	if err := settled(e.Store); err != nil {
		return nil, err
	}
	p, err := a.proved(ctx, e, cfg, f.targets)
	if err != nil {
		return nil, err
	}
	if len(saved) == 1 {
		if err := fits(p, e.Store, saved[0]); err != nil {
			return nil, err
		}
	}
	return p, f.refuse(e.Catalog, p)
}

// takeBack makes a plan true that undoes what vpnd did. The daemon is kept from
// doing it all again before; unkept is why that could not be written. Where the
// disk does not take it, only what waits for its undo is taken back all the same,
// as far as that needs no disk: until it is done as a whole, the daemon leaves it
// alone.
func (a *app) takeBack(ctx context.Context, e *engine.Engine, p *engine.Plan, command string, unkept error, waits bool) error {
	if unkept != nil && !(waits && state.Unwritable(unkept)) {
		return untouched(unkept)
	}
	if _, err := a.carryOut(ctx, e, p, command); err != nil && unkept == nil {
		return exitStatus(exitError)
	}
	if unkept != nil {
		return fmt.Errorf("the undo is not complete, and is tried again: what needs no disk is undone as far as nothing is said above; %w", unkept)
	}
	return nil
}

// untouched says what to do where the disk did not take what comes before the first
// change.
func untouched(err error) error {
	if !state.Unwritable(err) {
		return err
	}
	return fmt.Errorf("%w; nothing was changed, since what is in force afterwards has to be on record first: make room on that disk, or have it writable again, and repeat the command", err)
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
	e.Done = a.recording(command, e.Done)
	r := e.Apply(ctx, p)
	failed := errors.Join(r.Failed(), note(e, command, r))
	if len(p.Changes) > 0 {
		name, _, _ := strings.Cut(command, ",") // the history says why it was undone
		a.text().Report(name, r)
		a.tellHandouts(e)
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

// ours leaves out the text of what is taken over: it was somebody else's, and may
// hold what is secret to them.
func ours(c engine.Change) []resource.Diff {
	return slices.DeleteFunc(slices.Clone(c.Diffs), func(d resource.Diff) bool { return d.Text && c.Reason == engine.TakesOver })
}

// note writes an apply into the history; one that changed nothing is not worth
// a line.
func note(e *engine.Engine, command string, r engine.Report) error {
	if len(r.Results) == 0 {
		return nil
	}
	entry := state.Entry{Time: e.Now().UTC().Truncate(time.Second), By: person(), Command: command, Snapshot: r.Snapshot}
	for _, result := range r.Results {
		done := state.Done{ID: result.ID, Action: string(result.Action), Reason: string(result.Reason)}
		if result.Action == engine.Update {
			done.Diffs = status.Shortened(ours(result.Change))
		}
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
