package shape

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/resource"
)

// References returns what a body refers to, the blocks in it included.
func References(body hcl.Body, fields []resource.Field) []hcl.Traversal {
	if b, still := static(body); still {
		return referencesIn(b, fields)
	}
	return walkReferences(dynblock.WalkVariables(body), fields)
}

// referencesIn goes through a body as it is written.
func referencesIn(b *hclsyntax.Body, fields []resource.Field) []hcl.Traversal {
	var refs []hcl.Traversal
	for _, f := range fields {
		attr := b.Attributes[f.Name]
		switch {
		case f.Label || f.Computed:
		case f.Block:
			for _, inner := range b.Blocks {
				if inner.Type == f.Name {
					refs = append(refs, referencesIn(inner.Body, resource.Fields(Element(f)))...)
				}
			}
		case attr != nil:
			refs = append(refs, attr.Expr.Variables()...)
		}
	}
	return refs
}

func walkReferences(n dynblock.WalkVariablesNode, fields []resource.Field) []hcl.Traversal {
	refs, children := n.Visit(Schema(fields))
	for _, child := range children {
		if f, ok := Named(fields, child.BlockTypeName); ok && f.Block {
			refs = append(refs, walkReferences(child.Node, resource.Fields(Element(f)))...)
		}
	}
	return refs
}
