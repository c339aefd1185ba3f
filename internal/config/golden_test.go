package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

var update = flag.Bool("update", false, "rewrite what the golden files expect")

// cases returns the golden files: those of whole configurations, and below them, in
// diagnostics, one for each thing that can be wrong.
func cases(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*.txtar", "testdata/diagnostics/*.txtar"} {
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatal("no cases", pattern, err)
		}
		all = append(all, some...)
	}
	return all
}

// TestGolden reads each golden file: its files are the configuration, its comment may
// give variables, the environment and what the host says (see trialOf), and out is
// what is printed: the resources, and after them the diagnostics. With -update, out is
// written anew.
func TestGolden(t *testing.T) {
	for _, path := range cases(t) {
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
	tr := trialOf(string(archive.Comment))
	want := -1
	for i, f := range archive.Files {
		if f.Name == "out" {
			want = i
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.Name, []byte(tr.spell(string(f.Data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range tr.modes {
		mode, err := strconv.ParseUint(m[1], 8, 32)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(m[0], os.FileMode(mode)); err != nil {
			t.Fatal(err)
		}
	}
	got := tr.shorten(outcome(t, tr.Source))
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

// A trial is what a golden file asks for.
type trial struct {
	Source
	modes  [][2]string // of files that others may read
	repeat [][3]string // a word of the files, how often, and what it stands for
	tail   int         // how many lines of what is printed are looked at; 0 means all
}

// trialOf reads lines from a comment; others are prose:
//
//	--var NAME=VALUE, --var-file FILE, --env NAME=VALUE, --config PATHS, --credentials DIR
//	--distrust PATH     others than root could change it
//	--advise            which is a warning
//	--place PATH        others could have what is written there written elsewhere
//	--own PATH          it is the state of vpnd
//	--mode FILE MODE    the file has that mode instead of 0600
//	--repeat WORD N X   the word stands for so many times X, with the escapes of Go in
//	                    both; @i@ in X is which time it is, and @j@ the next one
//	--tail N            only the last lines of what is printed are looked at
func trialOf(comment string) trial {
	tr := trial{Source: Source{Paths: []string{"."}, Vars: make(map[string]string)}}
	told := make(map[string][]string)
	for line := range strings.Lines(comment) {
		flag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		told[flag] = append(told[flag], rest)
		switch flag {
		case "--var":
			name, text, _ := strings.Cut(rest, "=")
			tr.Vars[name] = text
		case "--config":
			tr.Paths = strings.Fields(rest)
		case "--credentials":
			tr.Credentials = rest
		case "--advise":
			tr.Advise = true
		case "--mode":
			file, mode, _ := strings.Cut(rest, " ")
			tr.modes = append(tr.modes, [2]string{file, mode})
		case "--repeat":
			words := append(strings.SplitN(rest, " ", 3), "")
			tr.repeat = append(tr.repeat, [3]string(words[:3]))
		case "--tail":
			tr.tail, _ = strconv.Atoi(rest)
		}
	}
	tr.VarFiles, tr.Env = told["--var-file"], told["--env"]
	tr.Trust = refuses(told["--distrust"], "%s belongs to somebody else; chown root %[1]s makes it good")
	tr.Place = refuses(told["--place"], "%s lies in a directory that others can write to; take one below /var/log")
	tr.Own = func(settings.Settings) func(path string) string {
		return func(path string) string {
			if slices.Contains(told["--own"], path) {
				return "the state of vpnd"
			}
			return ""
		}
	}
	return tr
}

// refuses returns what finds fault with these paths.
func refuses(paths []string, problem string) func(path string) error {
	return func(path string) error {
		if slices.Contains(paths, path) {
			return fmt.Errorf(problem, path)
		}
		return nil
	}
}

// spell writes out what is to be repeated.
func (tr trial) spell(text string) string {
	for _, r := range tr.repeat {
		n, _ := strconv.Atoi(r[1])
		all := strings.Repeat(unescaped(r[2]), n)
		for i := 0; strings.Contains(all, "@i@") || strings.Contains(all, "@j@"); i++ {
			all = strings.Replace(strings.Replace(all, "@i@", strconv.Itoa(i), 1), "@j@", strconv.Itoa(i+1), 1)
		}
		text = strings.ReplaceAll(text, unescaped(r[0]), all)
	}
	return text
}

func unescaped(word string) string {
	word, err := strconv.Unquote("\"" + strings.ReplaceAll(word, `"`, `\"`) + "\"")
	if err != nil {
		panic(err)
	}
	return word
}

// shorten returns the lines that are looked at.
func (tr trial) shorten(text string) string {
	lines := strings.SplitAfter(text, "\n")
	if tr.tail > 0 && len(lines) > tr.tail {
		lines = lines[len(lines)-tr.tail-1:]
	}
	return strings.Join(lines, "")
}

func outcome(t *testing.T, src Source) string {
	t.Helper()
	c, diags := Load(src, configtest.Catalog(), "0.3.0")
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
