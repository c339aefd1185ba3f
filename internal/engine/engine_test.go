package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s\n got: %s\nwant: %s", what, got, want)
	}
}

func TestReasons(t *testing.T) {
	r := newRig(t)
	foreign := text("theirs")
	foreign.Mode, foreign.Secret, foreign.Active = resource.Ptr("0640"), resource.NewSecret("s"), resource.Ptr(true)
	r.things["foreign"] = foreign
	r.things["agreed"] = foreign

	all := []resource.Resource{wish("new", text("1")), wish("foreign", text("ours")), wish("agreed", text("theirs"))}
	expect(t, "first", told(r.plan(all...)), "update foreign (takes_over); create new (new)")
	r.converge(all...)

	drifted := r.things["new"]
	drifted.Text = resource.Ptr("moved")
	r.things["new"] = drifted
	expect(t, "drift", told(r.plan(all...)), "update new (drift)")

	all[0] = wish("new", text("2"))
	expect(t, "both", told(r.plan(all...)), "update new (both)")

	drifted.Text = resource.Ptr("1")
	r.things["new"] = drifted
	expect(t, "configuration", told(r.plan(all...)), "update new (configuration)")

	delete(r.things, "new")
	all[0] = wish("new", text("1"))
	expect(t, "gone", told(r.plan(all...)), "create new (drift)")
	r.converge(all...)

	expect(t, "dropped", told(r.plan()), "remove new (dropped); restore foreign (dropped)")
	r.converge()
	if diff := cmp.Diff(map[string]string{"foreign": "theirs", "agreed": "theirs"}, r.texts()); diff != "" {
		t.Error(diff)
	}
	if *r.things["foreign"].Mode != "0640" {
		t.Error("the mode of what was taken over did not come back")
	}
}

func TestUnreadableIsUnknownAndNeverActedOn(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("unreadable", text("1")), wish("dependent", text("2"), "unreadable"), wish("other", text("3"))}
	expect(t, "plan", told(r.plan(all...)), "create other (new); create dependent (new); unknown unreadable")
	report := r.apply(all...)
	expect(t, "done", r.took(), "apply other")
	if err := report.Failed(); err == nil || !strings.Contains(err.Error(), "thing.dependent: skipped, since thing.unreadable is not done") {
		t.Error(err)
	}
}

func TestOrder(t *testing.T) {
	r := newRig(t)
	second := wish("b-second", text("1"))
	second.Owners = owner("later")
	second.After = []resource.ID{{Kind: "block", Name: "b"}}
	first := second
	first.ID = id("a-first-of-later")
	all := []resource.Resource{wish("z", text("1")), wish("c", text("1"), "z"), wish("d", text("1"), "c"), second, first}
	r.converge(all...)
	expect(t, "applied", r.took(), "apply z; apply c; apply d; apply a-first-of-later; apply b-second")
	r.converge()
	expect(t, "removed", r.took(), "remove b-second; remove a-first-of-later; remove d; remove c; remove z")
}

func TestCycleIsAnError(t *testing.T) {
	r := newRig(t)
	_, err := r.engine().Plan(context.Background(), resource.Desired{Present: []resource.Resource{wish("a", text("1"), "b"), wish("b", text("1"), "a")}})
	if err == nil || !strings.Contains(err.Error(), "thing.a, thing.b") {
		t.Error(err)
	}
}

func TestRefusedWishTouchesNothing(t *testing.T) {
	r := newRig(t)
	_, err := r.engine().Plan(context.Background(), resource.Desired{Present: []resource.Resource{wish("a", text("refused")), wish("b", text("1"))}})
	var wished *WishError
	if !errors.As(err, &wished) || wished.ID != id("a") || wished.Owners[0].Line != 1 {
		t.Errorf("%v", err)
	}
}

func TestFailureSkipsOnlyDependents(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("a", text("1")), wish("b", text("1"), "a"), wish("c", text("1"), "b"), wish("d", text("1"))}
	r.broken["a"] = true
	report := r.apply(all...)
	expect(t, "done", r.took(), "apply d")
	if len(report.Results) != 4 || report.Failed() == nil {
		t.Errorf("%+v", report)
	}
	r.broken = map[string]bool{}
	r.converge(all...)
	expect(t, "the next run continues", r.took(), "apply a; apply b; apply c")
}

func reader(do resource.Effect, on ...string) resource.Resource {
	res := wish("reader", thing{Active: resource.Ptr(true)}, on...)
	for _, name := range on {
		res.Triggers = append(res.Triggers, resource.Trigger{On: id(name), Do: do})
	}
	return res
}

func TestRefresh(t *testing.T) {
	r := newRig(t)
	conf := func(s string) []resource.Resource {
		return []resource.Resource{wish("conf", text(s)), reader(resource.Restart, "conf")}
	}
	r.converge(conf("1")...)
	expect(t, "a reader that is only now started needs no restart", r.took(), "apply conf; apply reader")
	expect(t, "plan", told(r.plan(conf("2")...)), "update conf (configuration); refresh reader (follows)")
	r.converge(conf("2")...)
	expect(t, "changed", r.took(), "apply conf; restart reader")

	moved := conf("2")
	moved[0].Want.(*thing).Mode = resource.Ptr("0600")
	r.converge(moved...)
	expect(t, "who may read a file concerns no reader", r.took(), "apply conf")
}

