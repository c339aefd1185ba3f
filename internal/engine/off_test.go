package engine

import (
	"context"
	"slices"
	"testing"

	"vpnd/internal/resource"
)

// A kind that needs a running host is left out where none runs: neither looked
// at nor changed nor forgotten, and named.
func TestWhatNeedsARunningHostIsLeftOut(t *testing.T) {
	r := newRig(t)
	r.converge(wish("kept", text("1")), wish("dropped", text("2")))
	r.took()

	e := r.engine()
	e.Catalog.Image, e.Catalog.Kinds[0].NeedsHost = true, true
	wishes := []resource.Resource{wish("kept", text("refused")), wish("new", text("3"))}
	p, err := e.Plan(context.Background(), resource.Desired{Present: wishes, Absent: e.Leftovers(wishes)})
	if err != nil {
		t.Fatal(err)
	}
	if want := []resource.ID{id("kept"), id("new"), id("dropped")}; !slices.Equal(p.LeftOut, want) {
		t.Errorf("left out are %v, not %v", p.LeftOut, want)
	}
	report := e.Apply(context.Background(), p)
	if err := report.Failed(); err != nil || len(report.Results) > 0 {
		t.Errorf("%d changes, error %v", len(report.Results), err)
	}
	if did := r.took(); did != "" {
		t.Errorf("the host was touched: %s", did)
	}
	if n := len(e.Store.Records()); n != 2 {
		t.Errorf("%d records instead of 2: what is left out is not forgotten", n)
	}
}
