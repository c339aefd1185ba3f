package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

func TestExplain(t *testing.T) {
	var out bytes.Buffer
	for _, path := range []string{"", "server", "server.keepalive", "server.network", "server.pki", "unit", "secret_file", "vpnd.metrics", "check", "variable", "dynamic"} {
		text, err := Explain(fakeCatalog(), path)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("== " + path + "\n" + text + "\n")
	}
	const golden = "testdata/explain.golden"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got:\n%s", out.String())
	}
}

func TestExplainSuggests(t *testing.T) {
	for path, want := range map[string]string{
		"servr":                 `there is no block "servr". Did you mean "server"?`,
		"server.keepalife":      `server has no attribute and no block "keepalife". Did you mean "keepalive"?`,
		"server.keepalive.pong": `server.keepalive has no attribute and no block "pong". Did you mean "ping"?`,
		"server.network.x":      `server.network is an attribute, so there is nothing below it`,
	} {
		if text, err := Explain(fakeCatalog(), path); err == nil || err.Error() != want {
			t.Errorf("%s: %v %s", path, err, text)
		}
	}
}

// What the daemon keeps and sends holds nothing of the source: in a file that
// can't be parsed nobody knows what is a secret there.
func TestBriefTellsNothingOfTheSource(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.hcl":      "file \"/a\" {\n content = \"password hunter2\"\n mode = \"0600\n}\n",
		"b.hcl":      "variable \"v\" {\n default = \"hunter2\"\n}\nfile \"/b\" {\n content = upper(var.v, \"hunter2\")\n mode = hunter2\n}\n",
		"c.hcl.json": `{"file": {"/c": {"content": hunter2}}}`,
	})
	for _, name := range []string{"a.hcl", "b.hcl", "c.hcl.json"} {
		_, diags := Load(Source{Paths: []string{filepath.Join(dir, name)}}, fakeCatalog(), "")
		text := Brief(diags)
		if !strings.Contains(text, "Error: ") || !strings.Contains(text, name+":") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

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
