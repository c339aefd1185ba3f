package findings

import (
	"strings"
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// nobody saw how and by whom anything was done.
func nobody(resource.ID) string { return "" }

// over is a pass over these things, of a plan that finds nothing but notes.
func over(s Scope, notes ...engine.Note) Pass {
	return Pass{Scope: s, Plan: &engine.Plan{Notes: notes}, Facts: policy.Facts{Traits: func(string) resource.Traits { return resource.Traits{} }}, How: nobody, By: nobody}
}

func at(ids ...resource.ID) Scope { return Scope{IDs: policy.Of(ids).IDs} }

func lines(all []status.Remark) string {
	var text []string
	for _, r := range all {
		text = append(text, r.String())
	}
	return strings.Join(text, "; ")
}

// Passes look at parts: each renews what is about it, and only that.
func TestRemarks(t *testing.T) {
	a1, b1 := resource.ID{Kind: "unit", Name: "a"}, resource.ID{Kind: "unit", Name: "b"}
	all := resource.ID{Kind: "chain"}
	whole := Scope{Whole: true}
	var f Findings
	for _, c := range []struct {
		what       string
		pass       Pass
		told, news string
	}{
		{"all", over(whole, engine.Note{ID: b1, Text: "old"}, engine.Note{ID: all, Text: "legacy"}), "legacy; b: old", "b: old; legacy"},
		{"a part", over(at(a1), engine.Note{ID: a1, Text: "new"}), "legacy; a: new; b: old", "a: new"},
		{"the same", over(at(a1), engine.Note{ID: a1, Text: "new"}), "legacy; a: new; b: old", ""},
		{"another part", over(at(b1)), "legacy; a: new", ""},
		{"one of a kind", over(at(resource.ID{Kind: "chain", Name: "ip/nat/X"})), "a: new", ""},
		{"all again", over(whole), "", ""},
	} {
		var n News
		if f, n = f.Seen(c.pass); lines(f.Remarks) != c.told || lines(n.Remarks) != c.news {
			t.Errorf("%s: %q, news %q instead of %q, %q", c.what, lines(f.Remarks), lines(n.Remarks), c.told, c.news)
		}
	}
}

// What somebody has just made so is told with their name, for as long as it is so.
func TestRemarksNameTheWriter(t *testing.T) {
	id := resource.ID{Kind: "chain", Name: "ip/filter/VPND-X"}
	first := over(Scope{Whole: true}, engine.Note{ID: id, Text: "overruled"})
	first.By = func(resource.ID) string { return "iptables (process 7)" }
	var f Findings
	for i, p := range []Pass{first, over(Scope{Whole: true}, engine.Note{ID: id, Text: "overruled"})} {
		var n News
		f, n = f.Seen(p)
		if got := lines(f.Remarks); got != "ip/filter/VPND-X: overruled (written by iptables (process 7))" {
			t.Errorf("%q", got)
		}
		if len(n.Remarks) != 1-i {
			t.Errorf("news of pass %d: %+v", i, n.Remarks)
		}
	}
}
