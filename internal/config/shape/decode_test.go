package shape

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

func parse(t *testing.T, text string) hcl.Body {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(text), "a.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return f.Body
}

func context() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: map[string]cty.Value{
		"later": cty.DynamicVal,
		"hush":  cty.StringVal("hunter2").Mark(value.Sensitive),
		"pki":   cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("p"), "ca_certificate": cty.StringVal("/ca"), "keys": cty.MapValEmpty(cty.String)}),
		"leaky": cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("p").Mark(value.Sensitive), "ca_certificate": cty.StringVal("/ca"), "keys": cty.MapValEmpty(cty.String)}),
	}}
}

func decode(t *testing.T, text string) (*configtest.Server, *Decoded) {
	t.Helper()
	s := &configtest.Server{}
	return s, Decode(parse(t, text), s, context(), configtest.Catalog(), "server", "server", Metas(nil)...)
}

// A shape is filled with what is written and with defaults, and knows the place of each.
func TestDecode(t *testing.T) {
	s, d := decode(t, `network = "10.8.0.0/24"
listen = ["udp/1", "udp/2"]
pki = pki
psk = hush
depends_on = [tun.a]
labels = null
keepalive {
  ping = "1s"
}
route {
  to = "10.0.0.0/8"
}
dynamic "route" {
  for_each = ["192.168.0.0/16"]
  content {
    to = route.value
    metric = 5
  }
}
`)
	if !d.Whole() || s.Network.String() != "10.8.0.0/24" || s.PKI.Certificate != "/ca" || s.PSK.Reveal() != "hunter2" || s.Labels != nil {
		t.Errorf("%+v %v", s, d.Diags)
	}
	if s.Keepalive.Ping.String() != "1s" || s.Keepalive.Restart.String() != "2m" || len(s.Routes) != 2 || s.Routes[1].Metric != 5 {
		t.Errorf("%+v %+v", s.Keepalive, s.Routes)
	}
	for path, line := range map[string]int{"network": 1, "listen": 2, "listen[1]": 2, "keepalive": 7, "keepalive.ping": 8, "keepalive.restart": 7, "route[0].to": 11, "route[1].metric": 17, "nowhere": 99, "": 99} {
		if at := d.At.Find(path, hcl.Range{Start: hcl.Pos{Line: 99}}); at.Start.Line != line {
			t.Errorf("%q is in line %d", path, at.Start.Line)
		}
	}
}