func TestOwedRefreshSurvivesAFailure(t *testing.T) {
	r := newRig(t)
	all := []resource.Resource{wish("conf", text("1")), wish("broken", text("1")), reader(resource.Reload, "conf")}
	all[2].After = append(all[2].After, id("broken"))
	r.converge(all...)
	all[0], all[1] = wish("conf", text("2")), wish("broken", text("2"))
	r.broken["broken"] = true
	r.apply(all...)
	r.took()
	r.broken = map[string]bool{}
	expect(t, "plan", told(r.plan(all...)), "update broken (configuration); refresh reader (owed)")
	r.converge(all...)
	expect(t, "done", r.took(), "apply broken; reload reader")
}

// Who does not run reads all anew when it starts, so what it is owed by then is
// nothing.
func TestNothingIsOwedToWhoDoesNotRun(t *testing.T) {
	r := newRig(t)
	conf := func(s string) []resource.Resource {
		res := wish("reader", thing{Mode: resource.Ptr("0644")}, "conf")
		res.Triggers = []resource.Trigger{{On: id("conf"), Do: resource.Restart}}
		return []resource.Resource{wish("conf", text(s)), res}
	}
	r.converge(conf("1")...)
	r.converge(conf("2")...)
	reader := r.things["reader"]
	reader.Active = resource.Ptr(true) // systemd starts it at its time
	r.things["reader"] = reader
	r.took()
	expect(t, "plan", told(r.plan(conf("2")...)), "")
	expect(t, "plan", told(r.plan(conf("3")...)), "update conf (configuration); refresh reader (follows)")
}

func TestDerivedThingFollows(t *testing.T) {
	r := newRig(t)
	all := func(s string) []resource.Resource {
		copied := wish("copy", thing{From: resource.Ptr("source")}, "source")
		copied.Triggers = []resource.Trigger{{On: id("source"), Do: resource.Rebuild}}
		return []resource.Resource{wish("source", text(s)), copied, reader(resource.Restart, "copy")}
	}
	r.converge(all("1")...)
	r.took()
	expect(t, "plan", told(r.plan(all("2")...)), "update source (configuration); update copy (follows); refresh reader (follows)")
	r.converge(all("2")...)
	expect(t, "done", r.took(), "apply source; apply copy; restart reader")
	if *r.things["copy"].Text != "2" {
		t.Error("the copy did not follow")
	}
}

func TestRollback(t *testing.T) {
	r := newRig(t)
	r.converge(wish("a", text("1")), wish("conf", text("1")), reader(resource.Restart, "conf"))
	before := r.texts()
	r.converge(wish("new", text("1")), wish("conf", text("2")), reader(resource.Restart, "conf"))
	r.took()

	e := r.engine()
	snap, err := e.Store.Snapshot("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.PlanUndo(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "plan", told(p), "remove new (undone); create a (undone); update conf (undone); refresh reader (follows)")
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.texts()); diff != "" {
		t.Error(diff)
	}
	expect(t, "the records are as before", told(r.plan(wish("a", text("1")), wish("conf", text("1")), reader(resource.Restart, "conf"))), "")
}

func TestRollbackRemembersWhatWasTakenOver(t *testing.T) {
	r := newRig(t)
	r.things["a"] = text("theirs")
	r.converge(wish("a", text("1")))
	r.converge()
	expect(t, "what stood there before is back", *r.things["a"].Text, "theirs")

	e := r.engine()
	snap, err := e.Store.Snapshot("")
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.PlanUndo(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		t.Fatal(err)
	}
	expect(t, "the rollback", *r.things["a"].Text, "1")
	r.converge()
	expect(t, "what stood there before is back again", *r.things["a"].Text, "theirs")
}

func TestWhatIsNoLongerWishedForIsGivenBackAtTheEnd(t *testing.T) {
	r := newRig(t)
	theirs := text("theirs")
	theirs.Mode, theirs.Active = resource.Ptr("theirs"), resource.Ptr(true)
	r.things["a"] = theirs
	r.converge(wish("a", thing{Text: resource.Ptr("1"), Mode: resource.Ptr("1")}))
	r.converge(wish("a", thing{Text: resource.Ptr("2")}))
	r.converge(wish("a", thing{Active: resource.Ptr(true)}))
	expect(t, "what is left out stays", *r.things["a"].Text+*r.things["a"].Mode, "21")
	r.converge()
	expect(t, "all comes back", *r.things["a"].Text+*r.things["a"].Mode, "theirstheirs")
}

