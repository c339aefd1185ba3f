// Package shape goes between the language and the structs of Go that stand for a
// block, its shapes: what a body may hold is read from the tags of the shape, a body
// is decoded into it, with the place of each value and of each mistake, and what
// other blocks can know of it is exported as a value.
//
// Bodies are decoded straight into the shapes and not by way of hcldec, which would
// lose the place of each value.
package shape

import (
	"reflect"
	"slices"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/resource"
)

// The attributes that every block has besides those of its shape.
const (
	DependsOn = "depends_on"
	OnChange  = "on_change"
)

// Dynamic is the type of the block that makes other ones.
const Dynamic = "dynamic"

// Schema is what HCL needs to take a body apart. Nothing is required in
// it: what is missing is told in our own words.
func Schema(fields []resource.Field, metas ...string) *hcl.BodySchema {
	schema := new(hcl.BodySchema)
	for _, f := range fields {
		switch {
		case f.Label || f.Computed:
		case f.Block:
			schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: f.Name, LabelNames: LabelNames(f)})
		default:
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: f.Name})
		}
	}
	for _, name := range metas {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	return schema
}

// schemaOf returns the schema of a struct. Nobody writes into it.
func schemaOf(t reflect.Type) *hcl.BodySchema {
	if known, ok := schemas.Load(t); ok {
		return known.(*hcl.BodySchema)
	}
	schema := Schema(resource.Fields(t))
	schemas.Store(t, schema)
	return schema
}

var schemas sync.Map // reflect.Type → *hcl.BodySchema

// static says whether no dynamic block stands in a body. Of JSON only HCL itself can
// tell.
func static(body hcl.Body) (*hclsyntax.Body, bool) {
	b, native := body.(*hclsyntax.Body)
	return b, native && !slices.ContainsFunc(b.Blocks, func(b *hclsyntax.Block) bool {
		_, still := static(b.Body)
		return b.Type == Dynamic || !still
	})
}

// Metas returns the attributes that a block at the top level has besides those
// of its shape. A shape's own attribute of that name goes first: on_change of
// a unit says something else.
func Metas(fields []resource.Field) []string {
	names := []string{DependsOn}
	if _, own := Named(fields, OnChange); !own {
		names = append(names, OnChange)
	}
	return names
}

// Named returns the field of that name.
func Named(fields []resource.Field, name string) (resource.Field, bool) {
	for _, f := range fields {
		if f.Name == name && !f.Label {
			return f, true
		}
	}
	return resource.Field{}, false
}

// Element returns the struct behind a field that is a nested block.
func Element(f resource.Field) reflect.Type {
	t := f.Type
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// LabelNames returns what HCL calls the label of a nested block, and nothing where
// it has none.
func LabelNames(f resource.Field) []string {
	if label, ok := labelOf(Element(f)); ok {
		return []string{label.Name}
	}
	return nil
}

func labelOf(t reflect.Type) (resource.Field, bool) {
	for _, f := range resource.Fields(t) {
		if f.Label {
			return f, true
		}
	}
	return resource.Field{}, false
}

// New returns an empty shape of that type of block, or nil where there is no such
// type.
func New(catalog resource.Catalog, blockType string) any {
	if k, ok := catalog.Kind(blockType); ok {
		return k.New()
	}
	if c, ok := catalog.Composite(blockType); ok {
		return c.New()
	}
	return nil
}

// Types lists the types of blocks of the catalog, kinds first.
func Types(catalog resource.Catalog) []string {
	var names []string
	for _, k := range catalog.Kinds {
		names = append(names, k.Name)
	}
	for _, c := range catalog.Composites {
		names = append(names, c.Name)
	}
	return names
}
