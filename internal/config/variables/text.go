package variables

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
)

// Read reads the text that is given for a variable: as it stands where the variable
// is a single word, and as HCL otherwise.
func (g Given) Read(v *declare.Variable) (cty.Value, *hcl.Diagnostic) {
	if v.Type.IsPrimitiveType() || v.Type == cty.DynamicPseudoType {
		return cty.StringVal(*g.Text), nil
	}
	value, diags := evaluate(*g.Text, g.By)
	if !diags.HasErrors() {
		return value, nil
	}
	problem := "."
	if !v.Sensitive {
		problem = ": " + diags[0].Detail
	}
	return cty.DynamicVal, diag.Error(v.Range, "Unsuitable value", "The value that %s gives to variable %q can't be read as %s, which is written as in a file%s", g.By, v.Name, typeexpr.TypeString(v.Type), problem)
}

// evaluate works out an expression that refers to nothing.
func evaluate(text, name string) (cty.Value, hcl.Diagnostics) {
	tokens, _ := hclsyntax.LexExpression([]byte(text), name, hcl.InitialPos)
	if deep := bounds.Expression(tokens); deep != nil {
		return cty.DynamicVal, hcl.Diagnostics{deep}
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), name, hcl.InitialPos)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return expr.Value(nil)
}