// What is unknown is no mistake, but the shape is not whole; what is wrong is one.
func TestDecodeTellsTheUnknownFromTheWrong(t *testing.T) {
	for text, want := range map[string]string{
		`network = later`: "unknown",
		"network = \"10.0.0.0/8\"\nlisten = [later]":                                     "unknown",
		"network = \"10.0.0.0/8\"\ndynamic \"route\" {\nfor_each = later\ncontent {}\n}": "unknown",
		`network = later.nope`:                  "unknown",
		`network = nope`:                        "unknown: Unknown variable",
		`listen = []`:                           "Missing attribute",
		`network = null`:                        "Missing attribute",
		`network = hush`:                        "Sensitive value in a public attribute",
		"network = \"10.0.0.0/8\"\npki = leaky": "Sensitive value in a public attribute",
		"network = \"10.0.0.0/8\"\npki = hush":  "Sensitive value in a public attribute",
		`network = "x"`:                         "Unsuitable value",
		"network = \"10.0.0.0/8\"\nkeepalive {}\nkeepalive {}": "Block given twice",
		"network = \"10.0.0.0/8\"\nnope = 1":                   "Unknown attribute",
	} {
		_, d := decode(t, text)
		var said []string
		if d.Unknown {
			said = append(said, "unknown")
		}
		for _, one := range d.Diags {
			said = append(said, one.Summary)
		}
		if got := strings.Join(said, ": "); got != want || d.Whole() {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// A shape that is not whole is asked only for mistakes that have nothing to do with
// what it lacks.
func TestMistakesOfWhatIsThere(t *testing.T) {
	for text, want := range map[string]string{
		`mode = "bridge"`:                           "mode",
		"mode = \"bridge\"\nmtu = \"big\"":          "mode",         // the mtu does not fit, which was told
		"mode = [1]\naddresses = [\"127.0.0.1/8\"]": "addresses[0]", // the mode is judged by its default
		"addresses = [\"127.0.0.1/8\", \"x\"]":      "addresses[0]",
		"mode = later":                              "", // nobody knows yet
	} {
		shape := &configtest.Tun{}
		d := Decode(parse(t, text), shape, context(), configtest.Catalog(), "tun", "tun")
		var paths []string
		for _, m := range d.Mistakes(shape, "a-name-of-sixteen") {
			if m.Path != "" || !d.Whole() {
				paths = append(paths, m.Path)
			}
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
	shape := &configtest.Package{}
	if d := Decode(parse(t, ""), shape, context(), configtest.Catalog(), "package", "package"); d.Mistakes(shape, "a") != nil || !*shape.Installed {
		t.Error("a shape that has nothing to say said something, or lacks its default")
	}
}

func TestReferences(t *testing.T) {
	body := parse(t, "network = var.n\nroute {\n to = local.r\n}\ndynamic \"route\" {\n for_each = tun.a.addresses\n content {\n to = \"${route.value}${var.m}\"\n }\n}\nnope = var.x\n")
	var roots []string
	fields := resource.Fields(reflect.TypeFor[configtest.Server]())
	for _, r := range References(body, fields) {
		roots = append(roots, r.RootName())
	}
	slices.Sort(roots)
	if got := strings.Join(roots, " "); got != "local tun var var" {
		t.Error(got)
	}
}

// The names of attributes that hold secrets, and what is written in them, are found
// wherever they stand.
func TestSecrets(t *testing.T) {
	if got := fmt.Sprint(slices.Sorted(maps.Keys(SecretNames(configtest.Catalog())))); got != "[content default file profile psk]" {
		t.Error(got)
	}
	schema := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "server", LabelNames: []string{"name"}}, {Type: "file", LabelNames: []string{"name"}}, {Type: "secret_file", LabelNames: []string{"name"}}, {Type: "dynamic", LabelNames: []string{"block"}}, {Type: "nope"}}}
	content, diags := parse(t, `server "a" {
  psk = "one"
}
file "b" {
  content = "open"
}
dynamic "secret_file" {
  content {
    content = "two"
  }
}
dynamic "secret_file" {}
nope {}
`).Content(schema)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var found []string
	for _, b := range content.Blocks {
		for _, expr := range Secrets(configtest.Catalog(), b) {
			v, _ := expr.Value(nil)
			found = append(found, v.AsString())
		}
	}
	if got := strings.Join(found, " "); got != "one two" {
		t.Error(got)
	}
}

func TestForEach(t *testing.T) {
	expr := hcl.StaticExpr(cty.NilVal, hcl.Range{})
	for _, v := range []cty.Value{cty.EmptyTupleVal, cty.EmptyObjectVal, cty.SetValEmpty(cty.String), cty.DynamicVal} {
		if d := ForEach(v, expr); d != nil {
			t.Errorf("%#v: %s", v, d.Detail)
		}
	}
	for _, v := range []cty.Value{cty.StringVal("a"), cty.NullVal(cty.List(cty.String)), cty.Zero, cty.EmptyTupleVal.Mark(value.Sensitive)} {
		if ForEach(v, expr) == nil {
			t.Errorf("%#v is taken", v)
		}
	}
}

func TestInline(t *testing.T) {
	read := func(name string) ([]byte, error) {
		if name != "there" {
			return nil, fmt.Errorf("reading %s: there is no such file", name)
		}
		return []byte("text"), nil
	}
	file := &configtest.File{Source: resource.Ptr("there")}
	if d := Inline(file, "file.a", hcl.Range{}, read); d != nil || *file.Content != "text" || file.Source != nil {
		t.Errorf("%v %+v", d, file)
	}
	secret := &configtest.SecretFile{Source: resource.Ptr("there")}
	if d := Inline(secret, "secret_file.a", hcl.Range{}, read); d != nil || secret.Content.Reveal() != "text" {
		t.Errorf("%v %+v", d, secret)
	}
	for _, none := range []any{&configtest.File{}, &configtest.File{Source: resource.Ptr("")}, &configtest.Tun{}} {
		if d := Inline(none, "a", hcl.Range{}, read); d != nil {
			t.Errorf("%+v: %v", none, d)
		}
	}
	if d := Inline(&configtest.File{Source: resource.Ptr("gone")}, "a", hcl.Range{}, read); d == nil || d.Detail != "Reading gone: there is no such file." {
		t.Error(d)
	}
}

func TestTypes(t *testing.T) {
	catalog := configtest.Catalog()
	for _, name := range Types(catalog) {
		if New(catalog, name) == nil {
			t.Errorf("%s has no shape", name)
		}
	}
	if New(catalog, "nope") != nil {
		t.Error("there is a shape of nothing")
	}
}

// A default belongs to the shape that it was filled into.
func TestDefaultsAreOfOneShapeAlone(t *testing.T) {
	type shape struct {
		List []string          `vpnd:"list" default:"[\"a\"]"`
		Map  map[string]string `vpnd:"map" default:"{\"a\":\"b\"}"`
		Word *string           `vpnd:"word" default:"a"`
	}
	fill := func() *shape {
		s := new(shape)
		Decode(hcl.EmptyBody(), s, nil, resource.Catalog{}, "block", "block")
		return s
	}
	first := fill()
	first.List[0], first.Map["a"], *first.Word = "x", "x", "x"
	if s := fill(); s.List[0] != "a" || s.Map["a"] != "b" || *s.Word != "a" {
		t.Errorf("%+v %s", s, *s.Word)
	}
}
