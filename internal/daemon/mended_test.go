package daemon

import (
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/engine"
	"vpnd/internal/state"
)

// typo is a mistake that has a place in a file.
func typo() hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Nonsense", Subject: &hcl.Range{Filename: "a.hcl"}}}
}

func TestAFirstConfigurationIsTakenOnceItsMistakesAreMended(t *testing.T) {
	bubble(t, func(r *rig) {
		good := r.cfg
		bad := func(diags hcl.Diagnostics) { r.choose(func() { r.cfg, r.diags = &config.Config{}, diags }) }
		bad(typo())
		r.start()
		r.edited()
		r.want(map[string]string{"a": ""})
		r.choose(func() { r.cfg, r.diags = good, nil })
		r.edited()
		r.want(map[string]string{"a": "1", "b": "1"})
		if s := r.status(); s.Mode != "enforce" || s.Configuration.Changed || r.logged("the mistakes in the files are mended") != 1 {
			t.Errorf("%+v\n%s", s, r.logs.String())
		}

		// From then on there is a last good one.
		bad(typo())
		r.reload()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.edited()
		r.want(map[string]string{"a": "1"})
	})
}

// Where there was no file at the start, nobody has asked for anything: one that
// is written later waits for a reload, and the status says so.
func TestAFirstFileWaitsForAReload(t *testing.T) {
	bubble(t, func(r *rig) {
		good := r.cfg
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		r.start()
		r.choose(func() { r.cfg, r.diags = good, nil })
		r.edited()
		r.want(map[string]string{"a": ""})
		if got := r.status().Summary(); got != "Nothing is in force; the files have changed since." {
			t.Error(got)
		}
		r.reload()
		r.want(map[string]string{"a": "1"})
	})
}

// What somebody undid is not taken again since a file was edited.
func TestWhatIsSuppressedIsNotTakenOnceMended(t *testing.T) {
	bubble(t, func(r *rig) {
		r.as(func(e *engine.Engine) error {
			return e.Store.KeepSuppression(&state.Suppression{Command: "rollback", Since: time.Now()})
		})
		good := r.cfg
		r.choose(func() { r.cfg, r.diags = &config.Config{}, typo() })
		r.start()
		r.choose(func() { r.cfg, r.diags = good, nil })
		r.edited()
		r.want(map[string]string{"a": ""})
	})
}
