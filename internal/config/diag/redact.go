package diag

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// redact hides what a diagnostic tells of an expression with a sensitive
// value: functions quote their arguments in their errors.
func redact(d *hcl.Diagnostic) {
	if d.Expression == nil || !touchesSecret(d) {
		return
	}
	d.Detail = "This expression holds a sensitive value, so what is wrong with it is not shown: it might tell the value."
	d.Expression, d.EvalContext = nil, nil
}

// touchesSecret says whether the expression that failed holds a sensitive
// value, from a reference or from a function that makes one. That credential()
// itself failed may be told: there is no value then.
func touchesSecret(d *hcl.Diagnostic) bool {
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		if diags.HasErrors() {
			v = rootValue(t.RootName(), d.EvalContext)
		}
		if v != cty.NilVal && v.ContainsMarked() {
			return true
		}
	}
	node, ok := d.Expression.(hclsyntax.Expression)
	if !ok {
		return false
	}
	itself := d.Summary == "Error in function call"
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if ok && !(itself && n == hclsyntax.Node(node)) && (call.Name == "sensitive" || call.Name == "credential") {
			found = true
		}
		return nil
	})
	return found
}

func rootValue(name string, ctx *hcl.EvalContext) cty.Value {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[name]; ok {
			return v
		}
	}
	return cty.NilVal
}
