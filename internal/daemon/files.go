package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/active"
	"vpnd/internal/config"
	"vpnd/internal/config/diag"
	"vpnd/internal/notify"
	"vpnd/internal/state"
)

// calmness is how long the files have to be at rest before they are inspected:
// editors write in several steps, and what is half written is no mistake.
const calmness = time.Second

// refusal is what the host would not take of the files.
type refusal struct {
	wish *state.Wish // nil where it refused nothing
	text string
}

// files is what became of the files of the configuration.
type files struct {
	edited    chan struct{} // has one where they may have changed
	complaint string        // the mistakes that were told last
	refusal   refusal
	mistaken  bool // they had mistakes when they were to be taken
	withheld  bool // they are valid and would take too much away
}

// load reads the files, and says too what only a daemon can't take of them.
func (a *agent) load() (*config.Config, hcl.Diagnostics) {
	cfg, diags := a.opts.Load()
	if cfg == nil || diags.HasErrors() {
		return cfg, diags
	}
	if dir := cfg.Settings.StateDir; dir != nil && *dir != a.opts.StateDir {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "The state can't move while the daemon runs",
			Detail: fmt.Sprintf("state_dir is %s, and the daemon keeps its state in %s. Restart the daemon.", *dir, a.opts.StateDir),
		})
	}
	return cfg, diags
}

// read reads the files. Where they are wrong, it says so and what was in force
// stays so.
func (a *agent) read(ctx context.Context, cause string) {
	cfg, diags := a.load()
	c := &a.out.status.Configuration
	c.Read, c.Valid, c.Changed, c.Withheld, c.Diagnostics = a.opts.Now(), !diags.HasErrors(), false, "", diag.Brief(diags)
	a.files.refusal, a.files.complaint, a.files.mistaken, a.files.withheld = refusal{}, "", mistakes(diags), false
	if diags.HasErrors() {
		a.complain(c.Diagnostics, cause)
		return
	}
	f, err := active.From(cfg)
	if err != nil {
		a.opts.Log.Error("the configuration can't be kept", "error", err)
		return
	}
	if why := a.taken().Withheld(cfg); why != "" {
		a.withhold(why, cause)
		return
	}
	a.opts.Log.Info("configuration read", "noticed", cause, "resources", len(cfg.Desired.Present))
	a.activate(ctx, f)
}

// complain tells of mistakes in the files, once of the same ones.
func (a *agent) complain(diagnostics, cause string) {
	if a.files.complaint == diagnostics {
		return
	}
	a.files.complaint = diagnostics
	a.opts.Log.Error("the configuration is invalid and not taken; what was in force stays so", "noticed", cause, "diagnostics", diagnostics)
	a.out.notify.Tell(notify.Event{Event: notify.Configuration, Text: "the configuration is invalid and not taken:\n" + diagnostics})
}

// withhold leaves in force what is, and tells why.
func (a *agent) withhold(why, cause string) {
	c := &a.out.status.Configuration
	c.Changed, c.Withheld, a.files.withheld = true, why, true
	a.opts.Log.Error("the configuration is not taken; what was in force stays so", "noticed", cause, "reason", why)
	a.out.notify.Tell(notify.Event{Event: notify.Configuration, Text: "the configuration is not taken: " + why})
}
