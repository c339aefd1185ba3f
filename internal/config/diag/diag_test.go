package diag

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

func at(file string, line int) hcl.Range {
	return hcl.Range{Filename: file, Start: hcl.Pos{Line: line, Column: 1, Byte: 10 * line}, End: hcl.Pos{Line: line, Column: 5, Byte: 10*line + 4}}
}

// An error of Go becomes a sentence; the name of a file keeps its letters.
func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"it is empty":                  "It is empty.",
		"It is empty.":                 "It is empty.",
		"is it empty?":                 "Is it empty?",
		"reading x: no":                "Reading x: no.",
		"über uns":                     "Über uns.",
		"a.hcl belongs to somebody":    "a.hcl belongs to somebody.",
		"/etc/vpnd is not root's":      "/etc/vpnd is not root's.",
		"vpnd-1 is no name":            "vpnd-1 is no name.",
		"write one of these: a, b, c:": "Write one of these: a, b, c:",
	} {
		if got := Sentence(errors.New(in)); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestMistake(t *testing.T) {
	for _, c := range []struct {
		m    resource.Mistake
		want string
	}{
		{resource.Mistake{Summary: "the name is too long", Hint: "take a shorter one"}, "error In tun.t: the name is too long / Take a shorter one."},
		{resource.Mistake{Path: "mode", Summary: "no mode", Hint: "Write tun or tap."}, "error In tun.t, mode: no mode / Write tun or tap."},
		{resource.Mistake{Path: "mtu", Summary: "it is small", Warning: true}, "warning In tun.t, mtu: it is small / "},
	} {
		d := Mistake(c.m, "tun.t", at("a.hcl", 3))
		severity := map[hcl.DiagnosticSeverity]string{hcl.DiagError: "error", hcl.DiagWarning: "warning"}[d.Severity]
		if got := fmt.Sprintf("%s %s / %s", severity, d.Summary, d.Detail); got != c.want || Where(Place(d)) != "a.hcl:3" {
			t.Errorf("%s at %s", got, Where(Place(d)))
		}
	}
}

// What is told is in the order of the files, each thing once.
func TestListIsInOrder(t *testing.T) {
	var l List
	l.Error(at("b.hcl", 1), "Third", "")
	l.Error(at("a.hcl", 9), "Second", "")
	l.Error(at("a.hcl", 9), "Second", "")
	l.Error(at("a.hcl", 2), "First", "")
	l.Error(hcl.Range{}, "Without a place", "")
	l.Tell(Warning(at("a.hcl", 9), "Second", ""))
	if got := summaries(l.All()); got != "Without a place, First, Second, Second, Third" {
		t.Error(got)
	}
	if !l.TellOf(at("a.hcl", 2)) || l.TellOf(at("a.hcl", 3)) || l.TellOf(at("c.hcl", 2)) {
		t.Error("which places were told of is not known")
	}
}

func summaries(diags hcl.Diagnostics) string {
	var all []string
	for _, d := range diags {
		all = append(all, d.Summary)
	}
	return strings.Join(all, ", ")
}

// Of more than anybody reads the rest is counted, but an error is told where warnings
// came before it.
func TestListIsNoLongerThanAnybodyReads(t *testing.T) {
	var l List
	for i := range Most + 4 {
		l.Tell(Warning(at("a.hcl", i), "Warned", ""))
	}
	last := func() *hcl.Diagnostic { all := l.All(); return all[len(all)-1] }
	if d := last(); d.Severity != hcl.DiagWarning || d.Summary != "More warnings" || d.Detail != "There are 4 more; mend these first." || len(l.All()) != Most+1 {
		t.Errorf("%d, the last: %+v", len(l.All()), d)
	}
	l.Error(at("a.hcl", 0), "Wrong", "")
	l.Error(at("a.hcl", 0), "Counted", "")
	if d := last(); d.Severity != hcl.DiagError || d.Summary != "More mistakes" || d.Detail != "There are 5 more; mend these first." {
		t.Errorf("%+v", d)
	}
	if got := summaries(l.All()); !strings.Contains(got, "Wrong") || strings.Contains(got, "Counted") {
		t.Error(got)
	}
	if got := l.Suggest("a", func() []string { t.Error("names were gathered for nobody"); return nil }); got != "" {
		t.Error(got)
	}
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		given, names, want string
	}{
		{"adresses", "addresses mtu", ` Did you mean "addresses"?`},
		{"MTU", "addresses mtu", ` Did you mean "mtu"?`},
		{"zzzzzz", "b a c", " There is a, b and c."},
		{"zzzzzz", "a", " There is a."},
		{"zzzzzz", "a b c d e f g h i", ""},
		{"zzzzzz", "", ""},
	} {
		if got := Suggest(c.given, strings.Fields(c.names)); got != c.want {
			t.Errorf("%s of %s: %q", c.given, c.names, got)
		}
	}
	for noun, want := range map[string]string{"tun": "A tun", "openvpn_server": "An openvpn_server", "unit": "A unit", "ipsec": "An ipsec"} {
		if got := A(noun); got != want {
			t.Errorf("%s: %s", noun, got)
		}
	}
}

