package findings

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var (
	fileA = resource.ID{Kind: "file", Name: "/a"}
	fileB = resource.ID{Kind: "file", Name: "/b"}
)

// moved is a change that puts right what moved to such a text.
func moved(id resource.ID, to string) engine.Change {
	return engine.Change{ID: id, Action: engine.Update, Reason: engine.Drift, IsDrift: true, Diffs: []resource.Diff{{Attribute: "text", Before: to, After: "1"}}}
}

func asked(id resource.ID) engine.Change {
	return engine.Change{ID: id, Action: engine.Create, Reason: engine.New}
}

// A pass in a table: what its plan says, what the policy decided about all of it, and
// what became of that, where anything was done.
type step struct {
	what    string
	changes []engine.Change
	problem error // with observing /a
	decided status.Outcome
	became  map[resource.ID]error // nil where nothing was done
	set     func(*Pass)

	before string // the findings before anything was done
	after  string // and once it was
	news   string
}

// shown are findings in words.
func shown(f Findings) string {
	var words []string
	add := func(what string, id resource.ID, o status.Outcome, text string) {
		words = append(words, strings.TrimSuffix(fmt.Sprintf("%s %s %s (%s)", what, id.Name, o, text), " ()"))
	}
	for _, d := range f.Drift {
		add("drift", d.ID, d.Outcome, d.Error)
	}
	for _, p := range f.Pending {
		add("pending", p.ID, p.Outcome, p.Error)
	}
	for _, u := range f.Unknown {
		add("unknown", u.ID, "", u.Error)
	}
	for _, d := range f.Recent {
		add("recent", d.ID, d.Outcome, d.Error)
	}
	return strings.Join(words, "; ")
}

// told are news in words.
func told(n News) string {
	var words []string
	for _, d := range n.Drift {
		if n.New[d.ID] {
			words = append(words, "drifted "+d.ID.Name)
		}
	}
	for _, u := range n.Unknown {
		words = append(words, "unknown "+u.ID.Name)
	}
	for _, id := range n.Observed {
		words = append(words, "observed "+id.Name)
	}
	for _, id := range n.Healed {
		words = append(words, "healed "+id.Name)
	}
	return strings.Join(words, "; ")
}

func at0(hour int) time.Time { return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC) }

