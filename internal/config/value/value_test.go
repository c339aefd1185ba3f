package value

import (
	"math/big"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestText(t *testing.T) {
	for want, v := range map[string]cty.Value{
		"a b":  cty.StringVal("a b"),
		"":     cty.StringVal(""),
		"1.5":  cty.NumberFloatVal(1.5),
		"1194": cty.NumberIntVal(1194),
		"true": cty.True,
	} {
		if got, ok := Text(v); !ok || got != want {
			t.Errorf("%#v reads as %q, %v", v, got, ok)
		}
	}
	for _, v := range []cty.Value{
		cty.NullVal(cty.String), cty.EmptyObjectVal, cty.EmptyTupleVal, cty.ListValEmpty(cty.String), cty.MapValEmpty(cty.String),
	} {
		if got, ok := Text(v); ok {
			t.Errorf("%#v reads as %q", v, got)
		}
	}
}

// What a value is may be told of a secret one too, so the value itself is never in it.
func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		v    cty.Value
		want string
	}{
		{cty.StringVal("hunter2"), "text"},
		{cty.StringVal("hunter2").Mark(Sensitive), "text"},
		{cty.Zero, "a number"},
		{cty.False, "true or false"},
		{cty.NullVal(cty.String), "null"},
		{cty.NullVal(cty.DynamicPseudoType), "null"},
		{cty.TupleVal([]cty.Value{cty.Zero}), "a list"},
		{cty.ListValEmpty(cty.String), "a list"},
		{cty.SetValEmpty(cty.String), "a list"},
		{cty.EmptyObjectVal, "an object"},
		{cty.MapValEmpty(cty.Bool), "an object"},
		{cty.DynamicVal, "something else"},
	} {
		if got := Describe(c.v); got != c.want {
			t.Errorf("%#v is %s instead of %s", c.v, got, c.want)
		}
	}
}

// A value weighs what it takes to write it out.
func TestWeight(t *testing.T) {
	kilo := cty.StringVal(strings.Repeat("x", 1000))
	huge, _, err := big.ParseFloat("1e300", 10, 512, big.ToNearestEven)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		v    cty.Value
		want int
	}{
		"null":       {cty.NullVal(cty.String), PerElement},
		"unknown":    {cty.UnknownVal(cty.String), PerElement},
		"text":       {kilo, PerElement + 1000},
		"a secret":   {kilo.Mark(Sensitive), PerElement + 1000},
		"a list":     {cty.TupleVal([]cty.Value{kilo, kilo}), 3*PerElement + 2000},
		"an object":  {cty.ObjectVal(map[string]cty.Value{"name": kilo}), 2*PerElement + 1004},
		"a number":   {cty.NumberVal(huge), PerElement + 997},
		"a fraction": {cty.NumberFloatVal(0.25), PerElement + 1},
		"a truth":    {cty.True, PerElement},
	} {
		if got := Weight(c.v); got != c.want {
			t.Errorf("%s weighs %d instead of %d", name, got, c.want)
		}
	}
}

// A chain of values of which each holds the one before twice is weighed at once,
// although it would take longer than anybody waits to write it out.
func TestWeightEndsAtTheHeaviest(t *testing.T) {
	v := cty.StringVal("x")
	for range 200 {
		v = cty.TupleVal([]cty.Value{v, v})
	}
	if got := Weight(v); got <= Heaviest || got > Heaviest+10*PerElement {
		t.Errorf("it weighs %d", got)
	}
}
