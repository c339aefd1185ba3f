package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

var update = flag.Bool("update", false, "rewrite what the golden files expect")

// TestGolden reads each testdata/*.txtar: its files are the configuration,
// its comment may give variables and the environment, and out is what is
// printed: the resources, and after them the diagnostics.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range cases {
		abs, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			golden(t, abs)
		})
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	want := -1
	for i, f := range archive.Files {
		if f.Name == "out" {
			want = i
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := outcome(t, sourceOf(string(archive.Comment)))
	if *update {
		if want < 0 {
			want = len(archive.Files)
			archive.Files = append(archive.Files, txtar.File{Name: "out"})
		}
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 || got != string(archive.Files[want].Data) {
		t.Errorf("got:\n%s", got)
	}
}

// sourceOf reads lines such as "--var name=value" from a comment; others are
// prose.
func sourceOf(comment string) Source {
	src := Source{Paths: []string{"."}, Vars: make(map[string]string)}
	for line := range strings.Lines(comment) {
		flag, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch flag {
		case "--var":
			name, value, _ := strings.Cut(value, "=")
			src.Vars[name] = value
		case "--var-file":
			src.VarFiles = append(src.VarFiles, value)
		case "--config":
			src.Paths = strings.Fields(value)
		case "--credentials":
			src.Credentials = value
		case "--env":
			src.Env = append(src.Env, value)
		}
	}
	return src
}

func outcome(t *testing.T, src Source) string {
	t.Helper()
	c, diags := Load(src, fakeCatalog(), "0.3.0")
	if diags.HasErrors() && len(c.Desired.Present) > 0 {
		t.Error("there are errors, and yet something to apply")
	}
	var out bytes.Buffer
	for _, r := range c.Desired.Present {
		writeResource(&out, r)
	}
	for _, check := range c.Checks {
		if !diags.HasErrors() {
			writeCheck(&out, check)
		}
	}
	if err := diag.Print(&out, diags, c.Files, 78, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func writeCheck(out *bytes.Buffer, c settings.Check) {
	fmt.Fprintf(out, "check[%q]  %s:%d\n", c.Name, c.Range.Filename, c.Range.Start.Line)
	for _, d := range resource.Describe(&c) {
		fmt.Fprintf(out, "  %s = %s\n", d.Attribute, d.After)
	}
}

func writeResource(out *bytes.Buffer, r resource.Resource) {
	fmt.Fprintln(out, r.ID)
	for _, d := range resource.Describe(r.Want) {
		fmt.Fprintf(out, "  %s = %s\n", d.Attribute, strings.ReplaceAll(strings.TrimSuffix(d.After, "\n"), "\n", "\n    "))
	}
	for _, o := range r.Owners {
		fmt.Fprintf(out, "  for %s, %s:%d\n", o.Block, o.File, o.Line)
	}
	for _, id := range r.After {
		fmt.Fprintf(out, "  after %s\n", id)
	}
	for _, tr := range r.Triggers {
		fmt.Fprintf(out, "  %s on %s\n", tr.Do, tr.On)
	}
}
