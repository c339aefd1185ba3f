package eval

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/source"
	"vpnd/internal/config/variables"
	"vpnd/internal/resource"
)

// run evaluates a text and returns what was told, a line each.
func run(t *testing.T, text string, env Environment) (Result, string) {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var told diag.List
	env.Catalog, env.Effort = configtest.Catalog(), new(effort.Effort)
	dir := env.Credentials // where the files of a test are
	d := declare.Read([]source.File{{Name: "a.hcl", Dir: dir, Body: f.Body}}, env.Catalog, &told)
	r := Run(d, env, &told)
	var said []string
	for _, d := range told.All() {
		said = append(said, fmt.Sprintf("%d %s: %s", diag.Place(d).Start.Line, d.Summary, d.Detail))
	}
	return r, strings.Join(said, "\n")
}

func blockOf(t *testing.T, r Result, kind, name string) Block {
	t.Helper()
	for _, b := range r.Blocks {
		if b.ID == (resource.ID{Kind: kind, Name: name}) {
			return b
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return Block{}
}

func content(t *testing.T, r Result, name string) string {
	t.Helper()
	f := blockOf(t, r, "file", name).Shape.(*configtest.File)
	if f.Content == nil {
		return "(nothing)"
	}
	return *f.Content
}

// What refers to something has its value, whatever stands first; and what a block
// refers to, itself or by way of local values, it comes after.
func TestReferencesAreTheOrder(t *testing.T) {
	r, said := run(t, `
file "/a" {
  content    = "${local.far} ${tun["t"].mtu} ${var.v}"
  depends_on = [unit.u]
  on_change  = [unit.u]
}
locals {
  far  = "<${local.near}>"
  near = file["/b"].content
}
file "/b" {
  content = tun.t.id
}
tun "t" {
  mtu = 1400
}
unit "u" {}
variable "v" {
  default = "x"
}
`, Environment{})
	if said != "" {
		t.Fatal(said)
	}
	if got := content(t, r, "/a"); got != "<tun.t> 1400 x" {
		t.Error(got)
	}
	a := blockOf(t, r, "file", "/a")
	if got := fmt.Sprint(a.After, a.DependsOn, a.OnChange[0].Block, a.OnChange[0].Range.Start.Line); got != `[file["/b"] tun.t unit.u] [unit.u] unit.u 5` {
		t.Error(got)
	}
	if got := fmt.Sprint(blockOf(t, r, "file", "/b").After); got != "[tun.t]" {
		t.Error(got)
	}
}

// A reference without a name means all there are; a block that asks for all of its own
// type does not mean itself.
func TestAllThereAre(t *testing.T) {
	r, said := run(t, `
variable "x" {
  default = "v"
}
locals {
  a = "l"
}
dynamic "tun" {
  for_each = { two = 2, one = 1 }
  labels   = [tun.key]
  content {
    mtu = tun.value
  }
}
file "/all" {
  content = "${join(",", keys(tun))} ${join(",", values(var))} ${join(",", keys(file))}"
}
file "/locals" {
  content = join(",", values(local))
}
`, Environment{})
	if got := content(t, r, "/all") + "; " + content(t, r, "/locals"); got != "one,two v /locals; l" || said != "" {
		t.Errorf("%s\n%s", got, said)
	}
}

// A mistake is told once, where it is, and not again by all that refer to it; blocks
// without a value are marked.
func TestMistakesAreToldOnce(t *testing.T) {
	r, said := run(t, `
tun "t" {
  mtu = "big"
}
locals {
  l = tun.t.mtu
}
file "/a" {
  content = local.l
}
file "/b" {
  content = file["/a"].content
}
dynamic "sysctl" {
  for_each = [local.l]
  labels   = [sysctl.value]
  content {
    value = "1"
  }
}
file "/c" {
  content = sysctl.later.value
}
file "/d" {
  content = "fine"
}
`, Environment{})
	if want := `3 Unsuitable value: mtu wants a whole number, as in mtu = 10; "big" is not.`; said != want {
		t.Error(said)
	}
	for name, failed := range map[string]bool{"/a": true, "/b": true, "/c": true, "/d": false} {
		if blockOf(t, r, "file", name).Failed != failed {
			t.Errorf("%s has failed: %v", name, !failed)
		}
	}
}

// What comes back to where it began is told with the whole way, and ends.
func TestCircles(t *testing.T) {
	for text, want := range map[string]string{
		"locals {\n  a = local.a\n}\n":                                                               "2 Reference to itself: local.a refers to itself. Put what both places need into a local or a variable.",
		"locals {\n  a = local.b\n  b = local.c\n  c = local.a\n}\n":                                 "4 References in a circle: Each of these needs the next one first: local.a (a.hcl:2) → local.b (a.hcl:3) → local.c (a.hcl:4) → local.a. Take one of the references out; what both sides need can be a local or a variable.",
		"tun \"t\" {\n  mtu = file[\"/a\"].mode\n}\nfile \"/a\" {\n  mode = tun.t.mtu\n}\n":          "5 References in a circle: Each of these needs the next one first: tun.t (a.hcl:1) → file[\"/a\"] (a.hcl:4) → tun.t. Take one of the references out; what both sides need can be a local or a variable.",
		"dynamic \"tun\" {\n  for_each = tun.t.addresses\n  labels = [tun.value]\n  content {}\n}\n": "2 Reference to itself: dynamic.tun refers to itself. Put what both places need into a local or a variable.",
		"file \"/a\" {\n  depends_on = [file[\"/a\"]]\n}\n":                                          "2 Reference to itself: file[\"/a\"] refers to itself. Put what both places need into a local or a variable.",
	} {
		_, said := run(t, text, Environment{})
		if first, _, _ := strings.Cut(said, "\n"); first != want {
			t.Errorf("%s\n got %s\nwant %s", text, said, want)
		}
	}
}

func TestReferencesToNothing(t *testing.T) {
	for expr, want := range map[string]string{
		"var.uplnk":           `Reference to an undeclared variable: There is no variable "uplnk". Did you mean "uplink"?`,
		"var.somethingelse":   `Reference to an undeclared variable: There is no variable "somethingelse". There is uplink.`,
		"local.offce":         `Reference to an undeclared local value: There is no local value "offce". Did you mean "office"?`,
		"tun.tun1.mtu":        `Reference to an undeclared block: There is no block tun "tun1". Did you mean "tun0"?`,
		"unit.a.active":       `Reference to an undeclared block: There is no block unit "a". There is no unit block at all.`,
		"tun.tun0.mtuu":       `Reference to an unknown attribute: tun.tun0 has no attribute "mtuu". Did you mean "mtu"?`,
		"tun.tun0.zzzzzzzzzz": `Reference to an unknown attribute: tun.tun0 has no attribute "zzzzzzzzzz". There is addresses, id, mode, mtu, name and up.`,
		"tunn.tun0.mtu":       `Reference to an unknown name: There is nothing named "tunn": a reference begins with var, local or the type of a block. Did you mean "tun"? If it is text, such as the name of a host, put it in quotes.`,
	} {
		_, said := run(t, "variable \"uplink\" {\n  default = 1\n}\nlocals {\n  office = 1\n}\ntun \"tun0\" {}\nfile \"/a\" {\n  content = "+expr+"\n}\n", Environment{})
		if said != "9 "+want {
			t.Errorf("%s\n got %s\nwant 9 %s", expr, said, want)
		}
	}
	_, said := run(t, "variable \"a\" {\n  default = var.b\n}\nfile \"/a\" {\n  content = var.zzzzz\n}\nfile \"/b\" {\n  on_change = [unit.nope]\n}\n", Environment{})
	if !strings.Contains(said, "2 Variables not allowed") || !strings.Contains(said, `5 Reference to an undeclared variable: There is no variable "zzzzz". There is a.`) || !strings.Contains(said, `8 Reference to an undeclared block: There is no block unit "nope". There is no unit block at all.`) {
		t.Error(said)
	}
	if _, said := run(t, "file \"/a\" {\n  content = var.v\n}\n", Environment{}); said != `2 Reference to an undeclared variable: There is no variable "v". Declare it: variable "v" {}.` {
		t.Error(said)
	}
}

// A variable has what is given, of the type that it wants, with the defaults of that,
// and meets its conditions.
func TestVariables(t *testing.T) {
	text := func(s string) variables.Given { return variables.Given{Text: &s, By: "--var v"} }
	expr := func(s string) variables.Given {
		e, diags := hclsyntax.ParseExpression([]byte(s), "a.vars", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return variables.Given{Expr: e}
	}
	for _, c := range []struct {
		variable string
		given    variables.Given
		want     string
	}{
		{`default = "d"`, variables.Given{}, `"d"`},
		{`default = upper("d")`, variables.Given{}, `"D"`},
		{`default = "d"`, text("g"), `"g"`},
		{`type = number`, text("5"), "5"},
		{`type = list(number)`, text("[1, 2]"), "[1,2]"},
		{`type = list(string)`, expr(`["a", 1]`), `["a","1"]`},
		{`type = object({ a = optional(number, 7), b = string })`, expr(`{ b = "x" }`), `{"a":7,"b":"x"}`},
		{`type = number`, text("many"), "1 Unsuitable value: variable \"v\" (given by --var v) wants number: a number is required."},
		{`type = number`, expr(`"many"`), "1 Unsuitable value: variable \"v\" wants number: a number is required."},
		{"type = bool\n default = \"perhaps\"", variables.Given{}, "3 Unsuitable value: variable \"v\" wants bool: a bool is required."},
		{``, variables.Given{}, "1 Variable without a value: variable \"v\" has no default, so it has to be given: on the command line with --var v=…, in a file with --var-file, or in the environment as VPND_VAR_v."},
		{"type = number\n validation {\n condition = var.v > local.least\n error_message = \"${var.v} is less than ${local.least}.\"\n }", text("1"), "1 Unsuitable value: variable \"v\": 1 is less than 5."},
		{"type = number\n validation {\n condition = var.v > local.least\n error_message = \"no\"\n }", text("6"), "6"},
	} {
		r, said := run(t, "variable \"v\" {\n "+c.variable+"\n}\nlocals {\n  least = 5\n}\nfile \"/a\" {\n  content = jsonencode(var.v)\n}\n", Environment{Given: map[string]variables.Given{"v": c.given}})
		got := said
		if got == "" {
			got = content(t, r, "/a")
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.variable, got, c.want)
		}
	}
}

// A secret goes where secrets may go, and nowhere else.
func TestSecretsStayWhereTheyMay(t *testing.T) {
	head := "variable \"psk\" {\n  default = \"hunter2hunter2\"\n  sensitive = true\n}\nlocals {\n  made = \"psk: ${var.psk}\"\n}\n"
	r, said := run(t, head+"secret_file \"/a\" {\n  content = local.made\n}\nsecret_file \"/b\" {\n  content = secret_file[\"/a\"].content\n}\n", Environment{})
	if s := blockOf(t, r, "secret_file", "/b").Shape.(*configtest.SecretFile); said != "" || s.Content.Reveal() != "psk: hunter2hunter2" {
		t.Error(said)
	}
	for body, want := range map[string]string{
		"content = local.made":                  "content is shown in plans and kept in the state, so it can't hold a sensitive value. What may hold one: content of a secret_file. If it is no secret, say so: nonsensitive(…).",
		"content = secret_file[\"/a\"].content": "content is shown in plans and kept in the state, so it can't hold a sensitive value. What may hold one: content of a secret_file. If it is no secret, say so: nonsensitive(…).",
		"mode = tonumber(var.psk)":              "This expression holds a sensitive value, so what is wrong with it is not shown: it might tell the value.",
	} {
		_, said := run(t, head+"secret_file \"/a\" {\n  content = local.made\n}\nfile \"/c\" {\n  "+body+"\n}\n", Environment{})
		if !strings.HasSuffix(said, want) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %s", body, said)
		}
	}
}

// The settings and checks have their values, with what they refer to.
func TestSettingsAndChecks(t *testing.T) {
	r, said := run(t, `
locals {
  port = 1194
}
tun "t" {}
vpnd {
  interval = "1m"
  required_version = ">= 2"
  metrics {
    listen = "127.0.0.1:${local.port}"
  }
}
dynamic "check" {
  for_each = ["a", "b"]
  labels   = [check.value]
  content {
    tunnel  = tun.t.name
    timeout = check.value == "a" ? "1s" : null
  }
}
`, Environment{StateDir: "/elsewhere", Version: "1.0.0"})
	if want := "8 Another version of vpnd is wanted: This is vpnd 1.0.0, and the configuration asks for >= 2. Install such a version, or change required_version."; said != want {
		t.Error(said)
	}
	s := r.Settings
	if s.Interval.String() != "1m" || *s.StateDir != "/elsewhere" || *s.Metrics.Listen != "127.0.0.1:1194" || *s.Mode != "enforce" || r.SettingsAt["metrics.listen"].Start.Line != 10 {
		t.Errorf("%+v", s)
	}
	if c := r.Checks; len(c) != 2 || c[0].Name != "a" || *c[0].Tunnel != "t" || c[0].Timeout.String() != "1s" || c[1].Timeout.String() != "5s" || c[1].Range.Start.Line != 13 {
		t.Errorf("%+v", c)
	}
}

// Files are read beside the file that names them, and not where others could change
// them.
func TestFilesBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"mine": "mine", "theirs": "theirs"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust := func(path string) error {
		if filepath.Base(path) == "theirs" {
			return fmt.Errorf("%s is theirs", path)
		}
		return nil
	}
	r, said := run(t, "file \"/a\" {\n  content = file(\"mine\")\n}\nfile \"/b\" {\n  source = \"mine\"\n}\nfile \"/c\" {\n  source = \"theirs\"\n}\nfile \"/d\" {\n  content = \"x\"\n  source = \"mine\"\n}\n", Environment{Credentials: dir, Trust: trust})
	if content(t, r, "/a") != "mine" || content(t, r, "/b") != "mine" || blockOf(t, r, "file", "/b").Shape.(*configtest.File).Source != nil {
		t.Error("what lies beside the file is not read")
	}
	if want := "8 Unreadable file: " + dir + "/theirs is theirs.\n12 Both content and source: file[\"/d\"] has its content from one place: take either content or source out."; said != want {
		t.Error(said)
	}
}

