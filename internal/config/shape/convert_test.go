package shape

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// everything is a shape with a field of each type that there is.
type everything struct {
	Text     string             `vpnd:"text"`
	Word     *string            `vpnd:"word"`
	Truth    *bool              `vpnd:"truth"`
	Number   *int               `vpnd:"number"`
	Small    *uint8             `vpnd:"small"`
	Secret   *resource.Secret   `vpnd:"secret"`
	Duration *resource.Duration `vpnd:"duration"`
	Mode     *resource.Mode     `vpnd:"mode"`
	Address  *netip.Addr        `vpnd:"address"`
	Network  *netip.Prefix      `vpnd:"network"`
	Document *resource.Document `vpnd:"document"`
	Words    []string           `vpnd:"words"`
	Networks []netip.Prefix     `vpnd:"networks"`
	Labels   map[string]string  `vpnd:"labels"`
	Inner    *inner             `vpnd:"inner,exports"`
}

type inner struct {
	Name string            `vpnd:"name"`
	Path *string           `vpnd:"path"`
	Keys map[string]string `vpnd:"keys"`
}

func list(words ...string) cty.Value {
	var all []cty.Value
	for _, w := range words {
		all = append(all, cty.StringVal(w))
	}
	return cty.TupleVal(all)
}

// set converts a value into the field of that name and writes what came of it.
func set(field string, v cty.Value) string {
	var e everything
	dst := reflect.ValueOf(&e).Elem()
	f, _ := Named(resource.Fields(dst.Type()), field)
	faults := convertTo(dst.Field(f.Index), v, "")
	if len(faults) == 0 {
		got := reflect.Indirect(dst.Field(f.Index)).Interface()
		if s, ok := got.(resource.Secret); ok {
			return s.Reveal()
		}
		return fmt.Sprint(got)
	}
	said := "misfit"
	for _, fault := range faults {
		said += " " + fault.path + "(" + fault.text + ")"
	}
	return said
}

func TestConvert(t *testing.T) {
	word := cty.StringVal
	for _, c := range []struct {
		field string
		v     cty.Value
		want  string
	}{
		{"text", word("a"), "a"},
		{"text", cty.NumberIntVal(5), "5"},
		{"word", cty.True, "true"},
		{"word", cty.EmptyTupleVal, "misfit ()"},
		{"word", cty.NullVal(cty.String), "misfit ()"},
		{"truth", word("true"), "true"},
		{"truth", word("yes"), "misfit ()"},
		{"truth", cty.Zero, "misfit ()"},
		{"number", cty.NumberIntVal(-7), "-7"},
		{"number", word("7"), "7"},
		{"number", cty.NumberFloatVal(1.5), "misfit ()"},
		{"number", word("a"), "misfit ()"},
		{"number", cty.MustParseNumberVal("1e30"), "misfit ()"},
		{"small", cty.NumberIntVal(255), "255"},
		{"small", cty.NumberIntVal(256), "misfit ()"},
		{"small", cty.NumberIntVal(-1), "misfit ()"},
		{"secret", word("hush"), "hush"},
		{"secret", list("hush"), "misfit ()"},
		{"duration", word("90d"), "90d"},
		{"duration", word("soon"), `misfit ("soon" is no duration; write a number and a unit (w, d, h, m, s), as in 90d or 12h)`},
		{"duration", cty.EmptyObjectVal, "misfit ()"},
		{"mode", word("0640"), "0640"},
		{"address", word("fd00::1"), "fd00::1"},
		{"address", word("10.0.0.256"), "misfit ()"},
		{"address", word(""), "misfit (it is empty)"},
		{"address", word("fe80::1%eth0, 0.0.0.0/0"), "misfit (fe80::1 is an address of one interface alone; write one that needs no zone)"},
		{"address", word("::ffff:10.0.0.1"), "misfit (::ffff:10.0.0.1 is an IPv4 address within an IPv6 one; write 10.0.0.1)"},
		{"network", word("10.0.0.0/8"), "10.0.0.0/8"},
		{"network", word("10.0.0.0"), "misfit ()"},
		{"document", word("a/b"), "a/b"},
		{"document", word(""), "misfit (it is empty)"},
		{"words", list("a", "b"), "[a b]"},
		{"words", cty.SetVal([]cty.Value{word("a")}), "[a]"},
		{"words", cty.EmptyTupleVal, "[]"},
		{"words", word("a"), "misfit ()"},
		{"words", cty.TupleVal([]cty.Value{word("a"), cty.EmptyTupleVal, cty.NullVal(cty.String)}), "misfit [1]() [2]()"},
		{"networks", list("10.0.0.0/8", "nope", "::ffff:1.2.3.4/128"), "misfit [1]() [2](::ffff:1.2.3.4 is an IPv4 address within an IPv6 one; write 1.2.3.4)"},
		{"labels", cty.ObjectVal(map[string]cty.Value{"a": word("1"), "b": cty.Zero}), "map[a:1 b:0]"},
		{"labels", cty.MapVal(map[string]cty.Value{"a": word("1")}), "map[a:1]"},
		{"labels", cty.ObjectVal(map[string]cty.Value{"a b": cty.EmptyTupleVal}), `misfit ["a b"]()`},
		{"labels", list("a"), "misfit ()"},
		{"inner", cty.ObjectVal(map[string]cty.Value{"name": word("x"), "more": cty.Zero, "path": cty.NullVal(cty.String)}), "{x <nil> map[]}"},
		{"inner", cty.ObjectVal(map[string]cty.Value{"path": word("x")}), "misfit ()"}, // without a name it is another block
		{"inner", cty.ObjectVal(map[string]cty.Value{"name": word("x"), "keys": word("x")}), "misfit .keys()"},
		{"inner", word("x"), "misfit ()"},
	} {
		if got := set(c.field, c.v); got != c.want {
			t.Errorf("%s of %#v\n got %s\nwant %s", c.field, c.v, got, c.want)
		}
	}
}