// Each table is a host over several passes.
func TestWhatIsFoundAndWhatIsNews(t *testing.T) {
	broken := map[resource.ID]error{fileA: errors.New("no room")}
	done := map[resource.ID]error{fileA: nil}
	one := func(c engine.Change) []engine.Change { return []engine.Change{c} }
	for name, steps := range map[string][]step{
		"drift that is repaired": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Repaired, became: done, before: "drift /a under way", after: "recent /a repaired", news: "drifted /a"},
			{what: "all is well", after: "recent /a repaired"},
			{what: "it moved again", changes: one(moved(fileA, "2")), decided: status.Repaired, became: done, before: "drift /a under way; recent /a repaired", after: "recent /a repaired; recent /a repaired", news: "drifted /a"},
		},
		"a repair that fails": {
			{what: "the first try", changes: one(moved(fileA, "2")), decided: status.Repaired, became: broken, before: "drift /a under way", after: "drift /a failed (no room)", news: "drifted /a"},
			{what: "it is too early for another", changes: one(moved(fileA, "2")), decided: status.Failed, became: map[resource.ID]error{}, set: func(p *Pass) { p.Failed = broken }, before: "drift /a failed (no room)", after: "drift /a failed (no room)"},
			{what: "the next try", changes: one(moved(fileA, "2")), decided: status.Repaired, became: done, before: "drift /a under way (no room)", after: "recent /a repaired"},
		},
		"an apply that ends early": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Repaired, became: map[resource.ID]error{}, before: "drift /a under way", after: "drift /a waits", news: "drifted /a"},
		},
		"drift that is left alone": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Reported, after: "drift /a reported", news: "drifted /a"},
			{what: "nothing new", changes: one(moved(fileA, "2")), decided: status.Reported, after: "drift /a reported"},
			{what: "it moved further", changes: one(moved(fileA, "3")), decided: status.Reported, after: "drift /a reported", news: "drifted /a"},
			{what: "it is treated otherwise", changes: one(moved(fileA, "3")), decided: status.Suppressed, after: "drift /a suppressed", news: "drifted /a"},
			{what: "a pass elsewhere", set: func(p *Pass) { p.Scope = at(fileB) }, after: "drift /a suppressed"},
			{what: "somebody put it right", news: "healed /a"},
		},
		"a change that the configuration asks for": {
			{what: "it is new", changes: one(asked(fileA)), decided: status.Repaired, became: broken, before: "pending /a under way", after: "pending /a failed (no room)"},
			{what: "once more", changes: one(asked(fileA)), decided: status.Repaired, became: done, before: "pending /a under way (no room)"},
		},
		"what a lost key stands for": {
			{what: "it is lost", changes: one(engine.Change{ID: fileA, IsDrift: true, Lacks: fileA, Invalidates: "all"}), decided: status.Protected, after: "drift /a protected (put it back, and all is well; vpnd apply makes a new one, and then all is void)", news: "drifted /a"},
			{what: "another thing needs it", changes: one(engine.Change{ID: fileB, IsDrift: true, Lacks: fileA}), decided: status.Waits, set: func(p *Pass) { p.Scope = at(fileB) }, after: `drift /a protected (put it back, and all is well; vpnd apply makes a new one, and then all is void); drift /b waits (until file["/a"] is put back)`, news: "drifted /b"},
		},
		"what can't be observed": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Reported, after: "drift /a reported", news: "drifted /a"},
			{what: "it is hidden", problem: errors.New("a directory"), after: "unknown /a  (a directory)", news: "unknown /a"},
			{what: "it is hidden still", problem: errors.New("a directory"), after: "unknown /a  (a directory)"},
			{what: "it is hidden otherwise", problem: errors.New("a device"), after: "unknown /a  (a device)", news: "unknown /a"},
			{what: "a pass elsewhere", set: func(p *Pass) { p.Scope = at(fileB) }, after: "unknown /a  (a device)"},
			{what: "it is there again", news: "observed /a"},
		},
		"another vpnd at work": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Waits, set: func(p *Pass) { p.Doubted = true }, after: "drift /a waits"},
			{what: "it has ended and left it so", changes: one(moved(fileA, "2")), decided: status.Reported, after: "drift /a reported", news: "drifted /a"},
		},
		"a pass in between": {
			{what: "it moved", changes: one(moved(fileA, "2")), decided: status.Reported, after: "drift /a reported", news: "drifted /a"},
			{what: "the one that waits has made it so", set: func(p *Pass) { p.Mended = done0(fileA) }},
		},
		"of a reader, only what is owed": {
			{what: "its file moved", changes: one(engine.Change{ID: fileA, Action: engine.Refresh, Reason: engine.Follows}), decided: status.Repaired, became: done},
			{what: "it missed that", changes: one(engine.Change{ID: fileA, Action: engine.Refresh, Reason: engine.Owed}), decided: status.Waits, after: "pending /a waits"},
		},
		"what starts later": {
			{what: "the host boots", changes: one(asked(resource.ID{Kind: "unit", Name: "u"})), decided: status.Waits, set: func(p *Pass) { p.Facts.Booting = true }},
			{what: "it is up", changes: one(asked(resource.ID{Kind: "unit", Name: "u"})), decided: status.Waits, after: "pending u waits"},
		},
	} {
		var f Findings
		for i, s := range steps {
			p := over(Scope{Whole: true})
			p.Begun, p.Plan.Changes, p.Decisions = at0(i), s.changes, make(policy.Decisions)
			p.Facts.Traits = func(kind string) resource.Traits { return resource.Traits{StartsLater: kind == "unit"} }
			for _, c := range s.changes {
				p.Decisions[c.ID] = policy.Decision{Outcome: s.decided}
			}
			if s.problem != nil {
				p.Plan.Problems = []engine.Problem{{ID: fileA, Err: s.problem}}
			}
			if s.set != nil {
				s.set(&p)
			}
			var n News
			f, n = f.Seen(p)
			if got := shown(f); s.became != nil && got != s.before {
				t.Errorf("%s, %s: before anything is done: %q instead of %q", name, s.what, got, s.before)
			}
			f, n = f.Acted(p, n, s.became)
			if got := shown(f); got != s.after {
				t.Errorf("%s, %s: %q instead of %q", name, s.what, got, s.after)
			}
			if got := told(n); got != s.news {
				t.Errorf("%s, %s: news %q instead of %q", name, s.what, got, s.news)
			}
		}
	}
}

