package engine

import (
	"context"
	"slices"
	"testing"

	"vpnd/internal/resource"
)

// aside gives the engine somebody who drifts a thing while a step takes long,
// and repairs it with an engine of the same store.
func (r *rig) aside(e *Engine, repaired resource.Resource, seen *Work) {
	r.gate = make(chan struct{})
	e.Meanwhile = func(w Work) []resource.ID {
		*seen = w
		r.mu.Lock()
		r.things[repaired.ID.Name] = text("moved")
		r.mu.Unlock()
		in := &Engine{Catalog: e.Catalog, Store: e.Store, Now: e.Now}
		p, err := in.PlanPart(context.Background(), resource.Desired{Present: []resource.Resource{repaired}})
		if err != nil {
			r.Error(err)
		} else {
			_ = in.Converge(context.Background(), p, false)
		}
		close(r.gate)
		<-w.Done
		e.Meanwhile = nil
		return []resource.ID{repaired.ID}
	}
}

func (r *rig) drift(e *Engine, rs []resource.Resource) {
	r.Helper()
	p, err := e.PlanPart(context.Background(), resource.Desired{Present: rs})
	if err != nil {
		r.Fatal(err)
	}
	if err := e.Converge(context.Background(), p, false).Failed(); err != nil {
		r.Fatal(err)
	}
	r.gate = nil
}

func TestRepairWhileAStepTakesLong(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("a", text("1")), wish("slow", text("1")), wish("z", text("1"), "slow")}
	r.converge(all...)
	r.things["slow"], r.things["z"] = text("moved"), text("moved")
	r.took()
	e := r.engine()
	var seen Work
	r.aside(e, all[0], &seen)
	moved := slices.Clone(all)
	moved[0].Owners = owner("c") // so that its record is written anew
	r.drift(e, moved)
	expect(t, "done", r.took(), "apply a; apply slow; apply z")
	if !slices.Equal(seen.Now, []resource.ID{id("slow")}) || !slices.Equal(seen.Next, []resource.ID{id("slow"), id("z")}) || len(seen.New) > 0 {
		t.Errorf("said to be at work: %+v", seen)
	}
	expect(t, "left", told(r.plan(moved...)), "")
	for _, record := range r.engine().Store.Records() {
		if record.Open {
			t.Errorf("%s is on record as unfinished", record.ID)
		}
	}
}

func TestFailedRepairInBetweenStaysUnfinished(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("a", text("1")), wish("slow", text("1"))}
	r.converge(all...)
	r.things["slow"] = text("moved")
	r.torn["a"] = true
	e := r.engine()
	r.aside(e, all[0], new(Work))
	moved := slices.Clone(all)
	moved[0].Owners = owner("c")
	r.drift(e, moved)
	expect(t, "left", told(r.plan(moved...)), "update a (unfinished)")
}

func TestWhatIsNotOnRecordYetIsNamed(t *testing.T) {
	r := newRig(t)
	r.converge(wish("slow", text("1")), wish("b", text("1")))
	r.things["a"], r.things["slow"] = text("1"), text("moved")
	e := r.engine()
	var seen Work
	r.aside(e, wish("b", text("1")), &seen)
	all := []resource.Resource{wish("a", text("1")), wish("b", text("1")), wish("slow", text("1"))}
	r.drift(e, all)
	if !slices.Equal(seen.New, []resource.ID{id("a")}) {
		t.Errorf("not on record: %v", seen.New)
	}
	expect(t, "left", told(r.plan(all...)), "")
}

func TestPlanSeesWhatWasRepairedWhileItLooked(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("a", text("1")), wish("slow to see", text("1"))}
	r.converge(all...)
	r.things["a"] = text("moved")
	e := r.engine()
	var seen Work
	r.aside(e, all[0], &seen)
	p, err := e.Plan(context.Background(), resource.Desired{Present: all})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "plan", told(p), "")
	if len(seen.Now)+len(seen.Next) > 0 {
		t.Errorf("said to be at work while planning: %+v", seen)
	}
}

func TestSlowLast(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("slow", text("1")), wish("needs", text("1"), "slow"), wish("a", text("1")), wish("b", text("1"), "a")}
	all[1].Owners = owner("c") // a block that needs another
	last := wish("last", text("1"))
	last.After, last.Owners = []resource.ID{{Kind: "block", Name: "c"}}, owner("d")
	own := wish("then", text("1")) // after its own block, and so after nothing of it
	own.After = []resource.ID{{Kind: "block", Name: "b"}}
	rule := wish("rule", text("1")) // stands alone, and is not kept waiting
	rule.ID.Kind, rule.After = "rule", append(last.After, all[0].ID)
	r.more = []resource.Kind{resource.Define("rule", "", resource.Traits{Alone: true}, r.host)}
	all = append(all, last, own, rule)
	r.converge(all...)
	for _, one := range all {
		r.things[one.ID.Name] = text("moved")
	}
	p := r.plan(all...)
	slow := func(id resource.ID) bool { return id.Name == "slow" }
	expect(t, "sorted", told(p.SlowLast(slow)), "update a (drift); update then (drift); update b (drift); update rule (drift); update slow (drift); update needs (drift); update last (drift)")

	left := r.plan(all[1:]...)
	expect(t, "where something goes", told(left.SlowLast(slow)), told(left))
}
