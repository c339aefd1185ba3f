package daemon

import (
	"context"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/state"
)

// mistakes says whether files are wrong, and not only missing. Who starts the
// agent with a typo in them has asked for what they say.
func mistakes(diags hcl.Diagnostics) bool {
	return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError && d.Subject != nil })
}

// takeMended takes files that had mistakes when they were to be taken and have
// none now, where nothing is in force: there is no last good configuration to
// keep, and nobody is waiting for a reload. Whatever somebody undid needs more
// than an edited file.
func (a *agent) takeMended(ctx context.Context) bool {
	if a.force != nil || !a.mistaken {
		return false
	}
	if _, diags := a.load(); diags.HasErrors() {
		return false
	}
	store, err := state.Read(a.StateDir)
	if err != nil {
		return false
	}
	if h, err := store.Hold(); h != nil || err != nil {
		return false
	}
	a.Log.Info("nothing is in force and the mistakes in the files are mended, so they are taken")
	a.read(ctx, byEvent)
	a.look(ctx, byEvent, a.queue.Take())
	return true
}
