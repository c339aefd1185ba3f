package eval

import (
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// A block is a node that stands for resources.
type block struct {
	node
	id   resource.ID
	decl *declare.Block
	at   shape.Places
	read []string // paths of its documents
}

// addBlock takes note of a block.
func (e *evaluator) addBlock(d *declare.Block) *block {
	b := &block{id: d.ID, decl: d}
	b.node = node{Node: d.Node, run: func(ctx *hcl.EvalContext) cty.Value { return e.decode(b, ctx) }}
	e.blocks[d.ID] = b
	e.order = append(e.order, b)
	e.byType[d.ID.Kind] = append(e.byType[d.ID.Kind], b)
	return b
}

// decode fills the shape of a block and has it checked. What it exports nobody has asked
// for yet.
func (e *evaluator) decode(b *block, ctx *hcl.EvalContext) cty.Value {
	metas := shape.Metas(resource.Fields(reflect.TypeOf(b.decl.Shape)))
	d := shape.Decode(b.decl.Body, b.decl.Shape, ctx, e.env.Catalog, b.id.Kind, b.id.Kind, metas...)
	b.at = d.At
	exposed := e.open(b, d)
	e.told.Add(d.Diags)
	b.failed = !d.Whole()
	if !b.failed {
		if problem := shape.Inline(b.decl.Shape, b.id.String(), d.At.Find("source", b.Range), e.directory(b.Dir).Read); problem != nil {
			e.told.Tell(problem)
			b.failed = true
		}
	}
	if !e.validate(b.decl.Shape, b.id.Name, d, b.Range, b.id.String()) {
		b.failed = true
	}
	if !b.failed && !e.stage(b) {
		b.failed = true
	}
	e.told.Tell(exposed...) // last, for where something is told of a place, no more is
	if b.failed {
		return cty.DynamicVal
	}
	return cty.NilVal
}

// exported returns what others can know of a block that was visited: of thousands,
// hardly one is ever referred to.
func (b *block) exported() cty.Value {
	if b.value == cty.NilVal {
		b.value = shape.Exports(b.id, b.decl.Shape)
	}
	return b.value
}

// validate reports what a shape says is wrong with it, each mistake at its place, and
// says whether there are none. Where something was told of the place, that is enough.
func (e *evaluator) validate(filled any, name string, d *shape.Decoded, all hcl.Range, called string) bool {
	good := true
	for _, m := range d.Mistakes(filled, name) {
		at := d.At.Find(m.Path, all)
		if e.told.TellOf(at) {
			continue
		}
		e.told.Tell(diag.Mistake(m, called, at))
		good = good && m.Warning
	}
	if good && d.Whole() {
		e.told.Tell(d.Literals...)
	}
	return good
}

// result returns the block as others see it.
func (b *block) result() Block {
	after := slices.DeleteFunc(slices.Clone(b.reach), func(id resource.ID) bool { return id == b.id })
	slices.SortFunc(after, resource.ID.Compare)
	return Block{ID: b.id, Range: b.Range, Shape: b.decl.Shape, At: b.at, After: after, DependsOn: b.decl.DependsOn, Read: b.read, Failed: b.failed}
}

// named finds the blocks that references name. Those that there are none of are told.
func (e *evaluator) named(refs []hcl.Traversal) []Reference {
	var all []Reference
	for _, t := range refs {
		name, _ := declare.Step(t)
		if b := e.lookup(resource.ID{Kind: t.RootName(), Name: name}, t); b != nil {
			all = append(all, Reference{Block: b.id, Range: t.SourceRange()})
		}
	}
	return all
}
