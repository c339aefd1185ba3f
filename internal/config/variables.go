package config

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// EnvPrefix begins the names of environment variables that give values: that of
// the variable x is in VPND_VAR_x.
const EnvPrefix = "VPND_VAR_"

// A variable is a value that is given from outside.
type variable struct {
	name       string
	rng        hcl.Range
	wantType   cty.Type
	optional   *typeexpr.Defaults
	fallback   *hcl.Attribute
	sensitive  bool
	validation hcl.Blocks
	given      hcl.Expression // from a file
	raw        *string        // from the command line or the environment
	from       string         // where raw was given
}

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "type"}, {Name: "default"}, {Name: "description"}, {Name: "sensitive"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
}

func (l *loader) declareVariable(b *hcl.Block) {
	v := &variable{name: b.Labels[0], rng: b.DefRange, wantType: cty.DynamicPseudoType}
	if first, twice := l.variables[v.name]; twice {
		l.errorAt(b.DefRange, "Variable declared twice", "variable %q is already declared at %s.", v.name, where(first.rng))
		return
	}
	if !hclsyntax.ValidIdentifier(v.name) {
		l.errorAt(b.LabelRanges[0], "Unsuitable name", "A variable is referred to as var.NAME, so its name is letters, digits, _ and -, and begins with a letter.")
		return
	}
	l.variables[v.name] = v
	content, diags := b.Body.Content(variableSchema)
	l.add(explainUnknown(diags, typeVariable, variableSchema))
	v.fallback, v.validation = content.Attributes["default"], content.Blocks
	if attr := content.Attributes["type"]; attr != nil {
		t, optional, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		l.add(diags)
		if !diags.HasErrors() {
			v.wantType, v.optional = t, optional
		}
	}
	if attr := content.Attributes["sensitive"]; attr != nil {
		said, diags := attr.Expr.Value(nil)
		l.add(diags)
		if said.Type() == cty.Bool && said.IsKnown() && !said.IsNull() {
			v.sensitive = said.True()
		} else if !diags.HasErrors() {
			l.errorAt(attr.Expr.Range(), "Unsuitable value", "sensitive wants true or false.")
		}
	}
}

// loadVariables gives every variable its value: a default yields to the
// environment, that to a file, and that to the command line.
func (l *loader) loadVariables() {
	for _, setting := range l.src.Env {
		name, value, _ := strings.Cut(setting, "=")
		if v := l.variables[strings.TrimPrefix(name, EnvPrefix)]; v != nil && strings.HasPrefix(name, EnvPrefix) {
			v.raw, v.from = &value, name
		}
	}
	for _, path := range l.src.VarFiles {
		l.loadVarFile(path)
	}
	for _, name := range sortedKeys(l.src.Vars) {
		value := l.src.Vars[name]
		if v := l.variables[name]; v != nil {
			v.raw, v.given, v.from = &value, nil, "--var "+name
			continue
		}
		l.errorAt(hcl.Range{}, "Value for an undeclared variable", "--var %s: there is no variable %q.%s", name, name, l.suggest(name, func() []string { return sortedKeys(l.variables) }))
	}
	for _, name := range sortedKeys(l.variables) {
		l.values[name] = l.valueOf(l.variables[name])
		l.weights[name] = heaviest - weigh(l.values[name], heaviest)
	}
	for _, name := range sortedKeys(l.variables) {
		l.checkVariable(l.variables[name])
	}
}

func (l *loader) loadVarFile(path string) {
	name := display(path)
	body := l.parse(path, name)
	if body == nil {
		return
	}
	attrs, diags := body.JustAttributes()
	l.add(diags)
	for _, attr := range slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int { return cmp.Compare(a.Name, b.Name) }) {
		v := l.variables[attr.Name]
		if v == nil {
			// A file may be shared by several hosts, so this is no error.
			l.tell(&hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Value for an undeclared variable", Subject: &attr.NameRange,
				Detail: fmt.Sprintf("There is no variable %q.%s", attr.Name, l.suggest(attr.Name, func() []string { return sortedKeys(l.variables) })),
			})
			continue
		}
		v.given, v.raw = attr.Expr, nil
		if v.sensitive {
			l.blankCopy(name)
			l.blank(attr.Expr)
		}
	}
}

