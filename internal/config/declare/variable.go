package declare

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
)

// A Variable is a value that is given from outside.
type Variable struct {
	Name       string
	Range      hcl.Range
	Dir        string
	Type       cty.Type
	Optional   *typeexpr.Defaults // of attributes of an object
	Default    hcl.Expression     // nil where there is none
	Sensitive  bool
	Conditions []Condition // what its value has to meet
}

// A Condition is a validation block of a variable.
type Condition struct {
	Node
	Holds, Message hcl.Expression
}

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
}

func (d *Declared) declareVariable(dir string, b *hcl.Block) {
	v := &Variable{Name: b.Labels[0], Range: b.DefRange, Dir: dir, Type: cty.DynamicPseudoType}
	if first, twice := d.Variables[v.Name]; twice {
		d.told.Error(b.DefRange, "Variable declared twice", "variable %q is already declared at %s. Give one of them another name.", v.Name, diag.Where(first.Range))
		return
	}
	if !hclsyntax.ValidIdentifier(v.Name) {
		d.told.Error(b.LabelRanges[0], "Unsuitable name", "A variable is referred to as var.NAME, so its name is letters, digits, _ and -, and begins with a letter.")
		return
	}
	d.Variables[v.Name] = v
	content, diags := b.Body.Content(variableSchema)
	d.told.Add(diag.Unknown(diags, TypeVariable, variableSchema))
	if attr := content.Attributes["default"]; attr != nil {
		v.Default = attr.Expr
	}
	d.readType(v, content.Attributes["type"])
	d.readSensitive(v, content.Attributes["sensitive"])
	for _, b := range content.Blocks {
		d.readCondition(v, b.Body)
	}
}

func (d *Declared) readType(v *Variable, attr *hcl.Attribute) {
	if attr == nil {
		return
	}
	t, optional, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
	d.told.Add(diags)
	if !diags.HasErrors() {
		v.Type, v.Optional = t, optional
	}
}

func (d *Declared) readSensitive(v *Variable, attr *hcl.Attribute) {
	if attr == nil {
		return
	}
	said, diags := attr.Expr.Value(nil)
	d.told.Add(diags)
	if said.Type() == cty.Bool && said.IsKnown() && !said.IsNull() {
		v.Sensitive = said.True()
	} else if !diags.HasErrors() {
		d.told.Error(attr.Expr.Range(), "Unsuitable value", "sensitive wants true or false, as in sensitive = true.")
	}
}

var conditionSchema = &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}}}

func (d *Declared) readCondition(v *Variable, body hcl.Body) {
	content, diags := body.Content(conditionSchema)
	d.told.Add(diag.Unknown(diags, TypeVariable+".validation", conditionSchema))
	if diags.HasErrors() {
		return
	}
	c := Condition{Holds: content.Attributes["condition"].Expr, Message: content.Attributes["error_message"].Expr}
	c.Node = Node{Name: "var." + v.Name, Range: v.Range, Dir: v.Dir, Refs: append(c.Holds.Variables(), c.Message.Variables()...)}
	v.Conditions = append(v.Conditions, c)
}