// A default is written in a tag of ours, so one that can't be read is a bug.
func TestDefault(t *testing.T) {
	var e everything
	v := reflect.ValueOf(&e).Elem()
	fill := func(name, text string) (problem any) {
		defer func() { problem = recover() }()
		f, _ := Named(resource.Fields(v.Type()), name)
		f.Default = text
		setDefault(v.Field(f.Index), f)
		return nil
	}
	for name, text := range map[string]string{"text": "a", "number": "5", "truth": "true", "duration": "5m", "words": `["a", "b"]`, "labels": `{"a": "b"}`} {
		if problem := fill(name, text); problem != nil {
			t.Errorf("%s: %v", name, problem)
		}
	}
	if e.Text != "a" || *e.Number != 5 || !*e.Truth || e.Duration.String() != "5m" || len(e.Words) != 2 || e.Labels["a"] != "b" {
		t.Errorf("%+v", e)
	}
	for name, text := range map[string]string{"number": "a", "words": `["a"`, "labels": `["a"]`} {
		if fill(name, text) == nil {
			t.Errorf("%s was set to %s", name, text)
		}
	}
}

// A field says what it wants, and how that is written.
func TestForm(t *testing.T) {
	fields := resource.Fields(reflect.TypeFor[everything]())
	for name, want := range map[string]string{
		"text":     `text, as in "…"`,
		"truth":    "true or false, as in true",
		"number":   "a whole number, as in 10",
		"small":    "a whole number, as in 10",
		"secret":   `secret text, as in credential("name")`,
		"duration": `a duration, as in "90d"`,
		"mode":     `a file mode, as in "0640"`,
		"address":  `an IP address, as in "10.8.0.1"`,
		"words":    `a list of text, as in ["…"]`,
		"document": `the path of a file that is read with the configuration, of mode 0600, as in "/etc/vpnd/name.conf"`,
		"networks": `a list of networks as CIDR, as in ["10.8.0.0/24"]`,
		"labels":   `a map of text, as in { name = "…" }`,
		"inner":    "an object, as in {}",
	} {
		f, _ := Named(fields, name)
		if form := FormOf(f.Type); form.One+", as in "+form.Example != want {
			t.Errorf("%s: %s, as in %s", name, form.One, form.Example)
		}
	}
}

// What a shape exports can be set in a shape of the same kind again.
func TestExportIsTheWayBack(t *testing.T) {
	e := everything{
		Text: "a", Word: resource.Ptr("b"), Truth: resource.Ptr(true), Number: resource.Ptr(-3), Small: resource.Ptr(uint8(7)),
		Secret: resource.NewSecret("hush"), Duration: resource.Ptr(resource.Duration(1e9)), Mode: resource.Ptr(resource.Mode(0o640)),
		Address: resource.Ptr(netip.MustParseAddr("fd00::1")), Network: resource.Ptr(netip.MustParsePrefix("10.0.0.0/8")),
		Words: []string{"a", "b"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Labels: map[string]string{"x": "y"},
		Inner: &inner{Name: "n", Keys: map[string]string{"k": "v"}},
	}
	v := Exports(resource.ID{Kind: "everything", Name: "one"}, &e)
	if v.GetAttr("name").AsString() != "one" || v.GetAttr("id").AsString() != "everything.one" {
		t.Errorf("%#v", v)
	}
	if !v.GetAttr("secret").IsMarked() {
		t.Error("a secret is exported as none")
	}
	plain, _ := v.UnmarkDeep()
	var again everything
	if faults := convertTo(reflect.ValueOf(&again).Elem(), plain, ""); len(faults) > 0 || !resource.Equal(&again, &e) {
		t.Errorf("%+v %+v", faults, again)
	}
}

// What is left out is null, of a type that its reader can go by.
func TestExportsOfNothing(t *testing.T) {
	v := Exports(resource.ID{Kind: "everything", Name: "one"}, &everything{})
	for name, want := range map[string]cty.Type{
		"word": cty.String, "truth": cty.Bool, "number": cty.Number, "secret": cty.String, "duration": cty.String, "address": cty.String,
		"words": cty.List(cty.String), "networks": cty.List(cty.String), "labels": cty.DynamicPseudoType, "inner": cty.DynamicPseudoType,
	} {
		if got := v.GetAttr(name); !got.IsNull() || !got.Type().Equals(want) {
			t.Errorf("%s is %#v", name, got)
		}
	}
}
