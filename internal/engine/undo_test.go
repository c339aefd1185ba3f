package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// undo goes back to the newest snapshot.
func (r *rig) undo(keep ...state.Was) *Plan {
	r.Helper()
	e := r.engine()
	snap, err := e.Store.Snapshot("")
	if err != nil {
		r.Fatal(err)
	}
	p, err := e.PlanUndo(context.Background(), snap, keep...)
	if err != nil {
		r.Fatal(err)
	}
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		r.Fatal(err)
	}
	return p
}

// An apply that is killed anywhere and then brought to its end by another one is
// undone as a whole.
func TestRollbackOfWhatWasCutShort(t *testing.T) {
	for step := 1; ; step++ {
		r := newRig(t)
		r.things["theirs"] = text("theirs")
		before := []resource.Resource{wish("a", text("1")), wish("leaves", text("1")), wish("conf", text("1")), reader(resource.Restart, "conf")}
		r.converge(before...)
		was := r.texts()
		after := []resource.Resource{wish("a", text("2")), wish("b", text("2"), "a"), wish("conf", text("2"), "b"), wish("theirs", text("2"), "conf"), reader(resource.Restart, "conf")}
		r.steps = step
		if !died(func() { r.apply(after...) }) {
			if step < 8 {
				t.Errorf("only %d steps", step)
			}
			return
		}
		r.steps = 0
		e := r.engine()
		d := resource.Desired{Present: append(after, wish("more", text("2"))), Absent: e.Leftovers(after)}
		p, err := e.Plan(context.Background(), d)
		if err != nil {
			t.Fatal(err)
		}
		names, err := e.Store.Snapshots()
		if err != nil {
			t.Fatal(err)
		}
		e.Resumes = names[len(names)-1]
		if report := e.Apply(context.Background(), p); report.Failed() != nil || report.Snapshot != e.Resumes {
			t.Fatalf("step %d: %+v", step, report)
		}
		r.undo()
		if diff := cmp.Diff(was, r.texts()); diff != "" {
			t.Errorf("killed at step %d: %s", step, diff)
		}
		expect(t, "the records are as before", told(r.plan(before...)), "")
		r.converge()
		expect(t, "what stood there before", *r.things["theirs"].Text, "theirs")
	}
}

// Where the earlier snapshot is gone, there is one all the same.
func TestResumesNothing(t *testing.T) {
	r := newRig(t)
	e := r.engine()
	e.Resumes = "20260101T000000.000000Z"
	p, err := e.Plan(context.Background(), resource.Desired{Present: []resource.Resource{wish("a", text("1"))}})
	if err != nil {
		t.Fatal(err)
	}
	if report := e.Apply(context.Background(), p); report.Snapshot == "" || report.Snapshot == e.Resumes {
		t.Errorf("%+v", report)
	}
}

// What is kept does not go back, but becomes what is asked for, and is no part
// of what was taken back.
func TestKeptInAnUndo(t *testing.T) {
	r := newRig(t)
	r.converge(wish("a", text("1")), wish("kept", text("1")))
	r.converge(wish("a", text("2")), wish("kept", text("2")))
	shape, err := resource.Encode(&thing{Text: resource.Ptr("3")}, resource.Reveal)
	if err != nil {
		t.Fatal(err)
	}
	p := r.undo(state.Was{ID: id("kept"), Shape: shape})
	expect(t, "kept", *r.things["a"].Text+*r.things["kept"].Text, "13")
	if ids := p.Touched(); len(ids) != 1 || ids[0] != id("a") {
		t.Errorf("touched: %v", ids)
	}
	expect(t, "the plan", told(r.plan(wish("a", text("1")), wish("kept", text("3")))), "")
}

// What a thing follows nobody sees, so that a look repeats what is asked for now. An undo
// has it follow again what it did.
func TestUndoOfWhatNobodySees(t *testing.T) {
	r := newRig(t)
	sources := []resource.Resource{wish("a", text("1")), wish("b", text("1"))}
	r.converge(append(sources, wish("copy", thing{From: resource.Ptr("a"), Mode: resource.Ptr("0600")}, "a"))...)
	r.converge(append(sources, wish("copy", thing{From: resource.Ptr("b"), Mode: resource.Ptr("0640")}, "b"))...)
	r.undo()
	expect(t, "the mode", *r.things["copy"].Mode, "0600")
	expect(t, "what it follows", *r.things["copy"].From, "a")
}

// What others have beside a thing is theirs: an undo brings it back where vpnd
// took it away, and leaves what came meanwhile where vpnd never managed it.
func TestUndoOfWhatIsShared(t *testing.T) {
	none, theirs := map[string]string{}, map[string]string{"theirs": "1"}
	r := newRig(t)
	set := func(name string, beside map[string]string) {
		is := r.things[name]
		is.Beside = beside
		r.things[name] = is
	}
	r.converge(wish("managed", text("1")), wish("left", text("1")))
	set("managed", theirs)
	set("left", none)
	r.converge(wish("managed", thing{Text: resource.Ptr("2"), Beside: none}), wish("left", text("2")))
	expect(t, "managed", fmt.Sprint(len(r.things["managed"].Beside)), "0")
	set("left", theirs)
	r.undo()
	expect(t, "what was taken away", fmt.Sprint(len(r.things["managed"].Beside)), "1")
	expect(t, "what came meanwhile", fmt.Sprint(len(r.things["left"].Beside)), "1")
	expect(t, "the rest", *r.things["managed"].Text+*r.things["left"].Text, "11")
	// Nor does a plan of its end claim it.
	set("left", theirs)
	for _, c := range r.plan(wish("managed", text("1"))).Changes {
		for _, d := range c.Diffs {
			if strings.HasPrefix(d.Attribute, "beside") {
				t.Errorf("%s: %+v", c.ID, d)
			}
		}
	}
}
