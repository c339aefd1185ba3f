package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// The blocks of the language itself.
const (
	typeVariable = "variable"
	typeLocals   = "locals"
	typeSettings = "vpnd"
	typeDynamic  = "dynamic"
)

// collect takes every file apart into what it declares, without evaluating
// anything.
func (l *loader) collect() {
	schema := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: typeVariable, LabelNames: []string{"name"}},
		{Type: typeLocals},
		{Type: typeSettings},
		{Type: typeCheck, LabelNames: []string{"name"}},
		{Type: typeDynamic, LabelNames: []string{"block"}},
	}}
	for _, name := range blockTypes(l.catalog) {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: []string{"name"}})
	}
	for _, s := range l.sources {
		content, diags := s.body.Content(schema)
		l.add(explainUnknown(diags, "", schema))
		for _, b := range content.Blocks {
			l.raw = append(l.raw, b)
			l.declare(s, b)
		}
	}
}

func (l *loader) declare(s source, b *hcl.Block) {
	switch b.Type {
	case typeVariable:
		l.declareVariable(b)
	case typeLocals:
		l.declareLocals(s, b)
	case typeSettings:
		l.settings = append(l.settings, b)
	case typeCheck:
		l.declareCheck(s.dir, b, nil)
	case typeDynamic:
		l.declareDynamic(s, b)
	default:
		l.declareBlock(s.dir, b, nil, nil)
	}
}

func (l *loader) declareLocals(s source, b *hcl.Block) {
	attrs, diags := b.Body.JustAttributes()
	l.add(diags)
	for name, attr := range attrs {
		n := &node{name: "local." + name, rng: attr.NameRange, dir: s.dir, refs: attr.Expr.Variables()}
		if first, twice := l.locals[name]; twice {
			later, first := inOrder(attr.NameRange, first.rng)
			l.errorAt(later, "Local value declared twice", "local.%s is already declared at %s.", name, where(first))
			continue
		}
		n.run = func(ctx *hcl.EvalContext) cty.Value { return l.value(attr.Expr, ctx) }
		l.locals[name] = n
	}
}

// declareBlock takes note of a block that stands for resources; iter holds the
// iterator where a dynamic block made it, which reaches other blocks itself.
func (l *loader) declareBlock(dir string, raw *hcl.Block, iter map[string]cty.Value, maker *node) {
	if raw.Type == typeCheck {
		l.declareCheck(dir, raw, iter)
		return
	}
	id := resource.ID{Kind: raw.Type, Name: raw.Labels[0]}
	if id.Name == "" {
		l.errorAt(raw.DefRange, "Block without a name", "A %s block wants a name, as in %s \"office\".", id.Kind, id.Kind)
		return
	}
	if first, twice := l.blocks[id]; twice {
		l.errorAt(raw.DefRange, "Block declared twice", "%s is already declared at %s. Give one of them another name, or make one block of both.", id, where(first.rng))
		return
	}
	b := &block{id: id, raw: raw, shape: l.shapeOf(id.Kind)}
	b.node = node{name: id.String(), rng: raw.DefRange, dir: dir, iter: iter, self: b}
	if maker != nil {
		b.after(maker.reach)
	}
	b.run = func(ctx *hcl.EvalContext) cty.Value { return l.decode(b, ctx) }
	l.readReferences(b)
	l.blocks[id] = b
	l.order = append(l.order, b)
	l.byType[id.Kind] = append(l.byType[id.Kind], b)
}

// inOrder returns the later of two places first: maps are walked in any order.
func inOrder(a, b hcl.Range) (later, earlier hcl.Range) {
	if a.Filename < b.Filename || a.Filename == b.Filename && a.Start.Byte < b.Start.Byte {
		return b, a
	}
	return a, b
}
