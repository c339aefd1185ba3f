package shape

import (
	"encoding"
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

// Exports returns what other blocks can know of one: its name, its address, its
// attributes and what a composite tells besides.
func Exports(id resource.ID, shape any) cty.Value {
	all := map[string]cty.Value{"name": cty.StringVal(id.Name), "id": cty.StringVal(id.String())}
	exportStruct(all, reflect.ValueOf(shape).Elem())
	if e, ok := shape.(resource.Exporter); ok {
		if more := reflect.Indirect(reflect.ValueOf(e.Exports(id.Name))); more.IsValid() {
			exportStruct(all, more)
		}
	}
	return cty.ObjectVal(all)
}

func exportStruct(all map[string]cty.Value, v reflect.Value) {
	for _, f := range resource.Fields(v.Type()) {
		if !f.Computed && !f.Label {
			all[f.Name] = export(v.Field(f.Index))
		}
	}
}

// export turns a field into a value; secrets are marked.
func export(v reflect.Value) cty.Value {
	t := v.Type()
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return cty.NullVal(valueType(t))
		}
		return export(v.Elem())
	case reflect.Slice, reflect.Map:
		if v.IsNil() {
			return cty.NullVal(valueType(t))
		}
	}
	if t == secretType {
		return cty.StringVal(v.Interface().(resource.Secret).Reveal()).Mark(value.Sensitive)
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil || len(text) == 0 {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(string(text))
	}
	switch {
	case t.Kind() == reflect.Slice:
		return exportList(v)
	case t.Kind() == reflect.Map:
		items := make(map[string]cty.Value)
		for _, key := range v.MapKeys() {
			items[key.String()] = export(v.MapIndex(key))
		}
		return cty.ObjectVal(items)
	case t.Kind() == reflect.Struct:
		items := make(map[string]cty.Value)
		exportStruct(items, v)
		return cty.ObjectVal(items)
	case t.Kind() == reflect.Bool:
		return cty.BoolVal(v.Bool())
	case v.CanInt():
		return cty.NumberIntVal(v.Int())
	case v.CanUint():
		return cty.NumberUIntVal(v.Uint())
	default:
		return cty.StringVal(v.String())
	}
}

// exportList makes a list, but of blocks with labels an object by label.
func exportList(v reflect.Value) cty.Value {
	item := v.Type().Elem()
	if item.Kind() == reflect.Pointer {
		item = item.Elem()
	}
	if item.Kind() == reflect.Struct && !resource.IsText(item) && item != secretType {
		if label, ok := labelOf(item); ok {
			items := make(map[string]cty.Value)
			for i := range v.Len() {
				one := reflect.Indirect(v.Index(i))
				items[one.Field(label.Index).String()] = export(one)
			}
			return cty.ObjectVal(items)
		}
	}
	items := make([]cty.Value, v.Len())
	for i := range items {
		items[i] = export(v.Index(i))
	}
	if t := valueType(v.Type()); t.IsListType() {
		if len(items) == 0 {
			return cty.ListValEmpty(t.ElementType())
		}
		return cty.ListVal(items)
	}
	return cty.TupleVal(items)
}

// valueType is the type of what export makes, as far as that is known without
// a value.
func valueType(t reflect.Type) cty.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Slice && !resource.IsText(t) {
		if item := valueType(t.Elem()); item.IsPrimitiveType() {
			return cty.List(item)
		}
		return cty.DynamicPseudoType
	}
	if !resource.IsScalar(t) {
		return cty.DynamicPseudoType
	}
	n := reflect.New(t).Elem()
	switch {
	case t == secretType || resource.IsText(t) || t.Kind() == reflect.String:
		return cty.String
	case t.Kind() == reflect.Bool:
		return cty.Bool
	case n.CanInt() || n.CanUint():
		return cty.Number
	default:
		return cty.DynamicPseudoType
	}
}
