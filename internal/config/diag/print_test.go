package diag

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
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
