package engine

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"vpnd/internal/resource"
)

// A reader whose own change is not noticed by those who are connected has still
// to take notice of what it reads.
func TestChangeOfAReaderPaysNoDebtThatItDoesNotCover(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("conf", text("1")), reader(resource.Restart, "conf")}
	r.converge(all...)
	all = []resource.Resource{wish("conf", text("2")), reader(resource.Restart, "conf")}
	all[1].Want.(*thing).Mode = resource.Ptr("0600")
	r.took()
	r.converge(all...)
	expect(t, "done", r.took(), "apply conf; apply reader; restart reader")
	if r.stale["reader"] {
		t.Error("the reader has not noticed")
	}
}

// Who is owed a restart is owed no less when something asks for a reload.
func TestDebtsDoNotShrink(t *testing.T) {
	r := newRig(t)
	wishes := func(conf, list, broken string) []resource.Resource {
		res := reader(resource.Restart, "conf")
		res.Triggers = append(res.Triggers, resource.Trigger{On: id("list"), Do: resource.Reload})
		res.After = append(res.After, id("list"), id("broken"))
		return []resource.Resource{wish("conf", text(conf)), wish("list", text(list)), wish("broken", text(broken)), res}
	}
	r.converge(wishes("1", "1", "1")...)
	r.broken["broken"] = true
	r.apply(wishes("2", "1", "2")...)
	r.apply(wishes("2", "2", "2")...)
	r.broken = map[string]bool{}
	r.took()
	r.converge(wishes("2", "2", "2")...)
	expect(t, "done", r.took(), "apply broken; restart reader")
}

// What a rollback brings back on record has what stood there before vpnd, also
// where nothing has to be done for that on the host.
func TestRollbackOfWhatIsAsBeforeAlready(t *testing.T) {
	r := newRig(t)
	r.things["a"] = text("theirs")
	r.converge(wish("a", text("1")))
	mine := r.things["a"]
	r.converge()
	r.things["a"] = mine // by hand
	r.undo()
	expect(t, "after the rollback", told(r.plan(wish("a", text("1")))), "")
	r.converge()
	expect(t, "what stood there before is back again", *r.things["a"].Text, "theirs")
}

// marked are things that vpnd's own name shows on the host.
type marked struct{ *host }

func (marked) Marked(_ string, got *thing) bool { return got.Mode != nil && *got.Mode == "vpnd" }

// Where the state is lost, what vpnd made is no thing of others to give back.
func TestWhatIsMarkedIsNotTakenOver(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("marked", "", resource.Traits{}, marked{r.host})}
	ours, theirs := text("old"), text("old")
	ours.Mode, theirs.Mode = resource.Ptr("vpnd"), resource.Ptr("0644")
	r.things["ours"], r.things["theirs"] = ours, theirs
	want := func(name string) resource.Resource {
		w := text("new")
		return resource.Resource{ID: resource.ID{Kind: "marked", Name: name}, Want: &w, Owners: owner("b")}
	}
	expect(t, "plan", told(r.plan(want("ours"), want("theirs"))), "update ours (drift); update theirs (takes_over)")
	r.converge(want("ours"), want("theirs"))
	r.converge()
	if _, there := r.things["ours"]; there || *r.things["theirs"].Text != "old" {
		t.Errorf("left: %v", r.texts())
	}
}

// Who asks for a thing, what it comes after and what it reads go on record where
// nothing else changes: the order in which things leave rests on that.
func TestRecordsFollowTheConfiguration(t *testing.T) {
	r := newRig(t)
	r.converge(wish("a", text("1")), wish("b", text("1")))
	recorded := func(b resource.Resource) {
		t.Helper()
		r.converge(wish("a", text("1")), b)
		got, _ := r.engine().Store.Record(id("b"))
		if !slices.Equal(got.Owners, b.Owners) || !slices.Equal(got.After, b.After) || !slices.Equal(got.Triggers, b.Triggers) {
			t.Errorf("on record is %+v instead of %+v", got, b)
		}
	}
	b := wish("b", text("1"))
	b.Owners = owner("other")
	recorded(b)
	b.After = []resource.ID{id("a")}
	recorded(b)
	b.Triggers = []resource.Trigger{{On: id("a"), Do: resource.Reload}}
	recorded(b)
}

