package shape

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"

	"vpnd/internal/resource"
)

// References returns what a body refers to, the blocks in it included.
func References(body hcl.Body, fields []resource.Field) []hcl.Traversal {
	return walkReferences(dynblock.WalkVariables(body), fields)
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
