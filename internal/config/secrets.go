package config

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// mark is the type of the one mark that values carry.
type mark string

// sensitive marks a value that must not be seen, and all that is made of it.
const sensitive mark = "sensitive"

// misplacedSecret says why a value can't go into a field that is shown to
// everybody, or "" where it can.
func (d *decoder) misplacedSecret(shape reflect.Type, f resource.Field, v cty.Value) string {
	if f.IsSecret() || !v.ContainsMarked() {
		return ""
	}
	if f.Exports && exportsAreOpen(f, v) {
		return ""
	}
	text := f.Name + " is shown in plans and kept in the state, so it can't hold a sensitive value."
	if takers := d.secretFields(shape, f.Name); len(takers) > 0 {
		text += fmt.Sprintf(" What may hold one: %s.", enumerate(takers, "and"))
	}
	return text + " If it is no secret, say so: nonsensitive(…)."
}

// exportsAreOpen says whether all that the reader takes of another block may
// be seen.
func exportsAreOpen(f resource.Field, v cty.Value) bool {
	if v.IsMarked() || !v.Type().IsObjectType() || v.IsNull() || !v.IsKnown() {
		return !v.IsMarked()
	}
	for _, inner := range resource.Fields(f.Type) {
		if v.Type().HasAttribute(inner.Name) && !inner.IsSecret() && v.GetAttr(inner.Name).ContainsMarked() {
			return false
		}
	}
	return true
}

// secretFields lists the attributes that hold secrets: those of the same
// shape, or else those of that name in other kinds.
func (d *decoder) secretFields(shape reflect.Type, name string) []string {
	var names []string
	for _, f := range resource.Fields(shape) {
		if f.IsSecret() && !f.Computed {
			names = append(names, f.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	for _, k := range d.catalog.Kinds {
		if f, ok := fieldNamed(resource.Fields(reflect.TypeOf(k.New())), name); ok && f.IsSecret() && !f.Computed {
			names = append(names, name+" of a "+k.Name)
		}
	}
	return names
}

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