func done0(id resource.ID) map[resource.ID]bool { return map[resource.ID]bool{id: true} }

// Drift that stays keeps the record of how it came; who wrote it since is named
// behind.
func TestTheFirstRecordOfADriftStays(t *testing.T) {
	var f Findings
	for i, by := range []string{"evil", "", "worse", "evil"} {
		p := over(Scope{Whole: true})
		p.Begun, p.How, p.By = at0(i), func(resource.ID) string { return fmt.Sprint("way ", i) }, func(resource.ID) string { return by }
		p.Plan.Changes = []engine.Change{moved(fileA, fmt.Sprint(i))}
		p.Decisions = policy.Decisions{fileA: {Outcome: status.Reported}}
		var n News
		f, n = f.Seen(p)
		f, _ = f.Acted(p, n, nil)
	}
	if d := f.Drift[0]; !d.Since.Equal(at0(0)) || d.Noticed != "way 0" || d.By != "evil, then worse" {
		t.Errorf("%+v", d)
	}
}

// A pass leaves what another one has seen since as that one tells it.
func TestAPassLeavesToAnotherWhatThatHasSeenSince(t *testing.T) {
	outer := over(Scope{Whole: true})
	outer.Plan.Changes = []engine.Change{moved(fileA, "2"), moved(fileB, "2")}
	outer.Decisions = policy.Decisions{fileA: {Outcome: status.Repaired}, fileB: {Outcome: status.Repaired}}
	f, news := Findings{}.Seen(outer)
	inner := over(at(fileA))
	inner.Plan.Changes = []engine.Change{moved(fileA, "2")}
	inner.Decisions = policy.Decisions{fileA: {Outcome: status.Flapping}}
	f, n := f.Seen(inner)
	f, _ = f.Acted(inner, n, nil)
	outer.Scope = outer.Scope.Without(inner.Scope)
	news.Drift = news.Drift[1:]
	if f, _ = f.Acted(outer, news, map[resource.ID]error{fileB: nil}); shown(f) != "drift /a flapping; recent /b repaired" {
		t.Error(shown(f))
	}
}

// The findings that a pass begins with stay as they were: they are values.
func TestFindingsAreValues(t *testing.T) {
	p := over(Scope{Whole: true})
	p.Plan.Changes, p.Decisions = []engine.Change{moved(fileA, "2")}, policy.Decisions{fileA: {Outcome: status.Repaired}}
	first, n := Findings{Due: map[resource.ID]time.Time{fileB: at0(1)}}.Seen(over(at(fileA)))
	seen, n2 := first.Seen(p)
	_, _ = seen.Acted(p, n2, map[resource.ID]error{fileA: nil})
	_, due := first.TakeDue(at0(2))
	if shown(first) != "" || told(n) != "" || shown(seen) != "drift /a under way" || len(seen.Known) != 1 || len(due) != 1 || len(first.Due) != 1 {
		t.Errorf("%q, %q, %+v, %v", shown(first), shown(seen), seen.Known, first.Due)
	}
}