// What is worked out is counted, and what is merely referred to is not counted twice.
func TestBudget(t *testing.T) {
	var told diag.List
	b := budget{told: &told, effort: new(effort.Effort), weights: map[string]int{"local.half": heavy / 2, "var.rest": heavy/2 + 1}}
	word := func(s string) hcl.Expression {
		e, diags := hclsyntax.ParseExpression([]byte(s), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return e
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"x": cty.StringVal("x")}}
	if v := b.value(word("x"), ctx); v.AsString() != "x" || b.borne != 0 {
		t.Errorf("a reference weighs %d", b.borne)
	}
	if v := b.value(word(`"${x}y"`), ctx); v.AsString() != "xy" || b.borne == 0 {
		t.Errorf("a text weighs %d", b.borne)
	}
	refs := func(words ...string) *node {
		n := &node{Node: declare.Node{Name: "local.a"}}
		for _, w := range words {
			n.Refs = append(n.Refs, word(w).Variables()...)
		}
		return n
	}
	if !b.carry(refs("local.half", "local.half", "local", "tun.a")) || told.HasErrors() {
		t.Error("what is just bearable is refused")
	}
	if b.carry(refs("local.half", "var.rest")) || !told.HasErrors() {
		t.Error("what is too much is borne")
	}
	b.borne = mostEver
	if v := b.value(word("1 + 1"), ctx); v.IsKnown() {
		t.Error("beyond all bounds something has a value")
	}
}
