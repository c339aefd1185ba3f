package config

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"

	"vpnd/internal/resource"
)

// readReferences finds all that a block refers to: in its attributes, in
// dynamic blocks inside, and in depends_on. What on_change names is kept
// apart, for a unit may well refer to the file whose change restarts it.
func (l *loader) readReferences(b *block) {
	fields := resource.Fields(reflect.TypeOf(b.shape))
	meta, _, _ := b.raw.Body.PartialContent(&hcl.BodySchema{Attributes: bodySchema(nil, metas(fields)...).Attributes})
	dependsOn := l.readList(b, meta.Attributes[metaDependsOn])
	for _, t := range dependsOn {
		name, _ := step(t)
		b.dependsOn = append(b.dependsOn, resource.ID{Kind: t.RootName(), Name: name})
	}
	b.refs = append(bodyReferences(b.raw.Body, fields), dependsOn...)
	b.onChange = l.readList(b, meta.Attributes[metaOnChange])
}

// readList reads a list of references to blocks; they are names of blocks and
// have no value.
func (l *loader) readList(b *block, attr *hcl.Attribute) []hcl.Traversal {
	if attr == nil {
		return nil
	}
	exprs, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		l.errorAt(attr.Expr.Range(), "Unsuitable list", "%s wants a list of blocks, as in %s = [%s].", attr.Name, attr.Name, exampleBlock(attr.Name))
		return nil
	}
	var refs []hcl.Traversal
	for _, expr := range exprs {
		t, diags := hcl.AbsTraversalForExpr(expr)
		_, named := step(t)
		if diags.HasErrors() || !named || len(t) != 2 || t.RootName() == "var" || t.RootName() == "local" {
			l.errorAt(expr.Range(), "Unsuitable reference", "%s wants blocks, each by type and name, as in %s = [%s].", attr.Name, attr.Name, exampleBlock(attr.Name))
			continue
		}
		if l.shapeOf(t.RootName()) == nil {
			l.reportUnknownRoot(t)
			continue
		}
		refs = append(refs, t)
	}
	return refs
}

func exampleBlock(meta string) string {
	if meta == metaOnChange {
		return `unit["ssh.service"]`
	}
	return "tun.tun0"
}

// bodyReferences walks a body and the blocks in it.
func bodyReferences(body hcl.Body, fields []resource.Field) []hcl.Traversal {
	return walkReferences(dynblock.WalkVariables(body), fields)
}

func walkReferences(n dynblock.WalkVariablesNode, fields []resource.Field) []hcl.Traversal {
	refs, children := n.Visit(bodySchema(fields))
	for _, child := range children {
		if f, ok := fieldNamed(fields, child.BlockTypeName); ok && f.Block {
			refs = append(refs, walkReferences(child.Node, resource.Fields(element(f)))...)
		}
	}
	return refs
}
