package report

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got != string(want) {
		t.Errorf("%s is not as expected (%v), but:\n%s", name, err, got)
	}
}

func text(write func(Text)) string {
	var b bytes.Buffer
	write(Text{W: &b})
	return b.String()
}

func goldenPlan(t *testing.T, name string, p *engine.Plan) {
	t.Helper()
	golden(t, name+".txt", text(func(w Text) { w.Long = true; w.Plan(p) }))
	golden(t, name+"-short.txt", text(func(w Text) { w.Plan(p) }))
	var b bytes.Buffer
	if err := WriteJSON(&b, ToJSON(p)); err != nil {
		t.Fatal(err)
	}
	golden(t, name+".json", b.String())
}

func value(s string) thing { return thing{Value: &s} }

func reads(name string, how resource.Effect) resource.Trigger {
	return resource.Trigger{On: id(name), Do: how}
}

// every is a host on which every action has a reason, and what it shall be.
func every(t *testing.T) (*rig, []resource.Resource) {
	r := newRig(t)
	r.host["taken"], r.host["given back"] = whole(), whole()
	r.host["given back"].Value = resource.Ptr("theirs")
	report := r.apply(
		wish(1, "configured", value("old")), wish(1, "drifted", value("set")), wish(1, "gone", value("set")), wish(1, "both", value("old")),
		wish(1, "dropped", thing{Value: resource.Ptr("old"), Active: resource.Ptr(true), Cost: resource.Ptr(resource.Restart)}),
		wish(1, "given back", value("ours")), wish(1, "old", value("same")), wish(1, "cut", value("old")),
		wish(1, "derived", thing{Derived: resource.Ptr(true)}), wish(1, "reader", thing{Active: resource.Ptr(true)}),
		wish(1, "debtor", thing{Active: resource.Ptr(true)}), wish(1, "stopped", thing{Active: resource.Ptr(true)}),
		wish(1, "quiet", value("same")),
	)
	if err := report.Failed(); err != nil {
		t.Fatal(err)
	}
	r.host["drifted"].Value, r.host["both"].Value = resource.Ptr("moved"), resource.Ptr("moved")
	delete(r.host, "gone")
	r.host["old"].Fresh, r.host["stopped"].Active = resource.Ptr(false), resource.Ptr(false)
	r.host["quiet"].Remark = resource.Ptr("another file wins at boot")
	cut, _ := r.Store.Record(id("cut"))
	cut.Open = true
	if err := r.Store.Commit(state.Fact{Put: &cut}, state.Fact{Owe: &state.PendingRefresh{ID: id("debtor"), Do: resource.Reload}}); err != nil {
		t.Fatal(err)
	}
	costly := value("new")
	costly.Cost = resource.Ptr(resource.Client)
	return r, []resource.Resource{
		wish(1, "new", value("first")),
		wish(3, "configured", costly),
		wish(5, "drifted", value("set")),
		wish(7, "gone", value("set")),
		wish(9, "both", value("new")),
		wish(11, "taken", value("ours")),
		wish(13, "old", value("same")),
		wish(15, "cut", value("new")),
		wish(17, "derived", thing{Derived: resource.Ptr(true)}, reads("configured", resource.Rebuild)),
		wish(19, "reader", thing{Active: resource.Ptr(true)}, reads("drifted", resource.Restart)),
		wish(21, "debtor", thing{Active: resource.Ptr(true)}),
		wish(23, "stopped", thing{Active: resource.Ptr(true)}),
		wish(25, "quiet", value("same")),
		wish(27, "unreadable", value("same")),
	}
}

func TestEveryActionAndReason(t *testing.T) {
	r, wishes := every(t)
	p := r.plan(wishes...)
	actions, reasons := make(map[engine.Action]bool), make(map[engine.Reason]bool)
	for _, c := range p.Changes {
		actions[c.Action], reasons[c.Reason] = true, true
	}
	if len(actions) != len(signs) || len(reasons) != 10 {
		t.Errorf("only these are shown: %v %v", actions, reasons)
	}
	goldenPlan(t, "every", p)
}

