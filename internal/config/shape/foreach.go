package shape

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/value"
)

// ForEach says what is wrong with the collection of a dynamic block,
// inside a block or at the top level.
func ForEach(v cty.Value, expr hcl.Expression) *hcl.Diagnostic {
	switch {
	case v.IsMarked():
		return diag.Error(expr.Range(), "Sensitive value in for_each", "How many blocks there are is shown in plans, so for_each can't be a sensitive value. If it is no secret, say so with nonsensitive().")
	case !v.IsKnown():
		return nil
	case v.IsNull() || !v.CanIterateElements():
		return diag.Error(expr.Range(), "Unsuitable for_each", "for_each wants a list, a set or a map, as in for_each = [\"a\", \"b\"]; this is %s.", value.Describe(v))
	}
	return nil
}
