package resource

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Diff is one attribute that is not as it shall be. Before and After are
// words for people and programs: a secret is [Masked] on both sides.
type Diff struct {
	Attribute string   `json:"attribute"` // with its block: dropin["limits"].content
	Before    string   `json:"before"`    // empty where there was nothing
	After     string   `json:"after"`     // empty where there will be nothing
	Sensitive bool     `json:"sensitive"`
	Text      bool     `json:"-"` // several lines: show a unified diff
	Meta      bool     `json:"-"` // no reader has to notice
	Computed  bool     `json:"-"` // vpnd's own word, nobody wrote it
	Runs      bool     `json:"-"` // whether the thing is at work
	Ages      bool     `json:"-"` // time alone made it so
	Glance    bool     `json:"-"` // what people look for in such a thing
	Words     string   `json:"-"` // the attribute in words for people; empty where its name says it
	Was       []string `json:"-"` // Before item by item, of a list
	Now       []string `json:"-"` // After item by item, of a list
}

// Reversed returns the diff of the way back.
func (d Diff) Reversed() Diff {
	d.Before, d.After, d.Was, d.Now = d.After, d.Before, d.Now, d.Was
	return d
}

// Compare returns the attributes in which got, an observation, is not what
// want asks for; both are pointers to the same shape, and a nil got means
// that the thing is not there. Attributes that the wish leaves out and hints
// are not compared.
func Compare(got, want any) []Diff {
	w := reflect.ValueOf(want).Elem()
	g := reflect.ValueOf(got)
	there := got != nil && !g.IsNil()
	var diffs []Diff
	fields := Fields(w.Type())
	for i := range fields { // which are large
		f := &fields[i]
		wish := w.Field(f.Index)
		if f.Hint || isNil(wish) {
			continue
		}
		var is reflect.Value
		if there {
			if is = g.Elem().Field(f.Index); equal(is, wish) {
				continue
			}
		} else if f.Relative || f.Computed && show(wish) == "" {
			continue
		}
		diffs = append(diffs, differences(*f, is, wish)...)
	}
	return diffs
}

// Describe returns every attribute of a shape as a diff from nothing; swapped,
// as a diff to nothing.
func Describe(shape any) []Diff { return Compare(nil, shape) }

// Equal says whether two wishes of one kind ask for the same.
func Equal(a, b any) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && equal(reflect.ValueOf(a), reflect.ValueOf(b))
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	default:
		return false
	}
}

// equal is reflect.DeepEqual, but that an empty list equals a nil one: what
// is left out was dealt with before.
func equal(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		if words, ok := a.Interface().([]string); ok {
			return slices.Equal(words, b.Interface().([]string))
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, key := range a.MapKeys() {
			if other := b.MapIndex(key); !other.IsValid() || !equal(a.MapIndex(key), other) {
				return false
			}
		}
		return true
	case reflect.String:
		return a.Kind() == b.Kind() && a.String() == b.String()
	case reflect.Bool:
		return a.Kind() == b.Kind() && a.Bool() == b.Bool()
	default:
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
}

func show(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err != nil {
			return fmt.Sprintf("(%v)", err)
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.String:
		return veil(v.String())
	case reflect.Slice:
		return showList(v)
	case reflect.Map:
		return showMap(v)
	case reflect.Struct:
		return showStruct(v)
	default:
		return fmt.Sprint(v.Interface())
	}
}

func showList(v reflect.Value) string {
	items := make([]string, v.Len())
	for i := range items {
		items[i] = quoted(v.Index(i))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func showMap(v reflect.Value) string {
	items := make([]string, 0, v.Len())
	for _, key := range v.MapKeys() {
		items = append(items, fmt.Sprintf("%s = %s", key, quoted(v.MapIndex(key))))
	}
	slices.Sort(items)
	return "{" + strings.Join(items, ", ") + "}"
}

func showStruct(v reflect.Value) string {
	var b bytes.Buffer
	for _, f := range Fields(v.Type()) {
		if isNil(v.Field(f.Index)) || v.Field(f.Index).IsZero() {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s = %s", f.Name, quoted(v.Field(f.Index)))
	}
	return "{" + b.String() + "}"
}

func quoted(v reflect.Value) string {
	s := show(v)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.String && v.Type() != secretType {
		return strconv.Quote(s)
	}
	return s
}
