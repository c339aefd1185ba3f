package resource

import "reflect"

// Long is from how many names on a line is kept once for all that stand in it. A
// shorter one stands in each shape, as those of an earlier vpnd do.
const Long = 17

// TakeLine returns a shape without the line that it stands in, and that line: what
// is relative of it, a list of the names of all in the same queue, with the name of
// that attribute. The shape itself and nil where it stands in none, or a short one.
func TakeLine(shape any) (rest any, attr string, line []string) {
	v := reflect.ValueOf(shape)
	if v.Kind() != reflect.Pointer {
		return shape, "", nil
	}
	f, ok := lineOf(v.Elem().Type())
	if !ok {
		return shape, "", nil
	}
	if line = v.Elem().Field(f.Index).Interface().([]string); len(line) < Long {
		return shape, "", nil
	}
	bare := reflect.New(v.Elem().Type())
	bare.Elem().Set(v.Elem())
	bare.Elem().Field(f.Index).SetZero()
	return bare.Interface(), f.Name, line
}

// GiveLine puts a line into a shape, a pointer, that has place for one.
func GiveLine(shape any, line []string) {
	v := reflect.ValueOf(shape).Elem()
	if f, ok := lineOf(v.Type()); ok {
		v.Field(f.Index).Set(reflect.ValueOf(line))
	}
}

// lineOf returns the field with the line of a shape.
func lineOf(t reflect.Type) (f Field, ok bool) {
	for _, f := range Fields(t) {
		if f.Relative && t.Field(f.Index).Type == reflect.TypeFor[[]string]() {
			return f, true
		}
	}
	return Field{}, false
}