// What HCL says of names that do not exist gets the words of vpnd and a way out.
func TestUnknown(t *testing.T) {
	schema := &hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "mode"}, {Name: "needed", Required: true}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "route"}},
	}
	for text, want := range map[string]string{
		"needed = 1\nmoode = 1\n":                `Unknown attribute: An attribute named "moode" is not expected here. Did you mean "mode"?`,
		"needed = 1\nzzzzzzzz = 1\n":             `Unknown attribute: An attribute named "zzzzzzzz" is not expected here. "vpnd explain tun" lists what there is.`,
		"needed = 1\nruote {}\n":                 `Unknown block: Blocks of type "ruote" are not expected here. Did you mean "route"?`,
		"mode = 1\n":                             `Missing attribute: There has to be needed. "vpnd explain tun" tells what it is.`,
		"needed = 1\nroute = 1\n":                `Unknown attribute: An attribute named "route" is not expected here. Did you mean to define a block of type "route"?`,
		"needed = 1\nmode = 1\nroute \"a\" {}\n": `Extraneous label for route: No labels are expected for route blocks.`,
	} {
		f, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = f.Body.Content(schema)
		d := Unknown(diags, "tun", schema)[0]
		if got := d.Summary + ": " + d.Detail; got != want {
			t.Errorf("%q\n got %s\nwant %s", text, got, want)
		}
	}
}

// What went wrong with an expression is not told where it holds a secret, for a
// function quotes its arguments. Where it holds none, it is.
func TestRedact(t *testing.T) {
	hush := cty.StringVal("hunter2").Mark(value.Sensitive)
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{
		"hush":  hush,
		"deep":  cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{hush}), "b": cty.StringVal("b")}),
		"plain": cty.StringVal("plain"),
	}}
	for text, told := range map[string]bool{
		"hush + 1":          false,
		"deep.a[0] + 1":     false,
		"deep.nope":         false, // the whole is shown
		"deep.b + 1":        true,
		"plain + 1":         true,
		"sensitive(1)":      true, // there is no such function here: nothing has a value
		"[sensitive(1)]":    false,
		"credential(\"a\")": true,
	} {
		expr, diags := hclsyntax.ParseExpression([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		_, diags = expr.Value(ctx)
		if !diags.HasErrors() {
			t.Fatalf("%s: nothing is wrong with it", text)
		}
		diags[0].Expression, diags[0].EvalContext = expr, ctx
		if text == "sensitive(1)" || text == `credential("a")` {
			diags[0].Summary = "Error in function call"
		}
		d := Polish(diags)[0]
		hidden := strings.HasPrefix(d.Detail, "This expression holds a sensitive value") && d.Expression == nil
		if hidden == told {
			t.Errorf("%s: %s", text, d.Detail)
		}
	}
}

// Of two places the one that comes later in the files is told, and the other named:
// which was found first says nothing.
func TestInOrder(t *testing.T) {
	for _, c := range []struct {
		a, b  hcl.Range
		later string
	}{
		{at("a.hcl", 1), at("a.hcl", 2), "a.hcl:2"},
		{at("a.hcl", 2), at("a.hcl", 1), "a.hcl:2"},
		{at("a.hcl", 9), at("b.hcl", 1), "b.hcl:1"},
		{at("b.hcl", 1), at("a.hcl", 9), "b.hcl:1"},
	} {
		if later, earlier := InOrder(c.a, c.b); Where(later) != c.later || later == earlier {
			t.Errorf("%s and %s: the later one is %s", Where(c.a), Where(c.b), Where(later))
		}
	}
}
