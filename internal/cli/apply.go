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
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/revoked"
	"vpnd/internal/transaction"
)

type applyFlags struct {
	yes          bool
	rollback     bool
	confirm      resource.Duration // none where zero
	noProbes     bool
	irreversible bool
	targets      []string
}

func (f applyFlags) terms(cfg *config.Config) transaction.Terms {
	return transaction.Terms{
		Config: cfg, Part: len(f.targets) > 0, Confirm: time.Duration(f.confirm), Undo: f.rollback,
		Unwatched: f.noProbes, Irreversible: f.irreversible, Unasked: f.yes,
	}
}

// ended is the exit status of an apply.
func ended(phase transaction.Phase, err error) error {
	switch {
	case err != nil:
		return err
	case phase == transaction.Undone:
		return exitStatus(exitRolledBack)
	case phase == transaction.Failed:
		return transaction.ErrTold
	}
	return nil
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
			a.changes(c.Context())
			cfg, err := a.load()
			if err != nil {
				return err
			}
			defer undisturbed()()
			host := a.host(a.dir(cfg))
			if err := host.Mend(c.Context()); err != nil {
				return err
			}
			t, p, err := host.Agree(c.Context(), f.yes, func(t *transaction.Transaction) (*engine.Plan, error) {
				return a.planApply(c.Context(), t, cfg, f, args)
			})
			if err != nil {
				return err
			}
			defer t.Close()
			phase, err := t.Apply(c.Context(), p, f.terms(cfg))
			return ended(phase, err)
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
func (a *app) planApply(ctx context.Context, t *transaction.Transaction, cfg *config.Config, f applyFlags, saved []string) (*engine.Plan, error) {
	if err := t.Settled(); err != nil {
		return nil, err
	}
	if err := unmoved(cfg, t.Engine.Catalog.Site(ctx)); err != nil {
		return nil, err
	}
	if f.yes && len(f.targets) == 0 {
		t.Ahead(cfg)
	}
	p, err := a.proved(ctx, t.Engine, cfg, f.targets)
	if err != nil {
		return nil, err
	}
	a.makes(len(p.Changes))
	if len(saved) == 1 {
		if err := fits(p, t.Engine.Store, saved[0]); err != nil {
			return nil, err
		}
	}
	return p, f.terms(cfg).Refuse(t.Engine.Catalog, p)
}

// unmoved refuses a configuration that was read before another command, or the end of an
// interrupted one, had a block of it come to another stage: what has begun would end again.
func unmoved(cfg *config.Config, on resource.Site) error {
	for _, b := range cfg.Blocks {
		s, stages := b.Shape.(resource.Stager)
		if !stages {
			continue
		}
		switch moved, err := resource.Moved(s, b.ID.Name, on); {
		case err != nil:
			return fmt.Errorf("%s: %w", b.ID, err)
		case moved:
			return fmt.Errorf("the host has come on with %s since the configuration was read, and nothing was changed; run this once more", b.ID)
		}
	}
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

// unkept says what people have to do so that the host stays as it is made; empty
// where the agent is there at the next boot, or where there is none.
func (a *app) unkept() string {
	if filepath.Clean(a.root) != "/" {
		return ""
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return ""
	}
	if _, err := os.Lstat("/etc/systemd/system/multi-user.target.wants/vpnd.service"); err == nil {
		return ""
	}
	return "Rules, routes and links last until the next boot, unless: systemctl enable --now vpnd"
}

// next says after an apply what people want to know then: where the profiles are,
// how to undo it, and what keeps it so.
func (a *app) next(e *engine.Engine, r engine.Report) {
	var lines []string
	if made := profiles(e.Gifts(), r); made != "" {
		lines = append(lines, "Profiles, each with its key: "+made+". To hand one out: vpnd client export NAME")
	}
	if r.Snapshot != "" {
		lines = append(lines, a.wayBack(r))
	}
	if unkept := a.unkept(); unkept != "" && len(r.Results) > 0 {
		lines = append(lines, unkept)
	}
	if len(lines) > 0 {
		_, _ = fmt.Fprintf(a.Out, "\n%s\n", strings.Join(lines, "\n"))
	}
}

// wayBack says how an apply is undone, and what of it no undo takes back.
func (a *app) wayBack(r engine.Report) string {
	undo, stays := "vpnd rollback"+a.sameState(), "Who was shut out stays so, also when this is undone"
	switch {
	case a.lasting != "":
		return a.lasting
	case a.expels, revoked.By(r):
		return stays + "; vpnd client add NAME lets them in, with a new key.\nTo undo all else: " + undo
	}
	return "To undo this: " + undo
}

// profiles tells where the profiles are that an apply has made.
func profiles(gifts []engine.Gift, r engine.Report) string {
	given := make(map[resource.ID]bool)
	for _, g := range gifts {
		given[g.ID] = true
	}
	var dirs []string
	count := make(map[string]int)
	for _, result := range r.Results {
		if result.Err != nil || result.Action == engine.Remove || !given[result.ID] {
			continue
		}
		dir := filepath.Dir(result.ID.Name)
		if count[dir]++; count[dir] == 1 {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	for i, dir := range dirs {
		dirs[i] = fmt.Sprintf("%s (%s)", dir, report.Count(count[dir], "file"))
	}
	return strings.Join(dirs, ", ")
}

// sameState is how to name the same state in the next command.
func (a *app) sameState() string {
	switch {
	case a.root != "/":
		return " --root " + a.root
	case a.stateDir != "":
		return " --state-dir " + a.stateDir
	}
	return ""
}
