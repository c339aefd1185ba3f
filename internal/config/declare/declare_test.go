package declare

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/source"
	"vpnd/internal/resource"
)

// read takes texts apart, a file in a directory each, and returns what was told.
func read(t *testing.T, texts ...string) (*Declared, *diag.List) {
	t.Helper()
	var files []source.File
	for i, text := range texts {
		name := fmt.Sprintf("%d.hcl", i+1)
		f, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		files = append(files, source.File{Name: name, Dir: fmt.Sprintf("/%d", i+1), Body: f.Body})
	}
	var told diag.List
	return Read(files, configtest.Catalog(), &told), &told
}

func said(told *diag.List) string {
	var all []string
	for _, d := range told.All() {
		all = append(all, diag.Where(diag.Place(d))+" "+d.Summary)
	}
	return strings.Join(all, "; ")
}

func roots(refs []hcl.Traversal) string {
	var all []string
	for _, r := range refs {
		name, _ := Step(r)
		all = append(all, r.RootName()+"."+name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// Everything that is declared is known with its place and with what it refers to,
// whichever file it is in.
func TestRead(t *testing.T) {
	d, told := read(t, `
variable "a" {
  type      = object({ x = optional(number, 5) })
  default   = { x = 1 }
  sensitive = true
  validation {
    condition     = var.a.x > local.least
    error_message = "no"
  }
}
locals {
  least = tun.t.mtu
}
file "/f" {
  content    = "${var.a.x} ${local.least}"
  depends_on = [tun.t, tun["u"]]
  on_change  = [unit["x.service"]]
}
check "door" {
  tcp = tun.t.name
}
`, `
vpnd {
  mode = local.mode
  metrics {
    listen = var.listen
  }
}
dynamic "tun" {
  for_each = local.names
  labels   = ["${tun.key}-${var.suffix}"]
  content {
    mtu = tun.value
  }
}
`)
	if got := said(told); got != "" {
		t.Fatal(got)
	}
	v := d.Variables["a"]
	if !v.Sensitive || v.Default == nil || v.Optional == nil || v.Type.FriendlyName() != "object" || v.Dir != "/1" || roots(v.Conditions[0].Refs) != "local.least var.a" {
		t.Errorf("%+v", v)
	}
	if l := d.Locals["least"]; l.Name != "local.least" || l.Range.Start.Line != 12 || roots(l.Refs) != "tun.t" {
		t.Errorf("%+v", l)
	}
	b := d.Blocks[resource.ID{Kind: "file", Name: "/f"}]
	if b != d.Order[0] || len(d.Order) != 1 || b.Range.Start.Line != 14 || roots(b.Refs) != "local.least tun.t tun.u var.a" || fmt.Sprint(b.DependsOn) != "[tun.t tun.u]" || roots(b.OnChange) != "unit.x.service" {
		t.Errorf("%+v", b)
	}
	if c := d.Checks[0]; c.Called != "door" || c.Name != `check["door"]` || roots(c.Refs) != "tun.t" {
		t.Errorf("%+v", c)
	}
	if s := d.Settings; s.Dir != "/2" || s.Range.Filename != "2.hcl" || roots(s.Refs) != "local.mode var.listen" {
		t.Errorf("%+v", s)
	}
	if m := d.Dynamics["tun"][0]; m.Broken || m.Iterator != "tun" || roots(m.Refs) != "local.names var.suffix" {
		t.Errorf("%+v", m)
	}
	if len(d.Written) != 6 {
		t.Errorf("%d blocks are written", len(d.Written))
	}
}

// Of two that are declared under one name the later is told, and the first one stays.
func TestDeclaredTwice(t *testing.T) {
	d, told := read(t, `
variable "a" {}
locals {
  b = 1
}
tun "c" {}
check "d" {}
vpnd {}
`, `
variable "a" {}
locals {
  b = 2
}
tun "c" {}
check "d" {}
vpnd {}
`)
	if got := said(told); got != "2.hcl:2 Variable declared twice; 2.hcl:4 Local value declared twice; 2.hcl:6 Block declared twice; 2.hcl:7 Block declared twice; 2.hcl:8 Block declared twice" {
		t.Error(got)
	}
	if d.Variables["a"].Range.Filename != "1.hcl" || d.Order[0].Range.Filename != "1.hcl" || d.Checks[0].Range.Filename != "1.hcl" || d.Settings.Range.Filename != "1.hcl" {
		t.Error("another one stayed")
	}
}

// Without a vpnd block there are settings all the same, with nothing in them.
func TestSettingsAreAlwaysThere(t *testing.T) {
	d, _ := read(t, "")
	if attrs, diags := d.Settings.Body.JustAttributes(); len(attrs) > 0 || diags.HasErrors() || d.Settings.Range != (hcl.Range{}) {
		t.Errorf("%+v", d.Settings)
	}
}

// A list of blocks is one of references that name a block each.
func TestListsOfBlocks(t *testing.T) {
	for list, want := range map[string]string{
		`[tun.a, unit["b.service"]]`: "",
		`tun.a`:                      "Unsuitable list",
		`["tun.a"]`:                  "Unsuitable reference",
		`[tun]`:                      "Unsuitable reference",
		`[tun.a.name]`:               "Unsuitable reference",
		`[var.a, local.b]`:           "Unsuitable reference Unsuitable reference",
		`[tunn.a]`:                   "Reference to an unknown name",
		`[]`:                         "",
	} {
		_, told := read(t, "file \"/f\" {\n  depends_on = "+list+"\n}\n")
		var got []string
		for _, d := range told.All() {
			got = append(got, d.Summary)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", list, got)
		}
	}
}

// Somebody who writes a name of nothing is told what he may have meant; a word alone is
// not repeated, for it may be a secret that lacks its quotes.
func TestUnknownNames(t *testing.T) {
	d, _ := read(t, "variable \"uplink\" {}\nlocals {\n  office = 1\n}\n")
	for text, want := range map[string]string{
		"tunn.a":          `named "tunn": a reference begins with var, local or the type of a block. Did you mean "tun"? If it is text, such as the name of a host, put it in quotes.`,
		"uplink":          `of that name: a reference begins with var, local or the type of a block. Did you mean var.uplink?`,
		"office.x":        `named "office": a reference begins with var, local or the type of a block. Did you mean local.office?`,
		"hunter2":         `of that name: a reference begins with var, local or the type of a block. If it is text, put it in quotes.`,
		"vpn.example.com": `named "vpn": a reference begins with var, local or the type of a block. If it is text, such as the name of a host, put it in quotes.`,
		"zzzzzz[0]":       `named "zzzzzz": a reference begins with var, local or the type of a block.`,
	} {
		traversal, diags := hclsyntax.ParseTraversalAbs([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var told diag.List
		d.told = &told
		d.UnknownName(traversal)
		if got := told.All()[0].Detail; got != "There is nothing "+want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestStep(t *testing.T) {
	for text, want := range map[string]string{"var.x": "x", `tun["a b"]`: "a b", "var": "", "tun[0]": "", "tun.a.b": "a"} {
		traversal, diags := hclsyntax.ParseTraversalAbs([]byte(text), "a.hcl", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		if got, ok := Step(traversal); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
}

// A dynamic block makes blocks, and checks, that know the item that they are for; what
// it can't make for sure nobody is told to lack.
func TestMake(t *testing.T) {
	d, told := read(t, `
dynamic "file" {
  for_each = ["a"]
  iterator = each
  labels   = [each.value]
  content {
    content    = each.value
    depends_on = [tun.t]
  }
}
dynamic "check" {
  for_each = []
  labels   = [check.value]
  content {}
}
dynamic "tun" {
  for_each = []
  labels   = []
  content {}
}
`)
	made := d.Dynamics["file"][0]
	each := map[string]cty.Value{made.Iterator: cty.StringVal("a")}
	b := d.Make(made, "/a", each)
	if b == nil || b.ID.Name != "/a" || b.Dir != "/1" || b.Range.Start.Line != 2 || fmt.Sprint(b.DependsOn) != "[tun.t]" || roots(b.Refs) != "each.value tun.t" || !slices.Equal(slices.Collect(maps.Keys(b.Each)), []string{"each"}) {
		t.Errorf("%+v", b)
	}
	if d.Make(made, "/a", each) != nil || d.Make(made, "", each) != nil {
		t.Error("a block was made twice, or without a name")
	}
	if d.Make(d.Dynamics["check"][0], "c", each) != nil || d.Checks[0].Called != "c" {
		t.Errorf("%+v", d.Checks)
	}
	if !d.Dynamics["tun"][0].Broken || len(d.Order) != 1 {
		t.Errorf("%+v", d.Dynamics["tun"][0])
	}
	if got := said(told); got != "1.hcl:2 Block declared twice; 1.hcl:2 Block without a name; 1.hcl:18 Unsuitable labels" {
		t.Error(got)
	}
}
