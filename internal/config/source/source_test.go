package source

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
)

// directory writes files below a new directory, and works there.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := configtest.Files(t, files)
	t.Chdir(dir)
	return dir
}

func read(t *testing.T, paths ...string) (string, string) {
	t.Helper()
	var told diag.List
	r := NewReader(NewTrust(nil, false), nil, nil, &told)
	var names []string
	for _, f := range r.Files(paths) {
		names = append(names, f.Name+" in "+f.Dir)
	}
	var said []string
	for _, d := range told.All() {
		said = append(said, d.Detail)
	}
	return strings.Join(names, ", "), strings.Join(said, "; ")
}

// Of a directory the files of the language are read, by their names and each once;
// hidden ones, those of editors and other directories are not.
func TestWhichFilesAreRead(t *testing.T) {
	dir := directory(t, map[string]string{
		"conf/b.hcl": "", "conf/a.hcl": "", "conf/c.hcl.json": "{}", "conf/.hidden.hcl": "((", "conf/a.hcl~": "((", "conf/notes.txt": "((", "conf/more.hcl/x.hcl": "((", "one": "",
	})
	for _, c := range []struct{ paths, names, said string }{
		{"conf", "conf/a.hcl in conf, conf/b.hcl in conf, conf/c.hcl.json in conf", ""},
		{"one conf/../one conf/b.hcl conf", "one in ., conf/b.hcl in conf, conf/a.hcl in conf, conf/c.hcl.json in conf", ""},
		{dir + "/one", "one in " + dir, ""},
		{"nowhere one", "one in .", "Reading nowhere: there is no such file or directory."},
		{"conf/more.hcl/x.hcl", "", "Either a quoted string block label or an opening brace (\"{\") is expected here."},
		{".", "", `. holds no file named *.hcl or *.hcl.json. "vpnd init" writes one to start from.`},
	} {
		names, said := read(t, strings.Fields(c.paths)...)
		if names != c.names || said != c.said && !(c.said != "" && strings.HasPrefix(c.said, "Either") && said != "") {
			t.Errorf("%s\n got %s\nwant %s\n%s", c.paths, names, c.names, said)
		}
	}
}

