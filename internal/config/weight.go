package config

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// Bounds of values, in bytes as weigh counts them: a few locals of which each says
// the one before twice would else fill any memory.
const (
	heaviest = 64 << 20  // one value
	heavy    = 512 << 20 // all that one value is made of
	mostEver = 2 << 30   // all values
)

// perElement is what each element weighs beside itself: half a million of them are
// as much as a value holds.
const perElement = 128

var errHeavy = fmt.Errorf("it would be larger than %d MiB, more than a configuration may work out in one value", heaviest>>20)

// weigh returns how much of left a value leaves, as if it were written out: what
// several elements share counts for each. Below zero it is too heavy, and nobody
// goes on to count.
func weigh(v cty.Value, left int) int {
	v, _ = v.Unmark()
	left -= perElement
	switch {
	case left < 0 || !v.IsKnown() || v.IsNull():
		return left
	case v.Type() == cty.String:
		return left - len(v.AsString())
	case v.Type() == cty.Number:
		return left - bits(v.AsBigFloat())
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next() && left >= 0; {
			key, element := it.Element()
			if left = weigh(element, left); key.Type() == cty.String {
				left -= len(key.AsString())
			}
		}
	}
	return left
}

// bits is how long a number is when it is written out.
func bits(n *big.Float) int {
	e := n.MantExp(nil)
	return max(e, -e)
}

// bear returns the value unless it is too heavy.
func (l *loader) bear(expr hcl.Expression, v cty.Value) (cty.Value, bool) {
	weight := heaviest - weigh(v, heaviest)
	if _, plain := expr.(*hclsyntax.ScopeTraversalExpr); !plain { // which makes nothing new
		l.borne += weight
	}
	if weight <= heaviest && l.borne <= mostEver {
		return v, true
	}
	problem := errHeavy
	if weight <= heaviest {
		problem = fmt.Errorf("with this, all values together are larger than %d MiB, more than a configuration may work out", mostEver>>20)
	}
	l.errorAt(expr.Range(), "Too large a value", "%s.", sentence(problem))
	return cty.DynamicVal, false
}

// bounded keeps the results of a function within bounds, for another one may
// take them before anybody looks.
func bounded(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := foresee(name, args); err != nil { // some work out their result to know its type
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err == nil && weigh(v, heaviest) < 0 {
				err = errHeavy
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
		size = perElement
		for _, list := range args {
			size *= count(list)
		}
	case "format", "formatlist":
		return wide(args[0])
	case "jsondecode":
		return tooDeepJSON(text(args[0]))
	case "yamldecode":
		return tooDeepYAML(text(args[0]))
	}
	if size > heaviest {
		return errHeavy
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

// carry refuses to work out a value that is made of too much.
func (l *loader) carry(n *node) bool {
	sum := 0
	for _, t := range n.refs {
		name, one := step(t)
		if !one {
			continue
		}
		switch t.RootName() {
		case "local":
			if other := l.locals[name]; other != nil {
				sum += other.weight
			}
		case "var":
			sum += l.weights[name]
		}
	}
	if sum <= heavy {
		return true
	}
	l.errorAt(n.rng, "Too large a value", "What %s refers to is larger than %d MiB in all, more than a configuration may work out in one place.", n.name, heavy>>20)
	return false
}