// valueOf works out one variable.
func (l *loader) valueOf(v *variable) cty.Value {
	value, at := cty.DynamicVal, v.rng
	switch {
	case v.raw != nil:
		value = l.parseRaw(v)
	case v.given != nil:
		value, at = l.value(v.given, nil), v.given.Range()
	case v.fallback != nil:
		value, at = l.value(v.fallback.Expr, &hcl.EvalContext{Functions: l.functionsIn(l.dirOf(v.rng))}), v.fallback.Expr.Range()
	default:
		l.errorAt(v.rng, "Variable without a value", "variable %q has no default, so it has to be given: on the command line with --var %s=…, in a file with --var-file, or in the environment as %s%s.", v.name, v.name, EnvPrefix, v.name)
	}
	if !value.IsNull() && value.IsKnown() && v.optional != nil {
		value = v.optional.Apply(value)
	}
	converted, err := convert.Convert(value, v.wantType)
	if err != nil {
		origin := ""
		if v.raw != nil {
			origin = " (given by " + v.from + ")"
		}
		l.errorAt(at, "Unsuitable value", "variable %q%s wants %s: %s.", v.name, origin, typeexpr.TypeString(v.wantType), err)
		return cty.DynamicVal
	}
	if v.sensitive {
		converted = converted.Mark(sensitive)
	}
	return converted
}

// parseRaw reads a value from the command line or the environment: text as it
// stands where the variable is a single word, and HCL otherwise.
func (l *loader) parseRaw(v *variable) cty.Value {
	if v.wantType.IsPrimitiveType() || v.wantType == cty.DynamicPseudoType {
		return cty.StringVal(*v.raw)
	}
	tokens, diags := hclsyntax.LexExpression([]byte(*v.raw), v.from, hcl.InitialPos)
	if deep := tooMuch(tokens); deep != nil {
		diags = hcl.Diagnostics{deep}
	}
	var expr hcl.Expression
	if !diags.HasErrors() {
		expr, diags = hclsyntax.ParseExpression([]byte(*v.raw), v.from, hcl.InitialPos)
	}
	if !diags.HasErrors() {
		var value cty.Value
		if value, diags = expr.Value(nil); !diags.HasErrors() {
			return value
		}
	}
	problem := ""
	if !v.sensitive {
		problem = ": " + diags[0].Detail
	}
	l.errorAt(v.rng, "Unsuitable value", "The value that %s gives to variable %q can't be read as %s%s", v.from, v.name, typeexpr.TypeString(v.wantType), problem)
	return cty.DynamicVal
}

// checkVariable evaluates the conditions that a variable's value must meet.
func (l *loader) checkVariable(v *variable) {
	schema := &hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "condition", Required: true}, {Name: "error_message", Required: true}}}
	for _, b := range v.validation {
		content, diags := b.Body.Content(schema)
		l.add(explainUnknown(diags, typeVariable, schema))
		if diags.HasErrors() {
			continue
		}
		condition, message := content.Attributes["condition"].Expr, content.Attributes["error_message"].Expr
		n := &node{name: "var." + v.name, rng: v.rng, dir: l.dirOf(v.rng), refs: append(condition.Variables(), message.Variables()...)}
		ctx := l.context(n)
		holds, _ := l.value(condition, ctx).UnmarkDeep()
		if !holds.IsWhollyKnown() {
			continue
		}
		if holds, err := convert.Convert(holds, cty.Bool); err != nil || holds.IsNull() {
			l.errorAt(condition.Range(), "Unsuitable condition", "The condition of a validation is true or false; this is %s.", describe(holds))
		} else if holds.False() {
			l.errorAt(v.valueRange(), "Unsuitable value", "variable %q: %s", v.name, l.message(message, ctx))
		}
	}
}

func (l *loader) message(expr hcl.Expression, ctx *hcl.EvalContext) string {
	said := l.value(expr, ctx)
	if said.ContainsMarked() {
		return "its value is not accepted; the message is not shown, for it holds a sensitive value."
	}
	text, err := convert.Convert(said, cty.String)
	if err != nil || text.IsNull() || !text.IsKnown() {
		return "its value is not accepted."
	}
	return text.AsString()
}

func (v *variable) valueRange() hcl.Range {
	switch {
	case v.raw == nil && v.given != nil:
		return v.given.Range()
	case v.raw == nil && v.fallback != nil:
		return v.fallback.Expr.Range()
	default:
		return v.rng
	}
}
