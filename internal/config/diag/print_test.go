package diag

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/value"
)

func TestPrint(t *testing.T) {
	text := "a = \"x\x1b[31m\"\n\tb = 1\n"
	files := map[string]*hcl.File{"a.hcl": {Bytes: []byte(text)}}
	at := func(line, col, from, to int) *hcl.Range {
		return &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: line, Column: col, Byte: from}, End: hcl.Pos{Line: line, Column: col + to - from, Byte: to}}
	}
	diags := hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "One", Detail: "A text of several words that is long enough to be broken.", Subject: at(1, 5, 4, 12)},
		{Severity: hcl.DiagWarning, Summary: "Two", Subject: at(2, 2, 14, 15)},
		{Severity: hcl.DiagError, Summary: "Elsewhere", Subject: &hcl.Range{Filename: "gone.hcl", Start: hcl.Pos{Line: 7}}},
	}
	var out bytes.Buffer
	if err := Print(&out, diags, files, 40, false); err != nil {
		t.Fatal(err)
	}
	want := `Error: One
  a.hcl:1
  1 | a = "x·[31m"
    |     ^^^^^^^^

  A text of several words that is long
  enough to be broken.

Warning: Two
  a.hcl:2
  2 |  b = 1
    |  ^

Error: Elsewhere
  gone.hcl:7
`
	if out.String() != want {
		t.Errorf("got:\n%s", out.String())
	}
	out.Reset()
	if err := Print(&out, diags[1:2], files, 0, true); err != nil || !strings.Contains(out.String(), "\x1b[1;33mWarning\x1b[0m") {
		t.Errorf("%v %q", err, out.String())
	}
}

// What the references of an expression stand for is told, but no secret and nothing
// that fills the screen.
func TestPrintTellsValues(t *testing.T) {
	text := "a = [local.short, local.long, local.lines, local.number, local.list, local.hush, local.gone, local.later, local[\"x\"]] + 1\n"
	file, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	attrs, _ := file.Body.JustAttributes()
	_, diags = attrs["a"].Expr.Value(&hcl.EvalContext{Variables: map[string]cty.Value{"local": cty.ObjectVal(map[string]cty.Value{
		"short": cty.StringVal("a\tb"), "long": cty.StringVal(strings.Repeat("x", 61)), "lines": cty.StringVal("a\nb"), "number": cty.NumberIntVal(7),
		"list": cty.ListValEmpty(cty.String), "hush": cty.StringVal("hunter2").Mark(value.Sensitive), "later": cty.UnknownVal(cty.String), "x": cty.True,
	})}})
	var out bytes.Buffer
	if err := Print(&out, diags[:1], map[string]*hcl.File{"a.hcl": file}, 0, false); err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "    local") {
			told = append(told, strings.TrimSpace(line))
		}
	}
	want := []string{`local.short is "a\tb"`, "local.long is a long text", "local.lines is a long text", "local.number is 7", "local.list is a list", "local.hush is sensitive", `local["x"] is true`}
	if !slices.Equal(told, want) {
		t.Errorf("got:\n%s\n%s", strings.Join(told, "\n"), out.String())
	}
}

// Of a long line a part is shown, with the underline below what it means, and of a
// long expression its first lines.
func TestPrintClips(t *testing.T) {
	long := strings.Repeat("ä", 500) + "wrong" + strings.Repeat("x", 500) + "\n1\n2\n3\n4\n5\n"
	files := map[string]*hcl.File{"a.hcl": {Bytes: []byte(long)}}
	var out bytes.Buffer
	one := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Long", Subject: &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 1, Byte: 1000}, End: hcl.Pos{Line: 1, Byte: 1005}}}}
	if err := Print(&out, one, files, 0, false); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	word, mark := []rune(lines[2]), []rune(lines[3])
	if i := slices.Index(mark, '^'); len(lines[2]) > 420 || i < 0 || string(word[i:i+5]) != "wrong" || strings.Count(lines[3], "^") != 5 {
		t.Error(out.String())
	}
	out.Reset()
	many := hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Many", Subject: &hcl.Range{Filename: "a.hcl", Start: hcl.Pos{Line: 2, Byte: 1506}, End: hcl.Pos{Line: 9, Byte: 1600}}}}
	if err := Print(&out, many, files, 0, false); err != nil {
		t.Fatal(err)
	}
	if want := "Error: Many\n  a.hcl:2\n  2 | 1\n  3 | 2\n  4 | 3\n  5 | 4\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}
