package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/config"
	"vpnd/internal/config/bounds"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

type planFlags struct {
	out      string
	json     bool
	detailed bool
	targets  []string
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what apply would change; change nothing",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.hint = a.unkept()
			p, store, err := a.planned(c.Context(), f.targets, a.proved)
			if err != nil {
				return err
			}
			return a.showPlan(p, store, f)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "save the plan to `FILE` for vpnd apply FILE")
	a.verboseFlag(c)
	c.Flags().BoolVar(&f.json, "json", false, "write JSON")
	c.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 where the configuration changes something, 3 where only drift is put right, 4 for both")
	a.targetFlag(c, &f.targets)
	return c
}

// planned reads the configuration and compares the host with it, by plan, and writes
// nothing.
func (a *app) planned(ctx context.Context, targets []string, plan func(context.Context, *engine.Engine, *config.Config, []string) (*engine.Plan, error)) (*engine.Plan, *state.Store, error) {
	a.readAhead(ctx)
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	e, err := a.look(a.dir(cfg))
	if err != nil {
		return nil, nil, err
	}
	p, err := plan(ctx, e, cfg, targets)
	return p, e.Store, err
}

func (a *app) targetFlag(c *cobra.Command, targets *[]string) {
	c.Flags().StringArrayVar(targets, "target", nil, "only this block or resource and what it needs, by `ADDRESS`; may be repeated")
	_ = c.RegisterFlagCompletionFunc("target", a.completes(a.wishedWords))
}

func (a *app) showPlan(p *engine.Plan, store *state.Store, f planFlags) error {
	a.tellLeftOut(p)
	if f.json {
		if err := report.WriteJSON(a.Out, report.ToJSON(p)); err != nil {
			return err
		}
	} else {
		a.text().Plan(p)
	}
	if f.out != "" {
		if err := savePlan(p, store, f.out); err != nil {
			return err
		}
	}
	switch {
	case len(p.Problems) > 0:
		return exitStatus(exitError)
	case !f.detailed:
		return nil
	case p.Configured() && p.Drifted():
		return exitStatus(exitBoth)
	case p.Configured():
		return exitStatus(exitPending)
	case p.Drifted():
		return exitStatus(exitDrift)
	}
	return nil
}

// savedPlan is a plan in a file. It holds no wish and so no secret: apply plans
// anew and compares.
type savedPlan struct {
	FormatVersion string      `json:"format_version"`
	Salt          []byte      `json:"salt"`
	Keyed         bool        `json:"keyed"` // secrets take part, as digests of this host; before the first apply it has no key for that
	Fingerprint   string      `json:"fingerprint"`
	Plan          report.Plan `json:"plan"`
}

func savePlan(p *engine.Plan, store *state.Store, path string) error {
	saved := savedPlan{FormatVersion: report.FormatVersion, Salt: make([]byte, 16), Keyed: store.Kept(), Plan: report.ToJSON(p)}
	rand.Read(saved.Salt)
	var err error
	if saved.Fingerprint, err = p.Fingerprint(saved.Salt, sealed(store, saved.Keyed)); err != nil {
		return err
	}
	data, err := json.MarshalIndent(saved, "", "  ")
	if err != nil {
		return err
	}
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if err := atomic.Write("/", atomic.File{Path: path, Data: append(data, '\n'), Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}); err != nil {
		return fmt.Errorf("saving the plan: %w", err)
	}
	return nil
}

// sealed returns what stands for a secret in a fingerprint.
func sealed(store *state.Store, keyed bool) func(resource.Secret) any {
	return func(s resource.Secret) any {
		if !keyed {
			return resource.Masked
		}
		return store.Sum([]byte(s.Reveal()))
	}
}

// fits says whether the plan is the one that was saved in a file.
func fits(p *engine.Plan, store *state.Store, path string) error {
	data, err := bounds.Read(path)
	if err != nil {
		return err
	}
	var saved savedPlan
	if err := json.Unmarshal(data, &saved); err != nil || saved.Fingerprint == "" {
		return fmt.Errorf("%s is no saved plan; vpnd plan --out %s makes one", path, path)
	}
	now, err := p.Fingerprint(saved.Salt, sealed(store, saved.Keyed))
	if err != nil {
		return err
	}
	if now != saved.Fingerprint {
		return fmt.Errorf("the saved plan is stale: the host or the configuration changed since %s was made; look at a new vpnd plan", path)
	}
	return nil
}

func (a *app) driftCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "drift",
		Short: "Show what moved behind vpnd's back; change nothing",
		Long: `Shows what moved behind vpnd's back. Exits with 0 where nothing did, 3 where
something did, and 1 where something could not be looked at.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, _, err := a.planned(c.Context(), nil, a.plan)
			if err != nil {
				return err
			}
			return a.showDrift(p, asJSON)
		},
	}
	a.verboseFlag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) showDrift(p *engine.Plan, asJSON bool) error {
	moved := &engine.Plan{Problems: p.Problems, Notes: p.Notes}
	for _, c := range p.Changes {
		if c.IsDrift {
			moved.Changes = append(moved.Changes, c)
		}
	}
	switch {
	case asJSON:
		if err := report.WriteJSON(a.Out, report.ToJSON(moved)); err != nil {
			return err
		}
	case len(moved.Changes)+len(moved.Problems) == 0:
		a.text().Notes(moved)
		_, _ = fmt.Fprintln(a.Out, "No drift: all that vpnd applied is as it left it.")
	default:
		a.text().Drift(moved)
	}
	switch {
	case len(moved.Problems) > 0:
		return exitStatus(exitError)
	case len(moved.Changes) > 0:
		return exitStatus(exitDrift)
	}
	return nil
}