// What a look leaves out, since no wish asks for it, is kept with the rest: of what was
// there before vpnd, as it shall be or not, and of what an apply changes.
func TestWhatALookLeavesOutIsKept(t *testing.T) {
	for name, first := range map[string]string{"as it shall be": "1", "another": "0"} {
		r := newRig(t)
		is := thing{Text: &first, Mode: resource.Ptr("0644"), Secret: resource.NewSecret("theirs"), Active: resource.Ptr(false)}
		r.things["a"] = is
		r.converge(wish("a", text("1")))
		lose := func() {
			t.Helper()
			now := r.things["a"]
			now.Secret = resource.NewSecret("lost")
			r.things["a"] = now
		}
		seen := func(what string) {
			t.Helper()
			expect(t, name+", "+what, r.things["a"].Secret.Reveal(), "theirs")
		}
		e := r.engine()
		record, _ := e.Store.Record(id("a"))
		var prior thing
		if err := e.Store.Prior(record, &prior); err != nil || prior.Secret == nil || prior.Secret.Reveal() != "theirs" {
			t.Errorf("%s: kept is %+v, %v", name, prior, err)
		}
		r.converge(wish("a", text("2")))
		r.undo()
		seen("after an undo")
		lose()
		want := text("1")
		want.Secret = resource.NewSecret("ours")
		r.converge(wish("a", want))
		r.converge()
		seen("given back")
	}
}

// What goes between two looks of a plan is unknown to that, and keeps the rest from
// nothing.
func TestWhatGoesBetweenTwoLooks(t *testing.T) {
	r := newRig(t)
	r.things["vanishing"] = text("0")
	expect(t, "the plan", told(r.plan(wish("vanishing", text("1")), wish("a", text("1")))), "create a (new); unknown vanishing")
}

// So is it of a reader, whether it has to take notice or not: a snapshot holds all of
// it, and a saved plan does not fit where it is another.
func TestWhatALookLeavesOutOfAReaderIsKept(t *testing.T) {
	for _, active := range []bool{true, false} {
		r := newRig(t)
		wishes := func(conf string) []resource.Resource {
			reads := reader(resource.Restart, "conf")
			reads.Want = &thing{Active: &active}
			return []resource.Resource{wish("conf", text(conf)), reads}
		}
		r.converge(wishes("1")...)
		secret := func(s string) {
			is := r.things["reader"]
			is.Secret = resource.NewSecret(s)
			r.things["reader"] = is
		}
		fingerprint := func() string {
			t.Helper()
			sum, err := r.plan(wishes("2")...).Fingerprint(nil, func(s resource.Secret) any { return s.Reveal() })
			if err != nil {
				t.Fatal(err)
			}
			return sum
		}
		secret("one")
		first := fingerprint()
		if secret("two"); (fingerprint() == first) == active {
			t.Errorf("active is %v, and that of another reader is the same: %v", active, !active)
		}
		r.converge(wishes("2")...)
		snap, err := r.engine().Store.Snapshot("")
		if err != nil {
			t.Fatal(err)
		}
		var was thing
		for _, w := range snap.Present {
			if w.ID == id("reader") {
				err = w.Decode(&was)
			}
		}
		if err != nil || was.Secret == nil || was.Secret.Reveal() != "two" {
			t.Errorf("active is %v, and kept is %+v, %v", active, was.Secret, err)
		}
	}
}

// What stood there before goes from the state once it was given back: it may be
// secret.
func TestWhatWasGivenBackIsKeptNoLonger(t *testing.T) {
	r := newRig(t)
	r.things["a"] = text("theirs")
	r.converge(wish("a", text("1")))
	kept := func(want int) {
		t.Helper()
		if priors, err := os.ReadDir(filepath.Join(r.dir, "priors")); err != nil || len(priors) != want {
			t.Errorf("%d are kept, %v", len(priors), err)
		}
	}
	kept(1)
	r.converge()
	kept(0)
}

// An undo gives back what an apply gave up, not only what it set.
func TestUndoTakesUpWhatWasGivenUp(t *testing.T) {
	r := newRig(t)
	strict := text("1")
	strict.Mode = resource.Ptr("0600")
	r.converge(wish("a", strict))
	r.converge(wish("a", text("2")))
	wide := r.things["a"]
	wide.Mode = resource.Ptr("0644") // which is nobody's business any more
	r.things["a"] = wide
	r.undo()
	if a := r.things["a"]; *a.Text != "1" || *a.Mode != "0600" {
		t.Errorf("it is %s, %s", *a.Text, *a.Mode)
	}
}

// Of what leaves nothing is told any more: the end of its certificate is nobody's
// business.
func TestWhatIsSeenOfAPlan(t *testing.T) {
	r := newRig(t)
	r.converge(wish("a", text("1")), wish("b", text("1")))
	seen := r.plan(wish("a", text("1")), wish("new", text("1"))).Seen(resource.NoView)
	if len(seen) != 1 || seen[0].ID != id("a") || *seen[0].Got.(*thing).Text != "1" {
		t.Errorf("seen: %+v", seen)
	}
}
