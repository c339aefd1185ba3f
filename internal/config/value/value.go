// Package value is what the rest of config has to know of the values of the
// language, which are those of cty: which of them are secret, how one reads as
// text, what sort of value it is, and how much memory it may take.
package value

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// mark is the type of the one mark that values carry.
type mark string

// Sensitive marks a value that must not be seen, and all that is made of it.
const Sensitive mark = "sensitive"

// Text returns a word, a number or a truth value as it is written, and false where
// it is anything else.
func Text(v cty.Value) (string, bool) {
	text, err := convert.Convert(v, cty.String)
	if err != nil || text.IsNull() {
		return "", false
	}
	return text.AsString(), true
}

// Describe says what kind of value that is, never the value itself.
func Describe(v cty.Value) string {
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
