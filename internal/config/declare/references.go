package declare

import (
	"fmt"
	"reflect"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// Step returns the name that follows the root of a reference: x of var.x and of
// tun["x"]. There is none where the reference means all there are.
func Step(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch s := t[1].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() && !s.Key.IsMarked() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// readReferences finds all that a block refers to: in its attributes, in
// dynamic blocks inside, and in depends_on. What on_change names is kept
// apart, for a unit may well refer to the file whose change restarts it.
func (d *Declared) readReferences(b *Block) {
	fields := resource.Fields(reflect.TypeOf(b.Shape))
	meta, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: shape.Schema(nil, shape.Metas(fields)...).Attributes})
	dependsOn := d.readList(meta.Attributes[shape.DependsOn])
	for _, t := range dependsOn {
		name, _ := Step(t)
		b.DependsOn = append(b.DependsOn, resource.ID{Kind: t.RootName(), Name: name})
	}
	b.Refs = append(shape.References(b.Body, fields), dependsOn...)
	b.OnChange = d.readList(meta.Attributes[shape.OnChange])
}

// readList reads a list of references to blocks; they are names of blocks and
// have no value.
func (d *Declared) readList(attr *hcl.Attribute) []hcl.Traversal {
	if attr == nil {
		return nil
	}
	exprs, diags := hcl.ExprList(attr.Expr)
	if diags.HasErrors() {
		d.told.Error(attr.Expr.Range(), "Unsuitable list", "%s wants a list of blocks, as in %s = [%s].", attr.Name, attr.Name, exampleBlock(attr.Name))
		return nil
	}
	var refs []hcl.Traversal
	for _, expr := range exprs {
		t, diags := hcl.AbsTraversalForExpr(expr)
		_, named := Step(t)
		if diags.HasErrors() || !named || len(t) != 2 || t.RootName() == "var" || t.RootName() == "local" {
			d.told.Error(expr.Range(), "Unsuitable reference", "%s wants blocks, each by type and name, as in %s = [%s].", attr.Name, attr.Name, exampleBlock(attr.Name))
			continue
		}
		if shape.New(d.catalog, t.RootName()) == nil {
			d.UnknownName(t)
			continue
		}
		refs = append(refs, t)
	}
	return refs
}

func exampleBlock(meta string) string {
	if meta == shape.OnChange {
		return `unit["ssh.service"]`
	}
	return "tun.tun0"
}

// UnknownName tells of a reference that begins with a name of nothing.
func (d *Declared) UnknownName(t hcl.Traversal) {
	root := t.RootName()
	names := append(shape.Types(d.catalog), "var", "local")
	hint := ""
	if name := diag.Nearest(root, names); name != "" {
		hint = fmt.Sprintf(" Did you mean %q?", name)
	}
	if hostlike(t) {
		if levenshtein.Distance(root, diag.Nearest(root, names), nil) > 1 { // vpn.example.com is no tun
			hint = ""
		}
		hint += " If it is text, such as the name of a host, put it in quotes."
	} else if len(t) == 1 {
		hint += " If it is text, put it in quotes."
	}
	if _, ok := d.Variables[root]; ok {
		hint = fmt.Sprintf(" Did you mean var.%s?", root)
	} else if _, ok := d.Locals[root]; ok {
		hint = fmt.Sprintf(" Did you mean local.%s?", root)
	}
	called := "of that name" // which may be a secret without its quotes
	if len(t) > 1 {
		called = fmt.Sprintf("named %q", root)
	}
	d.told.Error(t.SourceRange(), "Reference to an unknown name", "There is nothing %s: a reference begins with var, local or the type of a block.%s", called, hint)
}

// hostlike says whether words stand there with dots between them, as in the name
// of a host.
func hostlike(t hcl.Traversal) bool {
	for _, step := range t[1:] {
		if _, ok := step.(hcl.TraverseAttr); !ok {
			return false
		}
	}
	return len(t) > 1
}
