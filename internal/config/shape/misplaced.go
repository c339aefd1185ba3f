package shape

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// misplaced tells where attributes belong that were written one level too high, as
// people do who know the name and not the block. The path of outer is for vpnd explain.
func misplaced(diags hcl.Diagnostics, outer reflect.Type, path string) hcl.Diagnostics {
	for _, d := range diags {
		if d.Summary != "Unsupported argument" {
			continue
		}
		_, rest, _ := strings.Cut(d.Detail, `"`)
		name, _, _ := strings.Cut(rest, `"`)
		if inner := holding(outer, name); len(inner) > 0 {
			d.Summary = "Misplaced attribute"
			d.Detail = fmt.Sprintf("%s is an attribute of the nested block %s. \"vpnd explain %s.%s\" shows it.", name, diag.Enumerate(inner, "or"), path, inner[0])
		}
	}
	return diags
}

// holding returns the nested blocks of a shape that have an attribute of that name.
func holding(outer reflect.Type, name string) []string {
	var blocks []string
	for _, f := range resource.Fields(outer) {
		if !f.Block {
			continue
		}
		inner := f.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if in, ok := Named(resource.Fields(inner), name); ok && !in.Label && !in.Computed {
			blocks = append(blocks, f.Name)
		}
	}
	return blocks
}
