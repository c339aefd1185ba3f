package shape

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

// A Decoded is what became of a body: its shape is filled, as far as that went.
type Decoded struct {
	At      Places
	Unknown bool // something has no value, which is told elsewhere
	Diags   hcl.Diagnostics

	// Literals warns of secrets that stand in the configuration as they are, where
	// nothing worse is told of them.
	Literals hcl.Diagnostics

	holes []string // paths of what is missing or did not fit, which was told
}

// Whole says whether everything has its value.
func (d *Decoded) Whole() bool { return !d.Unknown && !d.Diags.HasErrors() }

// Mistakes asks a shape that was decoded what is wrong with it. Where something is
// missing or did not fit, it returns only what concerns other attributes; one that
// waits for a value of another block is not judged.
func (d *Decoded) Mistakes(shape any, name string) []resource.Mistake {
	v, ok := shape.(resource.Validator)
	if !ok || d.Unknown {
		return nil
	}
	return slices.DeleteFunc(v.Validate(name), func(m resource.Mistake) bool {
		return d.Diags.HasErrors() && m.Path == "" || d.lacks(m.Path)
	})
}

// lacks says whether a path is, or lies in, what is missing.
func (d *Decoded) lacks(path string) bool {
	return slices.ContainsFunc(d.holes, func(hole string) bool {
		rest, within := strings.CutPrefix(path, hole)
		return within && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// A decoder fills the shape of one block.
type decoder struct {
	Decoded
	catalog resource.Catalog
	ctx     *hcl.EvalContext
	block   string // type of the block at the top level
}

// Decode fills a shape from a body. Block is its type, and called what it is called
// in a message; metas are the attributes that may stand there beside those of the
// shape.
func Decode(body hcl.Body, shape any, ctx *hcl.EvalContext, catalog resource.Catalog, block, called string, metas ...string) *Decoded {
	d := decoder{Decoded: Decoded{At: make(Places)}, catalog: catalog, ctx: ctx, block: block}
	v := reflect.ValueOf(shape).Elem()
	if _, still := static(body); !still {
		body = dynblock.Expand(body, ctx, dynblock.OptCheckForEach(d.checkForEach))
	}
	d.body(v, called, "", body, Schema(resource.Fields(v.Type()), metas...))
	return &d.Decoded
}

// quiet marks a diagnostic that only stops HCL from going on with a value that
// is missing for a reason told elsewhere.
type quiet struct{}

func (d *decoder) checkForEach(v cty.Value, expr hcl.Expression, _ *hcl.EvalContext) hcl.Diagnostics {
	if problem := ForEach(v, expr); problem != nil {
		return hcl.Diagnostics{problem}
	}
	if !v.IsKnown() {
		d.Unknown = true
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Unknown value", Extra: quiet{}}}
	}
	return nil
}

func (d *decoder) add(diags hcl.Diagnostics) {
	for _, one := range diags {
		if one.Extra != (quiet{}) {
			d.Diags = append(d.Diags, one)
		}
	}
}

// body fills one struct from one body; path is the path of the struct with its
// last dot, and name what the struct is called in a message.
func (d *decoder) body(dst reflect.Value, name, path string, body hcl.Body, schema *hcl.BodySchema) {
	schema, told := shared(body, schema)
	d.add(told)
	if told.HasErrors() {
		d.Unknown = true
		return
	}
	content, diags := body.Content(schema)
	above := d.block + dotted(path)
	diags = misplaced(renamed(diags, resource.Fields(dst.Type())), dst.Type(), above)
	d.add(diag.Unknown(diags, above, schema))
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
			d.Unknown = true
			return
		}
		if v = pointed(f.Type, v); value.Weight(v) > value.Heaviest {
			d.leave(dst.Field(f.Index), f, path+f.Name)
			d.Diags = append(d.Diags, diag.Error(attr.Expr.Range(), "Too large a value", "%s", diag.Sentence(value.ErrHeavy)))
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
		d.Diags = append(d.Diags, diag.Error(attr.Expr.Range(), "Sensitive value in a public attribute", "%s", problem))
		return
	}
	plain := literal(f, given, attr.Expr)
	given, _ = given.UnmarkDeep()
	if !given.IsWhollyKnown() {
		d.Unknown = true
		return
	}
	d.Literals = append(d.Literals, plain...)
	for _, fault := range convertTo(dst.Field(f.Index), given, "") {
		d.leave(dst.Field(f.Index), f, path+f.Name+fault.path)
		at := d.At.Find(path+f.Name+fault.path, attr.Expr.Range())
		d.Diags = append(d.Diags, diag.Error(at, "Unsuitable value", "%s", d.unsuitable(f, fault)))
	}
}

// pointed returns what a whole block comes to as the value of a [resource.Pointer]; other
// values are what they are. The rest of the block, which may be secret, goes no farther.
func pointed(t reflect.Type, v cty.Value) cty.Value {
	if !v.Type().IsObjectType() || v.IsNull() {
		return v
	}
	p, ok := reflect.New(t).Interface().(resource.Pointer)
	if !ok {
		return v
	}
	object, _ := v.Unmark()
	for _, name := range p.Points() {
		if object.Type().HasAttribute(name) && !object.GetAttr(name).IsNull() {
			return object.GetAttr(name)
		}
	}
	return v
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
		detail := fmt.Sprintf("%s wants %s, as in %s.", diag.A(name), f.Name, d.example(f))
		if f.Doc != "" {
			detail = fmt.Sprintf("%s wants %s: %s. Write it as in %s.", diag.A(name), f.Name, f.Doc, d.example(f))
		}
		d.Diags = append(d.Diags, diag.Error(missing, "Missing attribute", "%s", detail))
	}
}

// blocks sets a field that stands for nested blocks.
func (d *decoder) blocks(dst reflect.Value, f resource.Field, name, path string, blocks hcl.Blocks, missing hcl.Range) {
	many := f.Type.Kind() == reflect.Slice
	if len(blocks) == 0 {
		if f.Required {
			d.holes = append(d.holes, path+f.Name)
			d.Diags = append(d.Diags, diag.Error(missing, "Missing block", "%s wants a nested block %s { }: %s.", diag.A(name), f.Name, f.Doc))
		}
		return
	}
	if !many && len(blocks) > 1 {
		d.Diags = append(d.Diags, diag.Error(blocks[1].DefRange, "Block given twice", "%s has at most one block %s; the first is at %s.", diag.A(name), f.Name, diag.Where(blocks[0].DefRange)))
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
				d.Diags = append(d.Diags, diag.Error(b.DefRange, "Block given twice", "%s %q is already at %s.", f.Name, b.Labels[0], diag.Where(first)))
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
	d.At[path] = b.DefRange
	if label, ok := labelOf(dst.Type()); ok && len(b.Labels) == 1 {
		convertTo(dst.Field(label.Index), cty.StringVal(b.Labels[0]), "")
	}
	d.body(dst, f.Name, path+".", b.Body, schemaOf(dst.Type()))
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
	d.At[path] = expr.Range()
	items, diags := hcl.ExprList(expr)
	if diags.HasErrors() {
		return
	}
	for i, item := range items {
		d.At[fmt.Sprintf("%s[%d]", path, i)] = item.Range()
	}
}
