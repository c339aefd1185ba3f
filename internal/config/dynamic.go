package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// declareDynamic takes note of a dynamic block at the top level, which makes
// blocks. HCL's own extension expands dynamic blocks inside of others; these
// here make blocks that others refer to, so they have a place in the order.
func (l *loader) declareDynamic(s source, raw *hcl.Block) {
	kind := raw.Labels[0]
	if l.shapeOf(kind) == nil && kind != typeCheck {
		l.errorAt(raw.LabelRanges[0], "Unknown block", "A dynamic block makes blocks of one type, and there is no type %q.%s", kind, suggest(kind, append(blockTypes(l.catalog), typeCheck)))
		return
	}
	content, diags := raw.Body.Content(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "for_each", Required: true}, {Name: "iterator"}, {Name: "labels", Required: true}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	})
	l.add(diags)
	n := &node{name: "dynamic." + kind, rng: raw.DefRange, dir: s.dir, value: cty.DynamicVal, state: done}
	l.dynamics[kind] = append(l.dynamics[kind], n)
	if diags.HasErrors() {
		return
	}
	if len(content.Blocks) != 1 {
		l.errorAt(raw.DefRange, "Dynamic block without content", "A dynamic block wants just one content block, which is the body of every block that it makes.")
		return
	}
	d := dynamic{loader: l, node: n, raw: raw, iterator: kind, forEach: content.Attributes["for_each"].Expr, content: content.Blocks[0].Body}
	if !d.readIterator(content.Attributes["iterator"]) || !d.readLabel(content.Attributes["labels"].Expr) {
		return
	}
	n.state, n.run = untouched, d.expand
	n.refs = d.forEach.Variables()
	for _, t := range d.label.Variables() {
		if t.RootName() != d.iterator {
			n.refs = append(n.refs, t)
		}
	}
}

// A dynamic is a dynamic block at the top level.
type dynamic struct {
	*loader
	node     *node
	raw      *hcl.Block
	iterator string
	forEach  hcl.Expression
	label    hcl.Expression
	content  hcl.Body
}

func (d *dynamic) readIterator(attr *hcl.Attribute) bool {
	if attr == nil {
		return true
	}
	name := hcl.ExprAsKeyword(attr.Expr)
	if name == "" {
		d.errorAt(attr.Expr.Range(), "Unsuitable iterator", "An iterator is one plain name without quotes, as in iterator = each.")
		return false
	}
	d.iterator = name
	return true
}

func (d *dynamic) readLabel(expr hcl.Expression) bool {
	labels, diags := hcl.ExprList(expr)
	if diags.HasErrors() || len(labels) != 1 {
		d.errorAt(expr.Range(), "Unsuitable labels", "The name of each block is given as a list of one, as in labels = [%s.key].", d.iterator)
		return false
	}
	d.label = labels[0]
	return true
}

// expand declares the blocks; its own value is known only if that worked.
func (d *dynamic) expand(ctx *hcl.EvalContext) cty.Value {
	each := d.value(d.forEach, ctx)
	if problem := checkForEach(each, d.forEach); problem != nil {
		d.add(hcl.Diagnostics{problem})
		return cty.DynamicVal
	}
	if !each.IsKnown() {
		return cty.DynamicVal
	}
	if d.made += each.LengthInt(); d.made > mostBlocks {
		d.errorAt(d.forEach.Range(), "Too many blocks", "Dynamic blocks would make more than %d.", mostBlocks)
		return cty.DynamicVal
	}
	outcome := cty.True
	for it := each.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if each.Type().IsSetType() {
			key = value
		}
		iter := map[string]cty.Value{d.iterator: cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
		child := ctx.NewChild()
		child.Variables = iter
		name, ok := d.name(child)
		if !ok {
			outcome = cty.DynamicVal
			continue
		}
		d.declareBlock(d.node.dir, &hcl.Block{
			Type: d.raw.Labels[0], TypeRange: d.raw.LabelRanges[0],
			Labels: []string{name}, LabelRanges: []hcl.Range{d.label.Range()},
			DefRange: d.raw.DefRange, Body: d.content,
		}, iter, d.node)
	}
	return outcome
}

// name works out the label of one block.
func (d *dynamic) name(ctx *hcl.EvalContext) (string, bool) {
	v := d.value(d.label, ctx)
	if v.ContainsMarked() {
		d.errorAt(d.label.Range(), "Sensitive value as a name", "The name of a block is shown in plans, so it can't be a sensitive value.")
		return "", false
	}
	if !v.IsWhollyKnown() {
		return "", false
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || text.IsNull() {
		d.errorAt(d.label.Range(), "Unsuitable labels", "The name of a block is text; this is %s.", describe(v))
		return "", false
	}
	return text.AsString(), true
}

// checkForEach says what is wrong with the collection of a dynamic block,
// inside a block or at the top level.
func checkForEach(v cty.Value, expr hcl.Expression) *hcl.Diagnostic {
	switch {
	case v.IsMarked():
		return errorAt(expr.Range(), "Sensitive value in for_each", "How many blocks there are is shown in plans, so for_each can't be a sensitive value. If it is no secret, say so with nonsensitive().")
	case !v.IsKnown():
		return nil
	case v.IsNull() || !v.CanIterateElements():
		return errorAt(expr.Range(), "Unsuitable for_each", "for_each wants a list, a set or a map, as in for_each = [\"a\", \"b\"]; this is %s.", describe(v))
	}
	return nil
}

// visitMakers expands every dynamic block that makes blocks of this type, and
// says whether all of them could be.
func (l *loader) visitMakers(kind string, from hcl.Range) bool {
	certain := true
	for _, n := range l.dynamics[kind] {
		l.visit(n, from)
		certain = certain && n.value.IsKnown()
	}
	return certain
}
