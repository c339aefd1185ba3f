package effort

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// work counts an expression, evaluates it with what lists and texts there are, and
// returns its value.
func work(t *testing.T, e *Effort, text string, times int) (cty.Value, hcl.Diagnostics) {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "a.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	e.Count(expr)
	mega := cty.StringVal(strings.Repeat("x", 1<<20))
	functions := e.Functions()
	functions["upper"] = stdlib.UpperFunc
	ctx := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{
		"list": cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b"), cty.StringVal("c")}),
		"map":  cty.ObjectVal(map[string]cty.Value{"x": cty.Zero, "y": cty.NumberIntVal(1)}),
		"mega": mega,
		"hush": cty.StringVal("hunter2").Mark("sensitive"),
		"none": cty.NullVal(cty.String),
	}}
	var v cty.Value
	for range times {
		v, diags = expr.Value(ctx)
	}
	return v, diags
}

// To be counted changes nothing in what an expression means.
func TestCountedExpressionsMeanTheSame(t *testing.T) {
	for text, want := range map[string]string{
		`[for x in list : upper(x)]`:                    `["A","B","C"]`,
		`[for x in list : x if x != "b"]`:               `["a","c"]`,
		`{for k, v in map : upper(k) => v + 1}`:         `{"X":1,"Y":2}`,
		`{for x in list : "all" => x...}`:               `{"all":["a","b","c"]}`,
		`[for x in [] : x]`:                             `[]`,
		`[for a in list : [for b in [1] : "${a}${b}"]]`: `[["a1"],["b1"],["c1"]]`,
		`"%{ for x in list }(${x})%{ endfor }"`:         `"(a)(b)(c)"`,
		`"${list[0]}-${list[1]}"`:                       `"a-b"`,
		`list[*]`:                                       `["a","b","c"]`,
		`[{ a = 1 }, { a = 2 }][*].a`:                   `[1,2]`,
		`none == null ? "left out" : "${none}"`:         `"left out"`,
		`[for x in list : x == "b" ? null : x]`:         `["a",null,"c"]`,
	} {
		v, diags := work(t, new(Effort), text, 1)
		got, err := stdlib.JSONEncode(v)
		if diags.HasErrors() || err != nil || got.AsString() != want {
			t.Errorf("%s is %#v instead of %s: %v %v", text, v, want, diags, err)
		}
	}
	if v, diags := work(t, new(Effort), `[for x in [hush] : "<${x}>"][0]`, 1); diags.HasErrors() || !v.IsMarked() {
		t.Errorf("a secret is %#v, %v", v, diags)
	}
}

// An expression is counted once, however often it is looked at.
func TestCountTwice(t *testing.T) {
	expr, diags := hclsyntax.ParseExpression([]byte(`[for x in list : "${x}!"]`), "a.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var e Effort
	e.Count(expr)
	before := len(e.places)
	e.Count(expr)
	if before == 0 || len(e.places) != before {
		t.Errorf("%d places, and then %d", before, len(e.places))
	}
}

// Turns are counted over all loops. Beyond the bound a loop has no value, which is no
// mistake of its own: it is told once, with the place of the loop.
func TestTurns(t *testing.T) {
	e := &Effort{turns: mostTurns - 4}
	if v, diags := work(t, e, `[for x in list : x]`, 1); diags.HasErrors() || !v.IsKnown() {
		t.Errorf("within the bound: %#v %v", v, diags)
	}
	if _, err := e.Spent(); err != nil {
		t.Error(err)
	}
	v, _ := work(t, e, `[for x in list : x]`, 1)
	at, err := e.Spent()
	if v.IsKnown() || err == nil || !strings.Contains(err.Error(), fmt.Sprint(mostTurns, " turns")) || at.Start.Column != 1 || at.Filename != "a.hcl" {
		t.Errorf("beyond it: %#v %v at %s", v, err, at)
	}
}

// Work is what parts weigh that are put together, and what functions look at; the
// first bound that is passed is the one that is told.
func TestWork(t *testing.T) {
	var e Effort
	work(t, &e, `"${mega}!"`, mostWork/(4<<20)-1)
	if _, err := e.Spent(); err != nil {
		t.Error(err)
	}
	work(t, &e, "\n"+`"${mega}!"`, 2)
	at, err := e.Spent()
	if err == nil || !strings.Contains(err.Error(), "more than 1024 MiB") || at.Start.Line != 2 {
		t.Errorf("%v at %s", err, at)
	}
	e.turns = mostTurns
	work(t, &e, `[for x in list : x]`, 1)
	if again, err2 := e.Spent(); err2 != err || again != at {
		t.Errorf("another bound is told: %v", err2)
	}
}

func TestCalled(t *testing.T) {
	mega := []cty.Value{cty.StringVal(strings.Repeat("x", 1<<20))}
	var e Effort
	for range mostWork >> 20 {
		if e.Called("length", mega) != nil {
			t.Fatal("a look at how long a text is goes through it")
		}
	}
	failed := 0
	for range mostWork>>20 + 1 {
		if e.Called("upper", mega) != nil {
			failed++
		}
	}
	if at, err := e.Spent(); failed == 0 || err == nil || at != (hcl.Range{}) {
		t.Errorf("%d calls failed, %v at %s", failed, err, at)
	}
}

// Nobody can call what counts: its names are none of the language.
func TestNamesOfNoFunction(t *testing.T) {
	for name, f := range new(Effort).Functions() {
		if hclsyntax.ValidIdentifier(name) || len(f.Params()) != 2 {
			t.Errorf("%q can be called", name)
		}
	}
}
