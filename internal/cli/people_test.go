package cli

import (
	"bytes"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/transaction"
)

// Each event has its words: what was done on the standard output, what is asked or
// stands against it on the other.
func TestEachEventHasItsWords(t *testing.T) {
	motd, left := resource.ID{Kind: "file", Name: "/etc/motd"}, []resource.ID{}
	for range 8 {
		left = append(left, motd)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	damage := &state.DamageError{Path: "records.jsonl", What: "garbage", Out: "vpnd apply"}
	seen := map[string]bool{}
	for _, c := range []struct {
		event    transaction.Event
		out, err string
	}{
		{transaction.Planned{Plan: &engine.Plan{}}, "Nothing to do", ""},
		{transaction.Moved{}, "", "The host changed meanwhile"},
		{transaction.Agree{}, "", "Make these changes? Only yes"},
		{transaction.Keep{Until: at}, "", "At 03:04:05 everything is undone.\nKeep it? (yes or no): "},
		{transaction.Keep{}, "", "Keep it? (yes or no): "},
		{transaction.Reported{Plan: &engine.Plan{}, Report: engine.Report{Err: errors.New("no room")}}, "", "vpnd: no room\n"},
		{transaction.Watching{Probes: 3}, "", "by 3 probes that worked before"},
		{transaction.Fails{Failure: confirm.Failure{Err: errors.New("no answer")}}, "does not hold: no answer", ""},
		{transaction.Checked{Hold: 5, Fail: 1}, "Checks: 5 hold, 1 don't.", ""},
		{transaction.Applied{Engine: &engine.Engine{Store: new(state.Store)}, Report: engine.Report{Snapshot: "s"}}, "To undo this: vpnd rollback", ""},
		{transaction.Unconfirmed{Until: at}, "NOT CONFIRMED YET. At 03:04:05 everything is undone, unless you run: vpnd confirm --state-dir /state\n", ""},
		{transaction.Confirmed{Snapshot: "s"}, "Confirmed: the host stays as it is. To undo it after all: vpnd rollback s\n", ""},
		{transaction.Confirmed{Snapshot: "s", Elsewhere: true}, "Confirmed from elsewhere", ""},
		{transaction.Extended{Until: at}, "The deadline is now 03:04:05.", ""},
		{transaction.Extended{Until: at, Sooner: time.Minute}, "The deadline is now 03:04:05.", "1m from now would be sooner"},
		{transaction.Overdue{}, "Nobody confirmed the apply in time", ""},
		{transaction.Undoing{Why: errors.New("one\ntwo")}, "Undoing it: one, and more.", ""},
		{transaction.Incomplete{}, "", "vpnd: the undo is not complete"},
		{transaction.GoneBack{}, "UNDONE. The host is as it was before this apply.\n", ""},
		{transaction.GoneBack{Resumed: true}, "before this apply and the one before it, which was cut short.\n", ""},
		{transaction.GoneBack{Left: left[:1]}, `before this apply, but for what did not go back: file["/etc/motd"]. The notes above say why.`, ""},
		{transaction.GoneBack{Left: left}, "and 3 more. The notes", ""},
		{transaction.GoneBack{Elsewhere: true}, "unless its undo named something that it left out", ""},
		{transaction.Stuck{Snapshot: "s"}, "", "vpnd rollback s tries the rest again\n"},
		{transaction.Stuck{Snapshot: "s", Pending: true}, "", transaction.WayOut},
		{transaction.GivenUp{Tries: 30}, "", "vpnd: given up after 30 tries"},
		{transaction.Abandoned{}, "Given up: the host stays as it is now", ""},
		{transaction.Damaged{Damage: damage}, "", "records.jsonl"},
		{transaction.Mended{Damage: damage}, "", "records.jsonl was damaged: garbage; it is set aside as records.jsonl.damaged"},
		{transaction.Homeless{Err: errors.New("no room")}, "", "vpnd: making the directory of keys and profiles: no room"},
	} {
		name := reflect.TypeOf(c.event).Name()
		seen[name] = true
		var out, talk bytes.Buffer
		a := &app{terminal: terminal{Streams: Streams{In: &out, Out: &out, Err: &talk}}, root: "/elsewhere", stateDir: "/state"}
		(&people{app: a, dir: "/state"}).Tell(c.event)
		for _, s := range []struct{ said, want string }{{out.String(), c.out}, {talk.String(), c.err}} {
			if !strings.Contains(s.said, s.want) || s.want == "" && s.said != "" {
				t.Errorf("%s: said is %q instead of %q", name, s.said, s.want)
			}
		}
	}
	for _, name := range events(t) {
		if !seen[name] {
			t.Errorf("nobody knows what is said of %s", name)
		}
	}
}

// events are the names of all events.
func events(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../transaction/people.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.TypeSpec); ok {
			if _, ok := s.Type.(*ast.StructType); ok {
				names = append(names, s.Name.Name)
			}
		}
		return true
	})
	if len(names) < 20 {
		t.Fatalf("only %v are found", names)
	}
	return names
}
