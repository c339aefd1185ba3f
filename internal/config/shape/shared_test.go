package shape

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/json"

	"vpnd/internal/resource"
)

// In JSON a name that an attribute and a block share is the attribute where text stands
// behind it, blocks where objects do, and never both.
func TestANameOfAttributeAndBlocks(t *testing.T) {
	type group struct {
		Name    string  `vpnd:"name,label"`
		Network *string `vpnd:"network"`
	}
	type server struct {
		Group  *string `vpnd:"group"`
		Groups []group `vpnd:"group,block"`
	}
	const dynamic = `"dynamic": {"group": {"for_each": ["c"], "labels": ["${group.value}"], "content": {"network": "n"}}}`
	for text, want := range map[string]string{
		`{}`:                                          "- []",
		`{"group": "nobody"}`:                         "nobody []",
		`{"group": {"c": {"network": "n"}}}`:          "- [c n]",
		`{"group": [{"c": {"network": "n"}}]}`:        "- [c n]",
		`{"group": {"c": {"network": "n"}, "d": {}}}`: "- [c n d -]",
		`{` + dynamic + `}`:                           "- [c n]",
		`{"group": "nobody", ` + dynamic + `}`:        "nobody [c n]",
		`{"group": "nobody", "group": {"c": {}}}`:     "can be its attribute or its blocks, and not both at once. Write this block in HCL",
		`{"group": {"c": {}}, "group": "nobody"}`:     "can be its attribute or its blocks, and not both at once. Write this block in HCL",
		`{"group": true}`:                             "true []",
	} {
		f, diags := json.Parse([]byte(text), "a.json")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var s server
		d := Decode(f.Body, &s, &hcl.EvalContext{}, resource.Catalog{}, "server", "server")
		var all []string
		for _, g := range s.Groups {
			all = append(all, g.Name, resource.Or(g.Network, "-"))
		}
		got := fmt.Sprintf("%s [%s]", resource.Or(s.Group, "-"), strings.Join(all, " "))
		if d.Diags.HasErrors() {
			got = d.Diags.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