// Where a quote is missing, what follows is told apart by nobody: a value may pass for a
// name, and a name for a value. So all of it is blanked.
func TestBlanksBehindAMissingQuote(t *testing.T) {
	for name, text := range map[string]string{
		"the next line":   "open = \"hello\npsk  = \"hunter2\"\n",
		"a heredoc":       "open = \"hello\npsk = <<E\nhunter2\nE\n",
		"a list":          "open = \"hello\npsk = [\n  \"a\",\n  \"hunter2\",\n]\n",
		"of a secret":     "open = \"hello\"\npsk = \"a\nb = \"hunter2\"\nc = \"hunter2\"\n",
		"an odd number":   "open = \"hello\na = \"b\npsk = \"hunter2\"\n",
		"within a block":  "open = \"hello\"\ntun \"a {\n  psk = \"hunter2\"\n}\n",
		"within brackets": "open = [\"hello]\npsk = \"hunter2\"\n",
	} {
		directory(t, map[string]string{"a.hcl": text})
		var told diag.List
		r := NewReader(NewTrust(nil, false), map[string]bool{"psk": true}, nil, &told)
		r.Files([]string{"a.hcl"})
		if got := string(r.Texts["a.hcl"].Bytes); !told.HasErrors() || strings.Contains(got, "hunter2") || !strings.Contains(got, "hello") || strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}

// One broken file keeps nobody from hearing of the others.
func TestEveryBrokenFileIsTold(t *testing.T) {
	directory(t, map[string]string{"a.hcl": "((", "b.hcl": "tun {", "c.hcl": "x = 1\n", "d.hcl": "\x00", "e.hcl.json": "{"})
	names, said := read(t, ".")
	if names != "c.hcl in ." || strings.Count(said, ";") < 3 {
		t.Errorf("%s; %s", names, said)
	}
}

// Whoever could change a file is not obeyed, and asked of once where he may be.
func TestTrust(t *testing.T) {
	asked := make(map[string]int)
	ask := func(path string) error {
		asked[path]++
		if path == "theirs" {
			return errors.New("theirs is theirs")
		}
		return nil
	}
	var told diag.List
	strict := NewTrust(ask, false)
	for range 2 {
		if strict.Refuses(hcl.Range{}, "mine", &told) || !strict.Refuses(hcl.Range{}, "theirs", &told) {
			t.Error("mine is refused, or theirs is not")
		}
	}
	if strict.Strict() == nil || !told.HasErrors() || asked["mine"] != 1 {
		t.Errorf("%v; asked: %v", told.All(), asked)
	}
	var advised diag.List
	mild := NewTrust(ask, true)
	for range 2 {
		if mild.Refuses(hcl.Range{}, "theirs", &advised) {
			t.Error("it is refused although nothing is done with it")
		}
	}
	if all := advised.All(); mild.Strict() != nil || len(all) != 1 || all[0].Severity != hcl.DiagWarning || all[0].Detail != "Theirs is theirs." {
		t.Error(all)
	}
	if NewTrust(nil, false).Refuses(hcl.Range{}, "theirs", &told) {
		t.Error("where nobody is asked, something is refused")
	}
}

// Text that may be a secret is blanked in what a snippet shows, in a file that can't be
// parsed by the names of attributes alone; what is parsed keeps it.
func TestBlanks(t *testing.T) {
	directory(t, map[string]string{
		"good.hcl":   "psk = sensitive(\"hunter2\")\nopen = \"hello\"\nmore = sensitive(var.x)\n",
		"broken.hcl": "psk = [\"hunter2\", {\n  a = \"hunter2\"\n}]\nopen = \"hello\"\npsk = \"hunter2\n",
		"a.vars":     "anything = \"hunter2\nopen = \"hello\"\n",
		"late.vars":  "psk = \"hunter2\"\nopen = \"hello\"\n",
	})
	var told diag.List
	r := NewReader(NewTrust(nil, false), map[string]bool{"psk": true}, []string{"./a.vars"}, &told)
	files := r.Files([]string{"good.hcl", "broken.hcl"})
	if _, body := r.Values("a.vars"); body != nil {
		t.Error("a broken file has a body")
	}
	_, late := r.Values("late.vars")
	attrs, _ := late.JustAttributes()
	r.Texts.BlankCalls()
	r.Texts.Blank(attrs["psk"].Expr)
	if got := slices.Sorted(maps.Keys(r.Texts)); !slices.Equal(got, []string{"a.vars", "broken.hcl", "good.hcl", "late.vars"}) {
		t.Error(got)
	}
	for name, open := range map[string]bool{"good.hcl": true, "broken.hcl": true, "a.vars": false, "late.vars": true} {
		text := string(r.Texts[name].Bytes)
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "*******") || strings.Contains(text, "hello") != open {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if !strings.Contains(string(r.Texts["good.hcl"].Bytes), "sensitive(var.x)") {
		t.Error("a reference is blanked")
	}
	for expr, want := range map[*hcl.Attribute]string{attrs["psk"]: "hunter2", attrs["open"]: "hello"} {
		if v, _ := expr.Expr.Value(nil); v.AsString() != want {
			t.Errorf("%s is %#v", expr.Name, v)
		}
	}
	if len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
}

// A word is found wherever it may stand, and what can't be read may hold it.
func TestMentions(t *testing.T) {
	for _, c := range []struct {
		name, text string
		may        bool
	}{
		{"a.hcl", "vpnd {\n  interval = \"1m\"\n}\n", false},
		{"a.hcl", "vpnd {\n  state_dir = var.x\n}\n", true},
		{"a.hcl.json", `{"vpnd": {"interval": "1m"}}`, false},
		{"a.hcl.json", `{"vpnd": {"state_dir": "/x"}}`, true},
		{"a.hcl.json", `{"vpnd": {"st\u0061te_dir": "/x"}}`, true},
		{"a.txt", "state_dir", false},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Mentions([]string{dir}, "state_dir"); got != c.may {
			t.Errorf("%s, %s: %v", c.name, c.text, got)
		}
	}
	if !Mentions([]string{filepath.Join(t.TempDir(), "gone")}, "state_dir") {
		t.Error("nobody knows what a file says that is not there")
	}
}
