package config

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// The attributes that every block has besides those of its shape.
const (
	metaDependsOn = "depends_on"
	metaOnChange  = "on_change"
)

// bodySchema is what HCL needs to take a body apart. Nothing is required in
// it: what is missing is told in our own words.
func bodySchema(fields []resource.Field, metas ...string) *hcl.BodySchema {
	schema := new(hcl.BodySchema)
	for _, f := range fields {
		switch {
		case f.Label || f.Computed:
		case f.Block:
			schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: f.Name, LabelNames: labelNames(f)})
		default:
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: f.Name})
		}
	}
	for _, name := range metas {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	return schema
}

// metas returns the attributes that a block at the top level has besides those
// of its shape. A shape's own attribute of that name goes first: on_change of
// a unit says something else.
func metas(fields []resource.Field) []string {
	names := []string{metaDependsOn}
	if _, own := fieldNamed(fields, metaOnChange); !own {
		names = append(names, metaOnChange)
	}
	return names
}

func fieldNamed(fields []resource.Field, name string) (resource.Field, bool) {
	for _, f := range fields {
		if f.Name == name && !f.Label {
			return f, true
		}
	}
	return resource.Field{}, false
}

// element returns the struct behind a field that is a nested block.
func element(f resource.Field) reflect.Type {
	t := f.Type
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func labelNames(f resource.Field) []string {
	if label, ok := labelOf(element(f)); ok {
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
