package functions

import (
	"errors"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/value"
)

// bounded keeps the results of a function within bounds, for another one may
// take them before anybody looks.
func bounded(name string, f function.Function, e *effort.Effort) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := foresee(name, args); err != nil { // some work out their result to know its type
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if err := e.Called(name, args); err != nil {
				return cty.NilVal, err
			}
			v, err := f.Call(args)
			if err == nil && value.Weight(v) > value.Heaviest {
				err = value.ErrHeavy
			}
			return v, err
		},
	})
}

// foresee refuses calls that would be too large before there is a result to look
// at.
func foresee(name string, args []cty.Value) error {
	size := 0.0
	switch name {
	case "join": // the separator as often as there are elements
		size = length(args[0]) * count(args[1:]...)
	case "replace", "regex_replace": // the new text at most once a byte
		size = (length(args[0]) + 1) * length(args[2])
	case "indent":
		width := 0
		if args[0].IsKnown() && !args[0].IsNull() && gocty.FromCtyValue(args[0], &width) == nil {
			size = float64(width) * length(args[1])
		}
	case "setproduct":
		size = value.PerElement
		for _, list := range args {
			size *= count(list)
		}
	case "format", "formatlist":
		return wide(args[0])
	case "jsondecode":
		return bounds.JSON(text(args[0]))
	case "yamldecode":
		return bounds.YAML(text(args[0]))
	}
	if size > value.Heaviest {
		return value.ErrHeavy
	}
	return nil
}

// text returns a text, and nothing of what is none.
func text(v cty.Value) string {
	if v, _ = v.Unmark(); v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
		return v.AsString()
	}
	return ""
}

func length(v cty.Value) float64 { return float64(len(text(v))) }

func count(lists ...cty.Value) float64 {
	n := 0
	for _, list := range lists {
		if list, _ = list.Unmark(); list.IsKnown() && !list.IsNull() && list.CanIterateElements() {
			n += list.LengthInt()
		}
	}
	return float64(n)
}

// wide refuses a format that pads to more than anybody reads.
func wide(format cty.Value) error {
	verb, digits := false, 0
	for _, r := range text(format) {
		switch {
		case r == '%':
			verb, digits = !verb, 0
		case verb && r >= '0' && r <= '9':
			digits++
		case verb && (r == '.' || r == '[' || r == ']'):
			digits = 0
		case verb && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'):
			verb = false
		}
		if digits > 4 {
			return errors.New("a width of more than four digits is more than anybody reads")
		}
	}
	return nil
}
