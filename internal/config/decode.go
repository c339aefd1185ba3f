package config

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// decode fills the shape of a block, has it checked and returns what the block
// exports.
func (l *loader) decode(b *block, ctx *hcl.EvalContext) cty.Value {
	d := decoder{catalog: l.catalog, ctx: ctx, at: make(places), block: b.id.Kind}
	body := dynblock.Expand(b.raw.Body, ctx, dynblock.OptCheckForEach(d.checkForEach))
	fields := resource.Fields(reflect.TypeOf(b.shape))
	d.body(reflect.ValueOf(b.shape).Elem(), b.id.Kind, "", body, bodySchema(fields, metas(fields)...))
	b.at = d.at
	l.add(d.diags)
	b.failed = d.unknown || d.diags.HasErrors()
	if !b.failed {
		l.inlineSource(b)
	}
	if !l.validate(b.shape, b.id.Name, &d, b.rng, b.id.String()) {
		b.failed = true
	}
	if b.failed {
		return cty.DynamicVal
	}
	return exports(b)
}

// A places says where each attribute and nested block was written:
// "keepalive.restart", "client.guest", "rules[2]".
type places map[string]hcl.Range

// A decoder fills the shape of one block.
type decoder struct {
	catalog resource.Catalog
	ctx     *hcl.EvalContext
	block   string // type of the block at the top level
	at      places
	unknown bool     // something has no value, which is told elsewhere
	holes   []string // paths of what is missing or did not fit, which was told
	diags   hcl.Diagnostics
}

// quiet marks a diagnostic that only stops HCL from going on with a value that
// is missing for a reason told elsewhere.
type quiet struct{}

func (d *decoder) checkForEach(v cty.Value, expr hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
	if problem := checkForEach(v, expr); problem != nil {
		return hcl.Diagnostics{problem}
	}
	if !v.IsKnown() {
		d.unknown = true
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unknown value", Extra: quiet{}}}
	}
	return nil
}

func (d *decoder) add(diags hcl.Diagnostics) {
	for _, diag := range diags {
		if diag.Extra != (quiet{}) {
			d.diags = append(d.diags, diag)
		}
	}
}

// body fills one struct from one body; path is the path of the struct with its
// last dot, and name what the struct is called in a message.
func (d *decoder) body(dst reflect.Value, name, path string, body hcl.Body, schema *hcl.BodySchema) {
	content, diags := body.Content(schema)
	d.add(explainUnknown(diags, d.block+dotted(path), schema))
	blocks := make(map[string]hcl.Blocks)
	for _, b := range content.Blocks {
		blocks[b.Type] = append(blocks[b.Type], b)
	}
	for _, f := range resource.Fields(dst.Type()) {
		switch {
		case f.Label || f.Computed:
		case f.Block:
			d.blocks(dst.Field(f.Index), f, name, path, blocks[f.Name], content.MissingItemRange)
		default:
			d.attribute(dst, f, name, path, content.Attributes[f.Name], content.MissingItemRange)
		}
	}
}

func dotted(path string) string {
	if path == "" {
		return ""
	}
	return "." + path[:len(path)-1]
}

// attribute sets one field, or its default where the attribute is left out or
// null.
func (d *decoder) attribute(dst reflect.Value, f resource.Field, name, path string, attr *hcl.Attribute, missing hcl.Range) {
	given := cty.NullVal(cty.DynamicPseudoType)
	if attr != nil {
		d.note(path+f.Name, attr.Expr)
		v, diags := attr.Expr.Value(d.ctx)
		d.add(diags)
		if diags.HasErrors() {
			d.unknown = true
			return
		}
		if weigh(v, heaviest) < 0 {
			d.leave(dst.Field(f.Index), f, path+f.Name)
			d.diags = append(d.diags, errorAt(attr.Expr.Range(), "Too large a value", "%s.", sentence(errHeavy)))
			return
		}
		given = v
	}
	if given.IsNull() {
		if attr != nil {
			missing = attr.Expr.Range()
		}
		d.omitted(dst.Field(f.Index), f, name, path, missing)
		return
	}
	if problem := d.misplacedSecret(dst.Type(), f, given); problem != "" {
		d.leave(dst.Field(f.Index), f, path+f.Name)
		d.diags = append(d.diags, errorAt(attr.Expr.Range(), "Sensitive value in a public attribute", "%s", problem))
		return
	}
	given, _ = given.UnmarkDeep()
	if !given.IsWhollyKnown() {
		d.unknown = true
		return
	}
	for _, fault := range convertTo(dst.Field(f.Index), given, "") {
		d.leave(dst.Field(f.Index), f, path+f.Name+fault.path)
		at := d.at.find(path+f.Name+fault.path, attr.Expr.Range())
		d.diags = append(d.diags, errorAt(at, "Unsuitable value", "%s", d.unsuitable(f, fault)))
	}
}

