package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/value"
	"vpnd/internal/config/variables"
)

// loadVariables gives every variable its value.
func (e *evaluator) loadVariables() {
	for _, name := range sortedKeys(e.declared.Variables) {
		v := e.valueOf(e.declared.Variables[name])
		e.variables[name], e.weights["var."+name] = v, value.Weight(v)
	}
}

// valueOf works out one variable.
func (e *evaluator) valueOf(v *declare.Variable) cty.Value {
	given := e.env.Given[v.Name]
	worth := e.givenValue(v, given)
	if !worth.IsNull() && worth.IsKnown() && v.Optional != nil {
		worth = v.Optional.Apply(worth)
	}
	converted, err := convert.Convert(worth, v.Type)
	if err != nil {
		origin := ""
		if given.Text != nil {
			origin = " (given by " + given.By + ")"
		}
		e.told.Error(valuePlace(v, given), "Unsuitable value", "variable %q%s wants %s: %s.", v.Name, origin, typeexpr.TypeString(v.Type), err)
		return cty.DynamicVal
	}
	if v.Sensitive {
		converted = converted.Mark(value.Sensitive)
	}
	return converted
}

// givenValue works out what is given for a variable, or its default.
func (e *evaluator) givenValue(v *declare.Variable, given variables.Given) cty.Value {
	switch {
	case given.Text != nil:
		worth, problem := given.Read(v)
		if problem != nil {
			e.told.Tell(problem)
		}
		return worth
	case given.Expr != nil:
		return e.value(given.Expr, nil)
	case v.Default != nil:
		return e.value(v.Default, &hcl.EvalContext{Functions: e.functionsIn(v.Dir)})
	}
	e.told.Error(v.Range, "Variable without a value", "variable %q has no default, so it has to be given: on the command line with --var %s=…, in a file with --var-file, or in the environment as %s%s.", v.Name, v.Name, variables.EnvPrefix, v.Name)
	return cty.DynamicVal
}

// valuePlace returns where the value of a variable is written.
func valuePlace(v *declare.Variable, given variables.Given) hcl.Range {
	switch {
	case given.Expr != nil:
		return given.Expr.Range()
	case given.Text == nil && v.Default != nil:
		return v.Default.Range()
	default:
		return v.Range
	}
}

// checkVariables evaluates the conditions that the values of variables must meet.
func (e *evaluator) checkVariables() {
	for _, name := range sortedKeys(e.declared.Variables) {
		v := e.declared.Variables[name]
		for _, c := range v.Conditions {
			e.checkCondition(v, c)
		}
	}
}

func (e *evaluator) checkCondition(v *declare.Variable, c declare.Condition) {
	ctx := e.context(&node{Node: c.Node})
	holds, _ := e.value(c.Holds, ctx).UnmarkDeep()
	if !holds.IsWhollyKnown() {
		return
	}
	truth, err := convert.Convert(holds, cty.Bool)
	switch {
	case err != nil || truth.IsNull():
		e.told.Error(c.Holds.Range(), "Unsuitable condition", "The condition of a validation is true or false; this is %s.", value.Describe(holds))
	case truth.False():
		e.told.Error(valuePlace(v, e.env.Given[v.Name]), "Unsuitable value", "variable %q: %s", v.Name, e.message(c.Message, ctx))
	}
}

func (e *evaluator) message(expr hcl.Expression, ctx *hcl.EvalContext) string {
	said := e.value(expr, ctx)
	if said.ContainsMarked() {
		return "its value is not accepted; the message is not shown, for it holds a sensitive value."
	}
	text, err := convert.Convert(said, cty.String)
	if err != nil || text.IsNull() || !text.IsKnown() {
		return "its value is not accepted."
	}
	return text.AsString()
}
