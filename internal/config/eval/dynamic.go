package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/shape"
	"vpnd/internal/config/value"
)

// mostBlocks is how many dynamic blocks may make.
const mostBlocks = 200000

// expand declares the blocks; its own value is known only if that worked.
func (e *evaluator) expand(maker *node, d *declare.Dynamic, ctx *hcl.EvalContext) cty.Value {
	each := e.value(d.ForEach, ctx)
	if problem := shape.ForEach(each, d.ForEach); problem != nil {
		e.told.Tell(problem)
		return cty.DynamicVal
	}
	if !each.IsKnown() {
		return cty.DynamicVal
	}
	if e.made += each.LengthInt(); e.made > mostBlocks {
		e.told.Error(d.ForEach.Range(), "Too many blocks", "Dynamic blocks would make more than %d.", mostBlocks)
		return cty.DynamicVal
	}
	outcome := cty.True
	for it := each.ElementIterator(); it.Next(); {
		key, item := it.Element()
		if each.Type().IsSetType() {
			key = item
		}
		child := ctx.NewChild()
		child.Variables = map[string]cty.Value{d.Iterator: cty.ObjectVal(map[string]cty.Value{"key": key, "value": item})}
		name, ok := e.nameOf(d, child)
		if !ok {
			outcome = cty.DynamicVal
			continue
		}
		if b := e.declared.Make(d, name, child.Variables); b != nil {
			e.addBlock(b).after(maker.reach)
		}
	}
	return outcome
}

// nameOf works out the label of one block.
func (e *evaluator) nameOf(d *declare.Dynamic, ctx *hcl.EvalContext) (string, bool) {
	v := e.value(d.Label, ctx)
	if v.ContainsMarked() {
		e.told.Error(d.Label.Range(), "Sensitive value as a name", "The name of a block is shown in plans, so it can't be a sensitive value.")
		return "", false
	}
	if !v.IsWhollyKnown() {
		return "", false
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || text.IsNull() {
		e.told.Error(d.Label.Range(), "Unsuitable labels", "The name of a block is text; this is %s.", value.Describe(v))
		return "", false
	}
	return text.AsString(), true
}

// visitMakers expands every dynamic block that makes blocks of this type, and
// says whether all of them could be.
func (e *evaluator) visitMakers(kind string, from hcl.Range) bool {
	certain := true
	for _, n := range e.dynamics[kind] {
		e.visit(n, from)
		certain = certain && n.value.IsKnown()
	}
	return certain
}
