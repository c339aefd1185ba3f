package functions

import (
	"fmt"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/value"
)

// templateFileFunc renders a file of HCL's template language. A template sees
// nothing but the values handed to it, and includes no other template.
func templateFileFunc(d Directory, functions map[string]function.Function, e *effort.Effort) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("path"), {Name: "values", Type: cty.DynamicPseudoType, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			text, err := d.text(name)
			if err != nil {
				return cty.NilVal, err
			}
			values, marks := args[1].Unmark()
			if !values.CanIterateElements() || !values.Type().IsObjectType() && !values.Type().IsMapType() {
				return cty.NilVal, function.NewArgErrorf(1, "it has to be a map, as in { name = \"office\" }")
			}
			if deep := bounds.Template(text, name); deep != nil {
				return cty.NilVal, templateError(hcl.Diagnostics{deep})
			}
			expr, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
			if diags.HasErrors() {
				return cty.NilVal, templateError(diags)
			}
			e.Count(expr)
			ctx := &hcl.EvalContext{Variables: make(map[string]cty.Value), Functions: make(map[string]function.Function)}
			maps.Copy(ctx.Variables, values.AsValueMap())
			maps.Copy(ctx.Functions, e.Functions())
			for f, impl := range functions {
				if f != "templatefile" {
					ctx.Functions[f] = impl
				}
			}
			v, diags := expr.Value(ctx)
			if diags.HasErrors() {
				return cty.NilVal, templateError(diag.Polish(diags))
			}
			rendered, more := v.Unmark()
			out, ok := value.Text(rendered)
			if !ok {
				return cty.NilVal, fmt.Errorf("%s does not render to text", name)
			}
			return cty.StringVal(out).WithMarks(marks, more), nil
		},
	})
}

func templateError(diags hcl.Diagnostics) error {
	first := diags[0]
	return fmt.Errorf("%s: %s", diag.Where(diag.Place(first)), strings.TrimSuffix(first.Detail, "."))
}
