package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
)

// readerOf restarts where one of its files changes, and needs neither.
func readerOf(one, two string) []resource.Resource {
	r := reader(resource.Restart, "one", "other")
	r.After = nil
	return []resource.Resource{wish("one", text(one)), wish("other", text(two)), r}
}

// What was refused right before it was touched is as if nobody had tried: its reader
// goes on running, then and at the next apply, and its record is as before.
func TestRefusedRightBeforeItIsTouched(t *testing.T) {
	r := newRig(t)
	r.converge(readerOf("1", "1")...)
	r.took()
	before, _ := r.engine().Store.Record(id("one"))
	r.broken["one"] = true
	if err := r.apply(readerOf("2", "1")...).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	expect(t, "done", r.took(), "")
	after, _ := r.engine().Store.Record(id("one"))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	expect(t, "the next plan of the same", told(r.plan(readerOf("2", "1")...)), "update one (configuration); refresh reader (follows)")
	expect(t, "the next plan of what was before", told(r.plan(readerOf("1", "1")...)), "")
}

// What broke off in the middle is unfinished, and its reader has to take notice.
func TestBrokeOffIsUnfinished(t *testing.T) {
	r := newRig(t)
	r.converge(readerOf("1", "1")...)
	r.took()
	r.torn["one"] = true
	if err := r.apply(readerOf("2", "1")...).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	expect(t, "done", r.took(), "restart reader")
	expect(t, "the next plan", told(r.plan(readerOf("2", "1")...)), "update one (unfinished); refresh reader (follows)")
}

// A refresh that something else calls for is done all the same.
func TestRefusedBesideWhatIsTouched(t *testing.T) {
	r := newRig(t)
	r.converge(readerOf("1", "1")...)
	r.took()
	r.broken["one"] = true
	if err := r.apply(readerOf("2", "2")...).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	expect(t, "done", r.took(), "apply other; restart reader")
	expect(t, "the next plan", told(r.plan(readerOf("1", "2")...)), "")
}

// Nor is one forgotten that was pending before.
func TestRefusedWhileARefreshIsPending(t *testing.T) {
	r := newRig(t)
	all := readerOf("1", "1")
	r.converge(all...)
	r.steps = 3 // it dies with other changed, before the restart
	if !died(func() { r.apply(readerOf("1", "2")...) }) {
		t.Fatal("it was to die")
	}
	r.steps = 0
	r.took()
	r.broken["one"] = true
	if err := r.apply(readerOf("2", "2")...).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	expect(t, "done", r.took(), "restart reader")
	if r.stale["reader"] {
		t.Error("the reader did not take notice")
	}
}

// What was not there before leaves no record, and what others had there nothing that
// was kept of it; what could not be taken away is on record as it was.
func TestRefusedLeavesNothingBehind(t *testing.T) {
	r := newRig(t)
	r.converge(wish("other", text("1")))
	r.things["theirs"] = text("theirs")
	r.broken["theirs"], r.broken["new"] = true, true
	if err := r.apply(wish("other", text("1")), wish("theirs", text("ours")), wish("new", text("ours"))).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	for _, name := range []string{"theirs", "new"} {
		if record, ok := r.engine().Store.Record(id(name)); ok {
			t.Errorf("on record is %+v", record)
		}
	}
	if kept, err := os.ReadDir(filepath.Join(r.dir, "priors")); err != nil || len(kept) > 0 {
		t.Errorf("kept: %v, %v", kept, err)
	}
	clear(r.broken)
	r.converge(wish("other", text("1")), wish("theirs", text("ours")))
	before, _ := r.engine().Store.Record(id("theirs"))
	r.broken["theirs"] = true
	if err := r.apply(wish("other", text("1"))).Failed(); err == nil {
		t.Fatal("it was to fail")
	}
	after, _ := r.engine().Store.Record(id("theirs"))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	clear(r.broken)
	r.converge(wish("other", text("1")))
	expect(t, "what stood there before", *r.things["theirs"].Text, "theirs")
}
