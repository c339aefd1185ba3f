package engine

import (
	"context"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// patient is a host whose things may wait for somebody.
type patient struct {
	*host
	lacks map[string]string // what a thing waits for, by name
}

func (p *patient) Awaits(_ context.Context, name string, _, _ *thing) string { return p.lacks[name] }

// What a person has to bring is waited for, with what is missing and needs it. All else
// is done, and nothing of what waits is put on record or an error.
func TestWhatWaitsHoldsNothingElseUp(t *testing.T) {
	r := newRig(t)
	p := &patient{r.host, map[string]string{"cert": "a signature"}}
	r.more = []resource.Kind{resource.Define("patient", "", resource.Traits{}, p)}
	waiting := func(name string, text string, after ...resource.ID) resource.Resource {
		return resource.Resource{ID: resource.ID{Kind: "patient", Name: name}, Want: &thing{Text: &text}, Owners: owner("b"), After: after}
	}
	cert := resource.ID{Kind: "patient", Name: "cert"}
	wishes := []resource.Resource{
		wish("key", text("k")),
		waiting("cert", "c", id("key")),
		{ID: id("profile"), Want: &thing{Text: resource.Ptr("p")}, Owners: owner("b"), After: []resource.ID{cert}},
		wish("handed out", text("h"), "profile"),
		wish("beside", text("b")),
	}
	report := r.apply(wishes...)
	if err := report.Failed(); err != nil {
		t.Fatal(err)
	}
	if took := r.took(); took != "apply beside; apply key" && took != "apply key; apply beside" {
		t.Errorf("it did %s", took)
	}
	plan := r.plan(wishes...)
	if len(plan.Changes) > 0 || len(plan.Waits) != 3 {
		t.Errorf("%s; %+v wait", told(plan), plan.Waits)
	}
	const note = `patient.cert waits for a signature; 2 more that need it wait too`
	if len(plan.Notes) != 1 || plan.Notes[0].Text != note || plan.Notes[0].ID.Name != "b" {
		t.Errorf("%+v", plan.Notes)
	}
	if _, known := r.engine().Store.Record(cert); known {
		t.Error("what waits is on record")
	}
	// Once it is there all of it is made, and what stands holds nobody up when it is due.
	p.lacks = nil
	r.converge(wishes...)
	p.lacks = map[string]string{"cert": "another signature"}
	wishes[1] = waiting("cert", "new", id("key"))
	wishes[2].Want = &thing{Text: resource.Ptr("p2")}
	report = r.apply(wishes...)
	if err := report.Failed(); err != nil {
		t.Fatal(err)
	}
	if got := r.texts(); got["cert"] != "c" || got["profile"] != "p2" {
		t.Errorf("%v", got)
	}
	if plan := r.plan(wishes...); len(plan.Waits) != 1 || !strings.Contains(plan.Notes[0].Text, "another signature") {
		t.Errorf("%+v", plan.Waits)
	}
}

// What stands aside and waits holds those up who name it, and nobody who comes after its
// block, be it still to come or lost.
func TestWhatStandsAsideHoldsUpWhoNamesIt(t *testing.T) {
	r := newRig(t)
	p := &patient{r.host, map[string]string{"next": "a signature"}}
	r.more = []resource.Kind{resource.Define("patient", "", resource.Traits{}, p)}
	next := resource.ID{Kind: "patient", Name: "next"}
	block := owner("ca")[0].Block
	wishes := func(mode string) []resource.Resource {
		return []resource.Resource{
			{ID: next, Want: &thing{Text: resource.Ptr("aside")}, Owners: owner("ca")},
			{ID: id("link"), Want: &thing{Text: resource.Ptr("l"), Mode: &mode}, Owners: owner("ca"), After: []resource.ID{next}},
			{ID: id("profile"), Want: &thing{Text: resource.Ptr("p"), Mode: &mode}, Owners: owner("server"), After: []resource.ID{block}},
		}
	}
	if err := r.apply(wishes("0600")...).Failed(); err != nil || r.took() != "" {
		t.Errorf("what comes after all of the block does not wait for the link, which waits, %v", err)
	}
	both := wishes("0600")
	if err := r.apply(both[0], both[2]).Failed(); err != nil || r.took() != "apply profile" {
		t.Errorf("it waited, %v", err)
	}
	p.lacks = nil
	r.converge(both...)
	p.lacks = map[string]string{"next": "a signature"}
	delete(r.things, "next")
	plan := r.plan(wishes("0640")...)
	if len(plan.Changes) != 1 || plan.Changes[0].ID.Name != "profile" || len(plan.Waits) != 2 {
		t.Errorf("%s; %+v wait", told(plan), plan.Waits)
	}
}
