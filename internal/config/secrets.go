package config

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// mark is the type of the one mark that values carry.
type mark string

// sensitive marks a value that must not be seen, and all that is made of it.
const sensitive mark = "sensitive"

// misplacedSecret says why a value can't go into a field that is shown to
// everybody, or "" where it can.
func (d *decoder) misplacedSecret(shape reflect.Type, f resource.Field, v cty.Value) string {
	if f.IsSecret() || !v.ContainsMarked() {
		return ""
	}
	if f.Exports && exportsAreOpen(f, v) {
		return ""
	}
	text := f.Name + " is shown in plans and kept in the state, so it can't hold a sensitive value."
	if takers := d.secretFields(shape, f.Name); len(takers) > 0 {
		text += fmt.Sprintf(" What may hold one: %s.", enumerate(takers, "and"))
	}
	return text + " If it is no secret, say so: nonsensitive(…)."
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
		if f, ok := fieldNamed(resource.Fields(reflect.TypeOf(k.New())), name); ok && f.IsSecret() && !f.Computed {
			names = append(names, name+" of a "+k.Name)
		}
	}
	return names
}

// blankSecrets overwrites secrets that are written out in the files, so that
// no snippet of them shows one. The files were parsed before, from a copy.
func (l *loader) blankSecrets() {
	for name, f := range l.files {
		l.blankCopy(name)
		if body, ok := f.Body.(*hclsyntax.Body); ok {
			_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
				if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "sensitive" {
					for _, arg := range call.Args {
						l.blank(arg)
					}
				}
				return nil
			})
		}
	}
	for _, v := range l.variables {
		if v.sensitive && v.fallback != nil {
			l.blank(v.fallback.Expr)
		}
	}
	for _, b := range l.raw {
		kind, body := contentOf(b)
		if shape := l.shapeOf(kind); shape != nil {
			l.blankBody(body, resource.Fields(reflect.TypeOf(shape)))
		}
	}
}

// contentOf returns the type and the body of a block, seeing through dynamic.
func contentOf(b *hcl.Block) (string, hcl.Body) {
	if b.Type != typeDynamic {
		return b.Type, b.Body
	}
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "content"}}})
	if len(content.Blocks) == 0 {
		return "", nil
	}
	return b.Labels[0], content.Blocks[0].Body
}

// blankCopy puts a copy in the place of a file's text, for blanks to be written
// into: the text itself belongs to the parser.
func (l *loader) blankCopy(name string) {
	copied := *l.files[name]
	copied.Bytes = slices.Clone(copied.Bytes)
	l.files[name] = &copied
}

func (l *loader) blankBody(body hcl.Body, fields []resource.Field) {
	schema := bodySchema(fields)
	schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: typeDynamic, LabelNames: []string{"block"}})
	content, _, _ := body.PartialContent(schema)
	for _, f := range fields {
		if attr := content.Attributes[f.Name]; attr != nil && f.IsSecret() {
			l.blank(attr.Expr)
		}
	}
	for _, b := range content.Blocks {
		kind, body := contentOf(b)
		if f, ok := fieldNamed(fields, kind); ok && f.Block && body != nil {
			l.blankBody(body, resource.Fields(element(f)))
		}
	}
}

// blank overwrites the text written out in an expression, but not its
// references, which a message may have to show.
func (l *loader) blank(expr hcl.Expression) {
	node, native := expr.(hclsyntax.Expression)
	if !native {
		if len(expr.Variables()) == 0 {
			l.blankRange(expr.Range())
		}
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			l.blankRange(literal.SrcRange)
		}
		return nil
	})
}

func (l *loader) blankRange(r hcl.Range) {
	f := l.files[r.Filename]
	if f == nil {
		return
	}
	for i := r.Start.Byte; i < min(r.End.Byte, len(f.Bytes)); i++ {
		if f.Bytes[i] != '\n' && f.Bytes[i] != '\r' {
			f.Bytes[i] = '*'
		}
	}
}

// redact hides what a diagnostic tells of an expression with a sensitive
// value: functions quote their arguments in their errors.
func redact(d *hcl.Diagnostic) {
	if d.Expression == nil || !touchesSecret(d.Expression, d.EvalContext) {
		return
	}
	d.Detail = "This expression holds a sensitive value, so what is wrong with it is not shown: it might tell the value."
	d.Expression, d.EvalContext = nil, nil
}

func touchesSecret(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	for _, t := range expr.Variables() {
		v, diags := t.TraverseAbs(ctx)
		if diags.HasErrors() {
			v = rootValue(t.RootName(), ctx)
		}
		if v != cty.NilVal && v.ContainsMarked() {
			return true
		}
	}
	node, ok := expr.(hclsyntax.Expression)
	if !ok {
		return false
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if ok && n != hclsyntax.Node(node) && (call.Name == "sensitive" || call.Name == "credential") {
			found = true
		}
		return nil
	})
	return found
}

func rootValue(name string, ctx *hcl.EvalContext) cty.Value {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[name]; ok {
			return v
		}
	}
	return cty.NilVal
}
