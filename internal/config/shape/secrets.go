package shape

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

// misplacedSecret says why a value can't go into a field that is shown to
// everybody, or "" where it can.
func (d *decoder) misplacedSecret(shape reflect.Type, f resource.Field, v cty.Value) string {
	if f.IsSecret() || !v.ContainsMarked() || f.IsDocument() && isContent(v) {
		return ""
	}
	if f.Exports && exportsAreOpen(f, v) {
		return ""
	}
	text := f.Name + " is shown in plans and kept in the state, so it can't hold a sensitive value."
	if takers := d.secretFields(shape, f.Name); len(takers) > 0 {
		text += fmt.Sprintf(" What may hold one: %s.", diag.Enumerate(takers, "and"))
	}
	return text + " If it is no secret, say so: nonsensitive(…)."
}

// literal warns of a secret that stands in the configuration as it is, where everybody
// reads it who reads that, and every copy of it: what is no marked value, and no
// function fetched or made it.
func literal(f resource.Field, v cty.Value, expr hcl.Expression) hcl.Diagnostics {
	if !f.IsSecret() && !(f.IsDocument() && !f.Public && isContent(v)) || v.ContainsMarked() || calls(expr) {
		return nil
	}
	return hcl.Diagnostics{diag.Warning(expr.Range(), "Secret in the configuration", "%s is secret, and whoever reads the configuration reads it too. Write credential(\"name\") for what systemd hands over, a variable with sensitive = true, or sensitive(file(\"name\")) for a file of its own.", f.Name)}
}

// isContent says whether a document is given as it is, and not by its path.
func isContent(v cty.Value) bool {
	v, _ = v.Unmark()
	text, ok := "", v.IsKnown()
	if ok {
		text, ok = value.Text(v)
	}
	return ok && strings.Contains(text, "\n")
}

// calls says whether a function has to do with what comes of an expression. In JSON a
// text is a literal that is the same without anything to work it out by.
func calls(expr hcl.Expression) bool {
	node, ok := expr.(hclsyntax.Expression)
	if !ok {
		_, diags := expr.Value(&hcl.EvalContext{})
		return diags.HasErrors() && len(expr.Variables()) == 0
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		_, call := n.(*hclsyntax.FunctionCallExpr)
		found = found || call
		return nil
	})
	return found
}

// exportsAreOpen says whether all that the reader takes of another block may
// be seen.
func exportsAreOpen(f resource.Field, v cty.Value) bool {
	if v.IsMarked() || !v.Type().IsObjectType() || v.IsNull() || !v.IsKnown() {
		return !v.IsMarked()
	}
	for _, inner := range resource.Fields(f.Type) {
		if v.Type().HasAttribute(inner.Name) && !inner.IsSecret() && v.GetAttr(inner.Name).ContainsMarked() {
			return false
		}
	}
	return true
}

// secretFields lists the attributes that hold secrets: those of the same
// shape, or else those of that name in other kinds.
func (d *decoder) secretFields(shape reflect.Type, name string) []string {
	var names []string
	for _, f := range resource.Fields(shape) {
		if f.IsSecret() && !f.Computed {
			names = append(names, f.Name)
		}
	}
	if len(names) > 0 {
		return names
	}
	for _, k := range d.catalog.Kinds {
		if f, ok := Named(resource.Fields(reflect.TypeOf(k.New())), name); ok && f.IsSecret() && !f.Computed {
			names = append(names, name+" of a "+k.Name)
		}
	}
	return names
}

// SecretNames returns the name of every attribute that may hold a secret;
// default is one, of a variable.
func SecretNames(catalog resource.Catalog) map[string]bool {
	names := map[string]bool{"default": true}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for _, f := range resource.Fields(t) {
			if f.IsSecret() || f.IsDocument() && !f.Public {
				names[f.Name] = true
			}
			if f.Block {
				walk(Element(f))
			}
		}
	}
	for _, name := range Types(catalog) {
		walk(reflect.TypeOf(New(catalog, name)))
	}
	return names
}

// Secrets returns what is written in the attributes of a block that hold secrets.
func Secrets(catalog resource.Catalog, b *hcl.Block) []hcl.Expression {
	kind, body := contentOf(b)
	if shape := New(catalog, kind); shape != nil {
		return secretsIn(body, reflect.TypeOf(shape).Elem())
	}
	return nil
}

// secretive returns the fields of a struct that may hold a secret, and its blocks in
// which there are such ones.
func secretive(t reflect.Type) []resource.Field {
	if known, ok := secretives.Load(t); ok {
		return known.([]resource.Field)
	}
	var fields []resource.Field
	for _, f := range resource.Fields(t) {
		if f.IsSecret() || f.IsDocument() && !f.Public || f.Block && len(secretive(Element(f))) > 0 {
			fields = append(fields, f)
		}
	}
	secretives.Store(t, fields)
	return fields
}

var secretives sync.Map // reflect.Type → []resource.Field

// contentOf returns the type and the body of a block, seeing through dynamic.
func contentOf(b *hcl.Block) (string, hcl.Body) {
	if b.Type != Dynamic {
		return b.Type, b.Body
	}
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "content"}}})
	if len(content.Blocks) == 0 {
		return "", nil
	}
	return b.Labels[0], content.Blocks[0].Body
}

func secretsIn(body hcl.Body, t reflect.Type) []hcl.Expression {
	fields := secretive(t)
	if len(fields) == 0 {
		return nil
	}
	schema := Schema(fields)
	schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: Dynamic, LabelNames: []string{"block"}})
	content, _, _ := body.PartialContent(schema)
	var all []hcl.Expression
	for _, f := range fields {
		if attr := content.Attributes[f.Name]; attr != nil && (f.IsSecret() || writtenOut(attr.Expr)) {
			all = append(all, attr.Expr)
		}
	}
	for _, b := range content.Blocks {
		kind, body := contentOf(b)
		if f, ok := Named(fields, kind); ok && f.Block && body != nil {
			all = append(all, secretsIn(body, Element(f))...)
		}
	}
	return all
}

// writtenOut says whether a document stands in the configuration itself.
func writtenOut(expr hcl.Expression) bool {
	v, _ := expr.Value(&hcl.EvalContext{})
	return isContent(v)
}
