package eval

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/value"
)

// Bounds of values, in bytes as package value weighs them: see [value.Heaviest].
const (
	heavy    = 512 << 20 // all that one value is made of
	mostEver = 2 << 30   // all values
)

// A budget works out expressions as long as the values that come of them can be
// borne.
type budget struct {
	told    *diag.List
	effort  *effort.Effort
	borne   int            // what all values weigh that were made
	weights map[string]int // of variables and local values, as they are referred to
}

// value evaluates an expression; without a value it is unknown, and nothing
// that uses it reports anything more.
func (b *budget) value(expr hcl.Expression, ctx *hcl.EvalContext) cty.Value {
	if _, err := b.effort.Spent(); err != nil {
		return cty.DynamicVal
	}
	v, diags := expr.Value(ctx)
	b.told.Add(diags)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	return b.bear(expr, v)
}

// bear returns the value unless it is too heavy.
func (b *budget) bear(expr hcl.Expression, v cty.Value) cty.Value {
	weight := value.Weight(v)
	if _, plain := expr.(*hclsyntax.ScopeTraversalExpr); !plain { // which makes nothing new
		b.borne += weight
	}
	if weight <= value.Heaviest && b.borne <= mostEver {
		return v
	}
	problem := value.ErrHeavy
	if weight <= value.Heaviest {
		problem = fmt.Errorf("with this, all values together are larger than %d MiB, more than a configuration may work out", mostEver>>20)
	}
	b.told.Error(expr.Range(), "Too large a value", "%s", diag.Sentence(problem))
	return cty.DynamicVal
}

// carry refuses to work out a value that is made of too much.
func (b *budget) carry(n *node) bool {
	sum := 0
	for _, t := range n.Refs {
		if name, one := declare.Step(t); one {
			sum += b.weights[t.RootName()+"."+name]
		}
	}
	if sum <= heavy {
		return true
	}
	b.told.Error(n.Range, "Too large a value", "What %s refers to is larger than %d MiB in all, more than a configuration may work out in one place.", n.Name, heavy>>20)
	return false
}
