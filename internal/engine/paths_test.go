package engine

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
)

// newPaths returns a host with two kinds of files.
func newPaths(t *testing.T) *rig {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("file", "", resource.Traits{Path: true}, r.host), resource.Define("secret", "", resource.Traits{Path: true}, r.host)}
	return r
}

func at(kind, name, content string, after ...resource.ID) resource.Resource {
	w := wish(name, text(content))
	w.ID.Kind, w.After = kind, after
	return w
}

// A file whose block becomes one of another kind is there afterwards, also where
// it is to hold the same, and is nobody else's.
func TestAnotherKindAtThePath(t *testing.T) {
	for _, content := range []string{"1", "2"} {
		r := newPaths(t)
		r.converge(at("file", "/a", "1"))
		r.took()
		now := at("secret", "/a", content)
		expect(t, "the plan", told(r.plan(now)), "remove /a (dropped); create /a (new)")
		r.converge(now)
		expect(t, "done", r.took(), "remove /a; apply /a")
		expect(t, "the file", *r.things["/a"].Text, content)
		r.undo()
		expect(t, "undone", *r.things["/a"].Text, "1")
		expect(t, "the records are as before", told(r.plan(at("file", "/a", "1"))), "")
		r.converge()
		if _, there := r.things["/a"]; there {
			t.Error("what vpnd made is given back as somebody else's")
		}
	}
}

// What stood there before vpnd comes back at the end, whatever kinds vpnd has had
// in its place and whenever it was killed.
func TestAnotherKindWhereSomethingStood(t *testing.T) {
	for step := 1; ; step++ {
		r := newPaths(t)
		r.things["/a"] = text("theirs")
		r.converge(at("file", "/a", "1"))
		r.took()
		expect(t, "the plan", told(r.plan(at("secret", "/a", "1"))), "restore /a (dropped); create /a (takes_over)")
		r.steps = step
		killed := died(func() { r.apply(at("secret", "/a", "1")) })
		r.steps = 0
		r.converge(at("secret", "/a", "1"))
		expect(t, "the file", *r.things["/a"].Text, "1")
		r.converge()
		if diff := cmp.Diff(map[string]string{"/a": "theirs"}, r.texts()); diff != "" {
			t.Errorf("killed at step %d: %s", step, diff)
		}
		if !killed {
			if step < 4 {
				t.Errorf("only %d steps", step)
			}
			return
		}
	}
}

// Where what leaves can't go, nothing comes in its place.
func TestAnotherKindWaitsForTheOneBefore(t *testing.T) {
	r := newPaths(t)
	r.things["/a"] = text("theirs")
	r.converge(at("file", "/a", "1"))
	r.broken["/a"] = true
	report := r.apply(at("secret", "/a", "2"))
	if n := len(report.Results); n != 2 || report.Results[0].Err == nil || !report.Results[1].Skipped {
		t.Errorf("%+v", report.Results)
	}
	delete(r.broken, "/a")
	r.converge(at("secret", "/a", "2"))
	r.converge()
	expect(t, "what stood there before", *r.things["/a"].Text, "theirs")
}

// Whoever names one of the two as a target means both.
func TestTargetsOfOnePath(t *testing.T) {
	for _, kind := range []string{"file", "secret"} {
		r := newPaths(t)
		r.converge(at("file", "/a", "1"), at("file", "/b", "1"))
		wishes := []resource.Resource{at("secret", "/a", "1"), at("secret", "/b", "1")}
		e := r.engine()
		p, err := e.Plan(context.Background(), resource.Desired{Present: wishes, Absent: e.Leftovers(wishes)}, resource.ID{Kind: kind, Name: "/a"})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "the plan", told(p), "remove /a (dropped); create /a (new)")
	}
}
