package declare

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
)

// A Dynamic is a dynamic block at the top level, which makes blocks. HCL's own
// extension expands dynamic blocks inside of others; these here make blocks that
// others refer to, so they have a place in the order.
type Dynamic struct {
	Node
	Iterator string
	ForEach  hcl.Expression
	Label    hcl.Expression
	Broken   bool // what it makes nobody knows; a diagnostic says why

	raw     *hcl.Block
	content hcl.Body
}

var dynamicSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "for_each", Required: true}, {Name: "iterator"}, {Name: "labels", Required: true}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
}

func (d *Declared) declareDynamic(dir string, raw *hcl.Block) {
	kind := raw.Labels[0]
	if shape.New(d.catalog, kind) == nil && kind != TypeCheck {
		d.told.Error(raw.LabelRanges[0], "Unknown block", "A dynamic block makes blocks of one type, and there is no type %q.%s", kind, diag.Suggest(kind, append(shape.Types(d.catalog), TypeCheck)))
		return
	}
	made := &Dynamic{Node: Node{Name: "dynamic." + kind, Range: raw.DefRange, Dir: dir}, Iterator: kind, raw: raw}
	d.Dynamics[kind] = append(d.Dynamics[kind], made)
	made.Broken = !d.readDynamic(made)
}

// readDynamic reads the body of a dynamic block and says whether that worked.
func (d *Declared) readDynamic(made *Dynamic) bool {
	content, diags := made.raw.Body.Content(dynamicSchema)
	d.told.Add(diag.Unknown(diags, shape.Dynamic, dynamicSchema))
	if diags.HasErrors() {
		return false
	}
	if len(content.Blocks) != 1 {
		d.told.Error(made.Range, "Dynamic block without content", "A dynamic block wants just one content block, which is the body of every block that it makes.")
		return false
	}
	made.content = content.Blocks[0].Body
	if attr := content.Attributes["iterator"]; attr != nil {
		if made.Iterator = hcl.ExprAsKeyword(attr.Expr); made.Iterator == "" {
			d.told.Error(attr.Expr.Range(), "Unsuitable iterator", "An iterator is one plain name without quotes, as in iterator = each.")
			return false
		}
	}
	list := content.Attributes["labels"].Expr
	labels, diags := hcl.ExprList(list)
	if diags.HasErrors() || len(labels) != 1 {
		d.told.Error(list.Range(), "Unsuitable labels", "The name of each block is given as a list of one, as in labels = [%s.key].", made.Iterator)
		return false
	}
	made.ForEach, made.Label = content.Attributes["for_each"].Expr, labels[0]
	made.Refs = made.ForEach.Variables()
	for _, t := range made.Label.Variables() {
		if t.RootName() != made.Iterator {
			made.Refs = append(made.Refs, t)
		}
	}
	return true
}

// Make declares one block that a dynamic one makes, of that name and for that item.
// It returns nil where it makes a check, and where there is a mistake.
func (d *Declared) Make(made *Dynamic, name string, each map[string]cty.Value) *Block {
	raw := &hcl.Block{
		Type: made.raw.Labels[0], TypeRange: made.raw.LabelRanges[0],
		Labels: []string{name}, LabelRanges: []hcl.Range{made.Label.Range()},
		DefRange: made.raw.DefRange, Body: made.content,
	}
	if raw.Type == TypeCheck {
		d.declareCheck(made.Dir, raw, each)
		return nil
	}
	b := d.declareBlock(made.Dir, raw, each)
	if b != nil {
		d.readReferences(b)
	}
	return b
}
