package shape

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/value"
	"vpnd/internal/resource"
)

// A Form is how a type is called and what a value of it looks like in HCL.
type Form struct{ One, Many, Example string }

// forms are the types that read themselves from text.
var forms = map[reflect.Type]Form{
	secretType:                           {"secret text", "secrets", `credential("name")`},
	reflect.TypeFor[resource.Duration](): {"a duration", "durations", `"90d"`},
	reflect.TypeFor[resource.Mode]():     {"a file mode", "file modes", `"0640"`},
	documentType:                         {"the path of a file that is read with the configuration, of mode 0600", "paths of files that are read with the configuration, of mode 0600", `"/etc/vpnd/name.conf"`},
	reflect.TypeFor[netip.Prefix]():      {"a network as CIDR", "networks as CIDR", `"10.8.0.0/24"`},
	reflect.TypeFor[netip.Addr]():        {"an IP address", "IP addresses", `"10.8.0.1"`},
	reflect.TypeFor[netip.AddrPort]():    {"an IP address with its port", "IP addresses with their ports", `"192.0.2.1:1194"`},
}

// FormOf describes a type.
func FormOf(t reflect.Type) Form {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if f, ok := forms[t]; ok {
		return f
	}
	switch t.Kind() {
	case reflect.Bool:
		return Form{"true or false", "truth values", "true"}
	case reflect.Slice:
		item := FormOf(t.Elem())
		return Form{"a list of " + item.Many, "lists of " + item.Many, "[" + item.Example + "]"}
	case reflect.Map:
		item := FormOf(t.Elem())
		return Form{"a map of " + item.Many, "maps of " + item.Many, "{ name = " + item.Example + " }"}
	case reflect.Struct:
		if !resource.IsText(t) {
			return Form{"an object", "objects", "{}"}
		}
	}
	if n := reflect.New(t).Elem(); !resource.IsText(t) && (n.CanInt() || n.CanUint()) {
		return Form{"a whole number", "whole numbers", "10"}
	}
	return Form{"text", "text", `"…"`}
}

// example writes an attribute as a user might.
func (d *decoder) example(f resource.Field) string {
	if f.Exports {
		return fmt.Sprintf("%s = %s.office", f.Name, d.exporter(f))
	}
	return f.Name + " = " + Example(f)
}

// Example returns a value of a field as a user might write it.
func Example(f resource.Field) string {
	switch {
	case f.Exports:
		return f.Name + ".office"
	case f.Default != "":
		return Written(f)
	default:
		return FormOf(f.Type).Example
	}
}

// Written writes the default of a field as HCL does.
func Written(f resource.Field) string {
	if strings.HasPrefix(FormOf(f.Type).Example, `"`) {
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
	if f.Exports && strings.Contains(f.Doc, "as in ") {
		return fmt.Sprintf("%s wants %s.", f.Name, f.Doc)
	}
	if f.Exports {
		kind := d.exporter(f)
		return fmt.Sprintf("%s wants %s %s block, as in %s.", f.Name, diag.Article(kind), kind, d.example(f))
	}
	want := FormOf(bad.want)
	example := f.Name + " = " + want.Example
	if bad.path == "" {
		example = d.example(f)
	} else if t := f.Type; t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		example = d.example(f)
	}
	text := fmt.Sprintf("%s%s wants %s, as in %s", f.Name, bad.path, want.One, example)
	switch {
	case f.IsSecret():
	case bad.text != "":
		return text + "; " + bad.text + "."
	case !bad.got.IsNull() && bad.got.Type() == cty.String:
		return fmt.Sprintf("%s; %q is not.", text, bad.got.AsString())
	}
	if word, ok := value.Text(bad.got); ok && !f.IsSecret() {
		return fmt.Sprintf("%s; %s is not.", text, word)
	}
	return fmt.Sprintf("%s; this is %s.", text, value.Describe(bad.got))
}
