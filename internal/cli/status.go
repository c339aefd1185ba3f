package cli

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/cli/view"
	"vpnd/internal/lock"
	"vpnd/internal/report"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON, watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Tell how the daemon, the host and its VPNs are",
		Long: `Tells what the daemon last saw: drift and what it did about it, certificates and
lists and when they run out, who is connected; and how the tunnels stand at this
moment. It changes nothing and plans nothing; vpnd drift looks anew.

Exits with 0 where all is well, 3 where something is not as it shall be now, and
1 where the daemon does not run, could not look at the host or at some thing, does
not take the configuration, or a check does not hold.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.stateDir = a.dir(nil) // once: to know it may take reading the configuration
			if watch {
				return a.watchStatus(c.Context(), asJSON)
			}
			now, err := a.told()
			if err != nil {
				return err
			}
			if now.Running {
				now.Ask(c.Context(), a.catalog())
			} else {
				now = a.survey(c.Context(), now)
			}
			if err := a.showStatus(a.Out, now, asJSON); err != nil {
				return err
			}
			return health(now)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVar(&watch, "watch", false, "show it again whenever it changes, until interrupted; then exit with 0")
	return c
}

// survey looks at the host where no daemon does. Where that can't be, it returns
// what a daemon told last.
func (a *app) survey(ctx context.Context, last view.Standing) view.Standing {
	if a.root != "/" {
		return last
	}
	cfg, diags, err := a.read(false)
	if err != nil || diags.HasErrors() {
		return last
	}
	e, err := a.look(a.dir(cfg))
	if err != nil {
		last.Error = err.Error()
		return last
	}
	p, err := a.plan(ctx, e, cfg, nil)
	if err != nil {
		last.Error = err.Error()
		return last
	}
	now := view.Standing{Status: status.Survey(ctx, e.Catalog.Traits, p, cfg.Desired.Present), Surveyed: true}
	now.PID, now.Version, now.Since, now.Recent, now.Unconfirmed = last.PID, last.Version, last.Since, last.Recent, last.Unconfirmed
	now.Waiting = last.Waiting
	if err := e.Store.Damage(); err != nil {
		now.Error = err.Error()
	}
	return now
}

// told reads what the daemon wrote.
func (a *app) told() (view.Standing, error) {
	s, err := status.Read(a.runDir)
	if err != nil {
		return view.Standing{}, err
	}
	now := view.Standing{Status: s, Running: lock.AgentRuns(a.runDir)}
	if s == nil {
		now.Status = &status.Status{Agent: status.Agent{FormatVersion: status.FormatVersion}}
	}
	now.Unconfirmed = a.unconfirmed(now.Unconfirmed)
	if e, err := a.look(a.stateDir); err == nil { // else there is nothing on record, or for others to see
		now.Waiting = e.Waiting()
	}
	return now, nil
}

// unconfirmed is the apply that waits for confirmation now; told is what the
// daemon last told of one.
func (a *app) unconfirmed(told *status.Unconfirmed) *status.Unconfirmed {
	p, err := state.ReadPending(a.dir(nil))
	switch {
	case err != nil:
		return told // who may not look into the state knows no better
	case p == nil:
		return nil
	case told == nil || told.Snapshot != p.Snapshot:
		told = &status.Unconfirmed{Snapshot: p.Snapshot}
	}
	told.Until, told.Overdue = p.Deadline, told.Overdue || p.Late(time.Now())
	return told
}

// health is the exit status that a status comes to.
func health(s view.Standing) error {
	switch {
	case !s.Running, s.Error != "", !s.Configuration.Valid, len(s.Unknown)+len(s.Failing) > 0:
		return exitStatus(exitError)
	case len(s.Drift) > 0, len(s.Pending) > 0, slices.ContainsFunc(s.Tunnels, status.Tunnel.Lost):
		return exitStatus(exitDrift)
	}
	return nil
}

func (a *app) showStatus(w io.Writer, s view.Standing, asJSON bool) error {
	if asJSON {
		return report.WriteJSON(w, s)
	}
	a.view(w).Status(s)
	return nil
}

// view puts the status and the history into words.
func (a *app) view(w io.Writer) view.View {
	return view.View{Text: a.textTo(w), Fields: a.fields}
}
