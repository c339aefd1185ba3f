package engine

import (
	"context"
	"testing"

	"vpnd/internal/resource"
)

// Rules must not be missing because a directory stands where a server's file shall
// be.
func TestWhatStandsAloneIsMadeWhateverFails(t *testing.T) {
	r := newRig(t)
	r.broken["conf"] = true
	rule := wish("rule", text("1"), "conf", "unreadable")
	forward := wish("forward", text("1"), "conf")
	rule.ID.Kind, forward.ID.Kind = "firm", "firm"
	forward.After = append(forward.After, rule.ID)
	all := []resource.Resource{wish("conf", text("1")), wish("unreadable", text("1")), wish("server", text("1"), "conf"), rule, forward}
	converge := func() {
		t.Helper()
		e := r.engine()
		e.Catalog.Kinds = append(e.Catalog.Kinds, resource.Define("firm", "", resource.Traits{Alone: true, Filters: resource.All}, r.host))
		p, err := e.Plan(context.Background(), resource.Desired{Present: all})
		if err != nil {
			t.Fatal(err)
		}
		if e.Apply(context.Background(), p).Failed() == nil {
			t.Error("no failure is told")
		}
	}
	converge()
	expect(t, "done", r.took(), "apply rule; apply forward")
	delete(r.things, "rule")
	delete(r.things, "forward")
	r.broken["rule"] = true
	converge()
	expect(t, "done without the rule", r.took(), "")
}
