package shape

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/json"

	"vpnd/internal/config/diag"
)

// shared settles what JSON does not tell apart: whether what goes by a name that an
// attribute and a block share, as group of openvpn_server, is the one or the other. Text
// is the attribute, objects are blocks; both at once is a mistake.
func shared(body hcl.Body, schema *hcl.BodySchema) (*hcl.BodySchema, hcl.Diagnostics) {
	var told hcl.Diagnostics
	for _, block := range schema.Blocks {
		named := func(a hcl.AttributeSchema) bool { return a.Name == block.Type }
		if !slices.ContainsFunc(schema.Attributes, named) {
			continue
		}
		content, _, diags := body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: block.Type}}})
		attr := content.Attributes[block.Type]
		if attr == nil || !json.IsJSONExpression(attr.Expr) {
			continue
		}
		if diags.HasErrors() { // it is there twice
			told = append(told, diag.Error(attr.Range, "Attribute and blocks of one name", "In JSON %s can be its attribute or its blocks, and not both at once. Write this block in HCL, in another file of the directory.", block.Type))
		}
		v, _ := attr.Expr.Value(nil)
		if t := v.Type(); diags.HasErrors() || t.IsObjectType() || t.IsTupleType() {
			schema = &hcl.BodySchema{Attributes: slices.DeleteFunc(slices.Clone(schema.Attributes), named), Blocks: schema.Blocks}
		}
	}
	return schema, told
}
