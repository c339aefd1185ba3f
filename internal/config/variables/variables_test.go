package variables

import (
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/source"
)

func declared() map[string]*declare.Variable {
	all := make(map[string]*declare.Variable)
	for _, name := range []string{"env", "file", "flag", "default", "hush"} {
		all[name] = &declare.Variable{Name: name, Type: cty.String, Sensitive: name == "hush"}
	}
	return all
}

// A default yields to the environment, that to a file, a file to a later one, and all
// to the command line.
func TestTheLaterOverTheEarlier(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one", "file = \"one\"\nflag = \"one\"\nhush = \"hunter2\"\n")
	write("two", "file = \"two\"\n")
	var told diag.List
	reader := source.NewReader(source.NewTrust(nil, false), nil, []string{"one", "two"}, &told)
	given := Gather(declared(), From{
		Env:   []string{"VPND_VAR_env=env", "VPND_VAR_file=env", "VPND_VAR_flag=env", "VPND_VAR_nope=env", "env=no", "VPND_VAR_", "HOME=/root"},
		Files: []string{"one", "two"},
		Flags: map[string]string{"flag": "flag=1"},
	}, reader, &told)
	got := make(map[string]string)
	for name, g := range given {
		switch {
		case g.Text != nil:
			got[name] = *g.Text + " by " + g.By
		default:
			v, _ := g.Expr.Value(nil)
			got[name] = v.AsString() + " by " + g.Expr.Range().Filename
		}
	}
	want := map[string]string{"env": "env by VPND_VAR_env", "file": "two by two", "flag": "flag=1 by --var flag", "hush": "hunter2 by one"}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q instead of %q", name, got[name], w)
		}
	}
	if len(got) != len(want) || len(told.All()) > 0 {
		t.Errorf("%v %v", got, told.All())
	}
	if text := string(reader.Texts["one"].Bytes); strings.Contains(text, "hunter2") || !strings.Contains(text, `"one"`) {
		t.Errorf("a snippet would show\n%s", text)
	}
}

func TestUndeclared(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a", []byte("fiel = 1\nzzzzzzzz = 1\nblock {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var told diag.List
	Gather(declared(), From{Files: []string{"a"}, Flags: map[string]string{"flog": "1"}}, source.NewReader(source.NewTrust(nil, false), nil, nil, &told), &told)
	var said []string
	for _, d := range told.All() {
		said = append(said, d.Summary+": "+d.Detail)
	}
	want := []string{
		`Value for an undeclared variable: --var flog: there is no variable "flog". Did you mean "flag"?`,
		`Value for an undeclared variable: There is no variable "fiel". Did you mean "file"?`,
		`Value for an undeclared variable: There is no variable "zzzzzzzz". There is default, env, file, flag and hush.`,
		`Unexpected "block" block: Blocks are not allowed here.`,
	}
	if got := strings.Join(said, "\n"); got != strings.Join(want, "\n") {
		t.Error(got)
	}
}

// What is given as text is a word where a word is wanted, and else an expression
// that refers to nothing.
func TestRead(t *testing.T) {
	for _, c := range []struct {
		text string
		want cty.Type
		got  cty.Value
	}{
		{"[1", cty.String, cty.StringVal("[1")},
		{"5", cty.Number, cty.StringVal("5")},
		{"${x}", cty.DynamicPseudoType, cty.StringVal("${x}")},
		{`["a"]`, cty.List(cty.String), cty.TupleVal([]cty.Value{cty.StringVal("a")})},
		{`{a = 1 + 1}`, cty.Map(cty.Number), cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(2)})},
	} {
		v, problem := Given{Text: &c.text, By: "--var x"}.Read(&declare.Variable{Name: "x", Type: c.want})
		if problem != nil || !v.RawEquals(c.got) {
			t.Errorf("%s is %#v, %v", c.text, v, problem)
		}
	}
	for _, text := range []string{"[", "[a]", "[file(\"x\")]", strings.Repeat("[", 300), "[1e9999]"} {
		v, problem := Given{Text: &text, By: "--var x"}.Read(&declare.Variable{Name: "x", Type: cty.List(cty.String), Range: hcl.Range{Filename: "a.hcl"}})
		if problem == nil || v.IsKnown() || !strings.Contains(problem.Detail, `The value that --var x gives to variable "x" can't be read as list(string)`) || diag.Place(problem).Filename != "a.hcl" {
			t.Errorf("%.20s: %v", text, problem)
		}
		_, problem = Given{Text: &text, By: "--var x"}.Read(&declare.Variable{Name: "x", Type: cty.List(cty.String), Sensitive: true})
		if problem == nil || !strings.HasSuffix(problem.Detail, "written as in a file.") {
			t.Errorf("of a sensitive one: %v", problem)
		}
	}
}
