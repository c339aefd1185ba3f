package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// A form is how a type is called and what a value of it looks like in HCL.
type form struct{ one, many, example string }

// forms are the types that read themselves from text.
var forms = map[reflect.Type]form{
	secretType:                           {"secret text", "secrets", `credential("name")`},
	reflect.TypeFor[resource.Duration](): {"a duration", "durations", `"90d"`},
	reflect.TypeFor[resource.Mode]():     {"a file mode", "file modes", `"0640"`},
	reflect.TypeFor[netip.Prefix]():      {"a network as CIDR", "networks as CIDR", `"10.8.0.0/24"`},
	reflect.TypeFor[netip.Addr]():        {"an IP address", "IP addresses", `"10.8.0.1"`},
	reflect.TypeFor[netip.AddrPort]():    {"an IP address with its port", "IP addresses with their ports", `"192.0.2.1:1194"`},
}

// formOf describes a type.
func formOf(t reflect.Type) form {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if f, ok := forms[t]; ok {
		return f
	}
	switch t.Kind() {
	case reflect.Bool:
		return form{"true or false", "truth values", "true"}
	case reflect.Slice:
		item := formOf(t.Elem())
		return form{"a list of " + item.many, "lists of " + item.many, "[" + item.example + "]"}
	case reflect.Map:
		item := formOf(t.Elem())
		return form{"a map of " + item.many, "maps of " + item.many, "{ name = " + item.example + " }"}
	case reflect.Struct:
		if !resource.IsText(t) {
			return form{"an object", "objects", "{}"}
		}
	}
	if n := reflect.New(t).Elem(); !resource.IsText(t) && (n.CanInt() || n.CanUint()) {
		return form{"a whole number", "whole numbers", "10"}
	}
	return form{"text", "text", `"…"`}
}

// example writes an attribute as a user might.
func (d *decoder) example(f resource.Field) string {
	if f.Exports {
		return fmt.Sprintf("%s = %s.office", f.Name, d.exporter(f))
	}
	return f.Name + " = " + exampleValue(f)
}

func exampleValue(f resource.Field) string {
	switch {
	case f.Exports:
		return f.Name + ".office"
	case f.Default != "":
		return written(f)
	default:
		return formOf(f.Type).example
	}
}

// written writes the default of a field as HCL does.
func written(f resource.Field) string {
	if strings.HasPrefix(formOf(f.Type).example, `"`) {
		return fmt.Sprintf("%q", f.Default)
	}
	return f.Default
}

// exporter guesses the type of the block that a field of exports refers to:
// the block of that name, or any.
func (d *decoder) exporter(f resource.Field) string {
	if _, ok := d.catalog.Composite(f.Name); ok {
		return f.Name
	}
	if _, ok := d.catalog.Kind(f.Name); ok {
		return f.Name
	}
	return "block"
}

// unsuitable says what an attribute wants.
func (d *decoder) unsuitable(f resource.Field, bad fault) string {
	if f.Exports {
		kind := d.exporter(f)
		return fmt.Sprintf("%s wants %s %s block, as in %s.", f.Name, article(kind), kind, d.example(f))
	}
	want := formOf(bad.want)
	example := f.Name + " = " + want.example
	if bad.path == "" {
		example = d.example(f)
	} else if t := f.Type; t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		example = d.example(f)
	}
	text := fmt.Sprintf("%s%s wants %s, as in %s", f.Name, bad.path, want.one, example)
	switch {
	case f.IsSecret():
	case ours(bad.want) && bad.text != "":
		return text + "; " + bad.text + "."
	case !bad.got.IsNull() && bad.got.Type() == cty.String:
		return fmt.Sprintf("%s; %q is not.", text, bad.got.AsString())
	}
	if word, ok := asText(bad.got); ok && !f.IsSecret() {
		return fmt.Sprintf("%s; %s is not.", text, word)
	}
	return fmt.Sprintf("%s; this is %s.", text, describe(bad.got))
}

// ours says whether a type's own message is fit for users: those of the
// standard library speak of Go.
func ours(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return !strings.HasPrefix(t.PkgPath(), "net/")
}

// describe says what kind of value that is, never the value itself.
func describe(v cty.Value) string {
	v, _ = v.Unmark()
	t := v.Type()
	switch {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsListType() || t.IsTupleType() || t.IsSetType():
		return "a list"
	case t.IsObjectType() || t.IsMapType():
		return "an object"
	default:
		return "something else"
	}
}

// a begins a sentence with a noun.
func a(noun string) string {
	word := article(noun)
	return strings.ToUpper(word[:1]) + word[1:] + " " + noun
}

func article(noun string) string {
	if strings.ContainsRune("aeio", rune(noun[0])) {
		return "an"
	}
	return "a"
}