func TestDriftIsToldAsItHappened(t *testing.T) {
	r, wishes := every(t)
	p := r.plan(wishes...)
	moved := &engine.Plan{Problems: p.Problems, Notes: p.Notes}
	for _, c := range p.Changes {
		if c.IsDrift {
			moved.Changes = append(moved.Changes, c)
		}
	}
	golden(t, "drift.txt", text(func(w Text) { w.Long = true; w.Drift(moved) }))
	golden(t, "drift-short.txt", text(func(w Text) { w.Drift(moved) }))
}

func TestRollback(t *testing.T) {
	r, wishes := every(t)
	report := r.apply(wishes...)
	if err := report.Failed(); err != nil {
		t.Fatal(err)
	}
	snap, err := r.Store.Snapshot(report.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.PlanUndo(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "rollback.txt", text(func(w Text) { w.Long = true; w.Plan(p) }))
}

// values are attributes of every form, before and after.
func values() (before, after thing) {
	lines := func(from, to string) *string {
		s := "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n"
		s = strings.Replace(s, from, to, 1)
		return &s
	}
	long := strings.Repeat("0123456789", 60)
	before = thing{
		Text: lines("", ""), Value: resource.Ptr(long + " old"), Secret: resource.NewSecret("hush"),
		List:  []string{"-s 10.0.0.0/8 -j ACCEPT", "-s 10.1.0.0/16 -j DROP", "-j LOG --log-prefix \"a\tb\"", "-j RETURN"},
		Parts: []part{{Name: "kept", Body: resource.Ptr("same\n")}, {Name: "changed", Body: resource.Ptr("[Service]\nNice=1\n"), Key: resource.Ptr("k")}, {Name: "gone", Body: resource.Ptr("bye\n")}},
	}
	after = thing{
		Text: lines("five\n", "fünf\n\x1b[31mred\u202e\n"), Value: resource.Ptr(long + " new"), Secret: resource.NewSecret("hush hush"),
		List:  []string{"-s 10.0.0.0/8 -j ACCEPT", "-s 10.2.0.0/16 -j DROP", "-j LOG --log-prefix \"a\tb\"", "-j RETURN", "two\nlines"},
		Parts: []part{{Name: "kept", Body: resource.Ptr("same\n")}, {Name: "changed", Body: resource.Ptr("[Service]\nNice=2\n")}, {Name: "new", Body: resource.Ptr("hello\n")}},
	}
	return before, after
}

func TestValuesOfEveryForm(t *testing.T) {
	before, after := values()
	r := newRig(t)
	goldenPlan(t, "values-new", r.plan(wish(1, "new", before), wish(2, "empty", thing{Text: resource.Ptr(""), Value: resource.Ptr(""), List: []string{}, Parts: []part{}})))
	if err := r.apply(wish(1, "new", before)).Failed(); err != nil {
		t.Fatal(err)
	}
	goldenPlan(t, "values", r.plan(wish(1, "new", after)))
	goldenPlan(t, "values-empty", r.plan(wish(1, "new", thing{Text: resource.Ptr(""), Value: resource.Ptr(""), Secret: resource.NewSecret(""), List: []string{}, Parts: []part{}})))
}

func TestInvisibleDifferenceIsSaid(t *testing.T) {
	got := text(func(w Text) {
		w.diff(resource.Diff{Attribute: "text", Before: "a\n\x01", After: "a\n\x02", Text: true}, false)
	})
	if got != "      text:\n        what differs can't be shown\n" {
		t.Error(got)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || bytes.Contains(data, []byte("hush")) {
			t.Errorf("%s shows a secret, or %v", file, err)
		}
		if bytes.ContainsAny(data, "\x1b\u202e") && strings.HasSuffix(file, ".txt") {
			t.Errorf("%s commands the terminal", file)
		}
	}
}

func TestColour(t *testing.T) {
	r := newRig(t)
	var b bytes.Buffer
	w := Text{W: &b, Color: true}
	p := r.plan(wish(1, "new", value("x")))
	w.Plan(p)
	w.Report("apply", r.Engine.Apply(context.Background(), p))
	for _, painted := range []string{"\x1b[1mblock.new  vpn.hcl:1\x1b[0m", "\x1b[32m+\x1b[0m thing.new", "\x1b[32mDone: 1 change.\x1b[0m"} {
		if !strings.Contains(b.String(), painted) {
			t.Errorf("%q is not in %q", painted, b.String())
		}
	}
}

func TestNothingToDo(t *testing.T) {
	r := newRig(t)
	goldenPlan(t, "nothing", r.plan())
	goldenPlan(t, "unknown", r.plan(wish(1, "unreadable", value("x"))))
}

func TestApplyIsToldAsItHappens(t *testing.T) {
	r := newRig(t)
	needy := wish(3, "needy", value("x"))
	needy.After = []resource.ID{id("broken")}
	got := text(func(w Text) {
		r.Done = w.Done
		w.Report("destroy", r.apply(wish(1, "good", value("x")), wish(2, "broken", value("x")), needy))
		w.Report("rollback", engine.Report{Err: errors.New("the disk is full")})
	})
	golden(t, "apply.txt", got)
}

func TestCostOfAWholePlan(t *testing.T) {
	change := func(cost resource.Effect, active string) engine.Change {
		c := engine.Change{Action: engine.Update, Cost: cost}
		if before, after, ok := strings.Cut(active, ">"); ok {
			c.Diffs = []resource.Diff{{Attribute: "active", Before: before, After: after, Runs: true}}
		}
		return c
	}
	for want, changes := range map[string][]engine.Change{
		"nobody who is connected notices":                                  {change(resource.Rebuild, "")},
		"reloads the service":                                              {change(resource.Reload, ""), change(resource.None, "")},
		"disconnects one client":                                           {change(resource.Client, ""), change(resource.Reload, "")},
		"disconnects 2 clients":                                            {change(resource.Client, ""), change(resource.Client, "")},
		"re-establishes 2 tunnels":                                         {change(resource.Tunnel, ""), change(resource.Tunnel, "")},
		"disconnects everybody for a moment":                               {change(resource.Restart, "")},
		"starts 1 unit; nobody who is connected notices":                   {change(resource.None, "false>true")},
		"stops 1 unit; disconnects everybody":                              {change(resource.Restart, "true>false")},
		"stops 1 unit; starts 2 units; disconnects everybody for a moment": {change(resource.Restart, "true>"), change(resource.None, "false>true"), change(resource.None, ">true"), change(resource.Restart, "")},
	} {
		if got := total(&engine.Plan{Changes: changes}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for want, active := range map[string]string{
		"disconnects everybody of office-tcp-443 for a moment":                "",
		"stops 1 unit; disconnects everybody of office-tcp-443":               "true>false",
		"starts 1 unit; disconnects everybody of office-tcp-443 for a moment": ">true",
	} {
		one := change(resource.Restart, active)
		one.ID = resource.ID{Kind: "unit", Name: "office-tcp-443.service"}
		p := &engine.Plan{Changes: []engine.Change{one, change(resource.Reload, "")}, Spared: []resource.ID{{Kind: "unit", Name: "office.service"}}}
		if got := total(p); got != want {
			t.Errorf("where others go on: got %q, want %q", got, want)
		}
	}
}

// What an apply would void is said before anybody agrees to it.
func TestVoidIsSaid(t *testing.T) {
	p := &engine.Plan{Changes: []engine.Change{{ID: id("key"), Action: engine.Create, Reason: engine.Drift, IsDrift: true, Invalidates: "every certificate that it signed"}}}
	const want = "(drifted; a new one takes the place of what is lost, and every certificate that it signed is void then)"
	if got := text(func(w Text) { w.Plan(p) }); !strings.Contains(got, want) {
		t.Error(got)
	}
	if got := ToJSON(p).Drift[0].Invalidates; got != "every certificate that it signed" {
		t.Error(got)
	}
}

// On a terminal notes are wrapped, and what goes on stands below what began.
func TestNotesFitATerminal(t *testing.T) {
	p := &engine.Plan{Notes: []engine.Note{{ID: resource.ID{Kind: "chain", Name: "x"}, Text: strings.Repeat("word ", 20) + "end"}}}
	for _, width := range []int{0, 60} {
		var b strings.Builder
		Text{W: &b, Width: width}.Notes(p)
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if width == 0 && len(lines) != 1 || width > 0 && len(lines) != 3 {
			t.Errorf("%d columns: %q", width, lines)
		}
		for i, line := range lines {
			if width > 0 && len(line) > width || i > 0 && !strings.HasPrefix(line, "      ") {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
}