// leave takes note of what has no value that fits. Where there is a default,
// the rest is judged by that.
func (d *decoder) leave(dst reflect.Value, f resource.Field, path string) {
	d.holes = append(d.holes, path)
	if f.Default != "" {
		setDefault(dst, f)
	}
}

func (d *decoder) omitted(dst reflect.Value, f resource.Field, name, path string, missing hcl.Range) {
	switch {
	case f.Default != "":
		setDefault(dst, f)
	case f.Required:
		d.holes = append(d.holes, path+f.Name)
		detail := fmt.Sprintf("%s wants %s, as in %s.", a(name), f.Name, d.example(f))
		if f.Doc != "" {
			detail = fmt.Sprintf("%s wants %s: %s. Write it as in %s.", a(name), f.Name, f.Doc, d.example(f))
		}
		d.diags = append(d.diags, errorAt(missing, "Missing attribute", "%s", detail))
	}
}

// blocks sets a field that stands for nested blocks.
func (d *decoder) blocks(dst reflect.Value, f resource.Field, name, path string, blocks hcl.Blocks, missing hcl.Range) {
	many := f.Type.Kind() == reflect.Slice
	if len(blocks) == 0 {
		if f.Required {
			d.holes = append(d.holes, path+f.Name)
			d.diags = append(d.diags, errorAt(missing, "Missing block", "%s wants a nested block %s { }: %s.", a(name), f.Name, f.Doc))
		}
		return
	}
	if !many && len(blocks) > 1 {
		d.diags = append(d.diags, errorAt(blocks[1].DefRange, "Block given twice", "%s has at most one block %s; the first is at %s.", a(name), f.Name, where(blocks[0].DefRange)))
	}
	labels := make(map[string]hcl.Range)
	for i, b := range blocks {
		if !many {
			d.nested(settle(dst), f, path+f.Name, b)
			return
		}
		inner := fmt.Sprintf("%s%s[%d]", path, f.Name, i)
		if len(b.Labels) == 1 {
			inner = path + f.Name + "." + b.Labels[0]
			if first, twice := labels[b.Labels[0]]; twice {
				d.diags = append(d.diags, errorAt(b.DefRange, "Block given twice", "%s %q is already at %s.", f.Name, b.Labels[0], where(first)))
				continue
			}
			labels[b.Labels[0]] = b.DefRange
		}
		item := reflect.New(dst.Type().Elem()).Elem()
		d.nested(settle(item), f, inner, b)
		dst.Set(reflect.Append(dst, item))
	}
}

// nested fills the struct of one nested block.
func (d *decoder) nested(dst reflect.Value, f resource.Field, path string, b *hcl.Block) {
	d.at[path] = b.DefRange
	if label, ok := labelOf(dst.Type()); ok && len(b.Labels) == 1 {
		convertTo(dst.Field(label.Index), cty.StringVal(b.Labels[0]), "")
	}
	d.body(dst, f.Name, path+".", b.Body, bodySchema(resource.Fields(dst.Type())))
}

// settle returns the struct itself where dst is a pointer to one.
func settle(dst reflect.Value) reflect.Value {
	if dst.Kind() != reflect.Pointer {
		return dst
	}
	dst.Set(reflect.New(dst.Type().Elem()))
	return dst.Elem()
}

// note remembers the place of an attribute and, where it is a list written
// out, of each of its items.
func (d *decoder) note(path string, expr hcl.Expression) {
	d.at[path] = expr.Range()
	items, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return
	}
	for i, item := range items {
		d.at[fmt.Sprintf("%s[%d]", path, i)] = item.Range()
	}
}

// find returns the place of path or of the nearest thing around it.
func (p places) find(path string, whole hcl.Range) hcl.Range {
	for path != "" {
		if at, ok := p[path]; ok {
			return at
		}
		end := len(path) - 1
		for end > 0 && path[end] != '.' && path[end] != '[' {
			end--
		}
		path = path[:end]
	}
	return whole
}