func TestTarget(t *testing.T) {
	r := newRig(t)
	e := r.engine()
	d := resource.Desired{Present: []resource.Resource{wish("a", text("1")), wish("b", text("1"), "a"), wish("c", text("1"))}}
	p, err := e.Plan(context.Background(), d, id("b"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "the target and what it needs", told(p), "create a (new); create b (new)")
	if _, err := e.Plan(context.Background(), d, id("nowhere")); err == nil {
		t.Error("a target that is nowhere is no error")
	}
}

func TestStateHoldsNoSecret(t *testing.T) {
	r := newRig(t)
	theirs := text("theirs")
	theirs.Mode, theirs.Secret, theirs.Active = resource.Ptr("m"), resource.NewSecret("their-secret"), resource.Ptr(true)
	r.things["taken"] = theirs
	r.converge(wish("taken", thing{Secret: resource.NewSecret("our-secret")}))
	err := filepath.Walk(r.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s is %v", path, info.Mode())
			}
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		data, err := os.ReadFile(path)
		blob := strings.Contains(path, "/priors/") || strings.Contains(path, "/secrets/")
		if !blob && strings.Contains(string(data), "-secret") {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestInterruptedTouchIsUndone kills the process while it touches a thing that
// then leaves: it is taken away or given back although nothing shows of it.
func TestInterruptedTouchIsUndone(t *testing.T) {
	r := newRig(t)
	kill := func(steps int, rs ...resource.Resource) {
		t.Helper()
		r.steps = steps
		if !died(func() { r.apply(rs...) }) {
			t.Fatal("it was to die")
		}
		r.steps = 0
		r.took()
	}
	kill(1, wish("new", text("1"))) // before anything shows
	expect(t, "plan", told(r.plan()), "remove new (dropped)")
	r.converge()
	expect(t, "taken away", r.took(), "remove new")

	r.things["foreign"] = thing{Text: resource.Ptr("theirs"), Mode: resource.Ptr("0644"), Secret: resource.NewSecret(""), Active: resource.Ptr(false)}
	r.converge(wish("foreign", text("ours")))
	kill(2) // all that shows is as it was
	expect(t, "plan", told(r.plan()), "restore foreign (dropped)")
	r.took()
	r.converge()
	expect(t, "given back", r.took(), "apply foreign")
}

// A reader that took notice of a thing, and was killed before its own record said
// that it reads it, takes notice of the end of that thing all the same.
func TestRefreshIsOwedForWhatWasReadBeforeAKill(t *testing.T) {
	for dies := range 8 {
		for again := range 8 {
			r := newRig(t)
			r.dir = filepath.Join(t.TempDir(), "state")
			r.things["t0"] = text("theirs")
			r.converge(reader(resource.Restart))
			r.steps = dies + 1
			died(func() { r.apply(wish("t0", text("a")), reader(resource.Restart, "t0")) })
			r.steps = again + 1
			died(func() { r.apply(wish("t0", text("a")), reader(resource.Restart, "t0")) })
			r.steps = 0
			r.converge(reader(resource.Restart))
			if r.stale["reader"] {
				t.Errorf("killed at %d and %d: a refresh was forgotten", dies, again)
			}
		}
	}
}

// TestKilledAnywhere kills the process between any two steps of an apply, of which
// some are refused: the next runs converge, no refresh is forgotten, nothing half written is left, and
// what was taken over comes back in the end.
func TestKilledAnywhere(t *testing.T) {
	resourcetest.Repeatable()
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		r.dir = filepath.Join(t.TempDir(), "state")
		theirs := text("theirs")
		theirs.Mode, theirs.Secret, theirs.Active = resource.Ptr("m"), resource.NewSecret("s"), resource.Ptr(false)
		r.things["t0"] = theirs
		r.things["t1"] = theirs
		before := r.texts()
		var last []resource.Resource
		for round := range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			all := someWishes(rt, round)
			for _, w := range all[:len(all)-1] { // but for the reader
				r.broken[w.ID.Name] = rapid.IntRange(0, 5).Draw(rt, w.ID.Name+" is refused") == 0
			}
			r.steps = rapid.IntRange(0, 12).Draw(rt, "dies after")
			if died(func() { r.apply(all...) }) {
				if rapid.Bool().Draw(rt, "twice") {
					r.steps = rapid.IntRange(1, 6).Draw(rt, "dies again after")
					died(func() { r.apply(all...) })
				}
			}
			r.steps = 0
			clear(r.broken)
			if rapid.Bool().Draw(rt, "goes back") {
				all = last
			}
			last = all
			r.converge(all...)
			if r.stale["reader"] {
				rt.Fatal("a refresh was forgotten")
			}
			if len(r.half) > 0 {
				rt.Fatalf("half written and left behind: %v", r.half)
			}
		}
		r.converge()
		if diff := cmp.Diff(before, r.texts()); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func someWishes(rt *rapid.T, round int) []resource.Resource {
	var all []resource.Resource
	for i := range 4 {
		name := fmt.Sprintf("t%d", i)
		if rapid.Bool().Draw(rt, name) {
			all = append(all, wish(name, text(rapid.SampledFrom([]string{"a", "b", fmt.Sprint(round)}).Draw(rt, name+" text"))))
		}
	}
	var names []string
	for _, w := range all {
		names = append(names, w.ID.Name)
	}
	return append(all, reader(resource.Restart, names...))
}

func died(f func()) (dead bool) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, errKilled) {
				panic(p)
			}
			dead = true
		}
	}()
	f()
	return false
}
