// Package effort keeps what working out a configuration takes within bounds: loops
// within loops, each over a list that one may write, would else go on for ever, and
// so would functions that put large texts together and keep nothing of them.
package effort

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/config/value"
)

const (
	mostTurns = 500_000 // of all loops
	mostWork  = 1 << 30 // bytes that are looked at or put together, as package value weighs them
)

// An Effort is what was spent of these bounds. Once that is all, loops
// make no more turns and functions fail. Its zero value is ready.
type Effort struct {
	turns, work int
	places      []hcl.Range // of what is counted
	spent       error
	at          hcl.Range // where it was; empty in a function
}

var (
	errTurns = fmt.Errorf("with this, all loops make more than %d turns, more than a configuration may work out; go through a shorter list, or not through one within another", mostTurns)
	errWork  = fmt.Errorf("with this, more than %d MiB are looked through and put together, more than a configuration may work out; work out once, in locals, what stays the same", mostWork>>20)
)

// Spent returns which bound was passed, and where; nil where none was.
func (e *Effort) Spent() (at hcl.Range, err error) { return e.at, e.spent }

// labour takes account of work.
func (e *Effort) labour(bytes int, at hcl.Range) error {
	if e.work += bytes; e.work > mostWork && e.spent == nil {
		e.spent, e.at = errWork, at
	}
	return e.spent
}

// Read takes account of a file that was read.
func (e *Effort) Read(bytes int, at hcl.Range) error { return e.labour(bytes, at) }

// turn takes account of a turn of a loop.
func (e *Effort) turn(at hcl.Range) error {
	if e.turns++; e.turns > mostTurns && e.spent == nil {
		e.spent, e.at = errTurns, at
	}
	return e.spent
}

// The functions that count, by names that nobody can call them by. Both take a
// value, which is what they return, and the number of a place.
const (
	turnFunc = "turn of a loop"
	partFunc = "part of a value"
)

// Count has what costs effort in a node of the language counted: each turn of a
// loop before it is made, as if that had an if, and each value that is made of
// parts. HCL evaluates its own nodes only, so that a count is a call.
func (e *Effort) Count(node hclsyntax.Node) {
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ForExpr:
			if n.CondExpr == nil {
				n.CondExpr = &hclsyntax.LiteralValueExpr{Val: cty.True, SrcRange: nowhere(n.SrcRange)}
			}
			n.CondExpr = e.call(turnFunc, n.CondExpr, n.SrcRange)
			n.ValExpr = e.call(partFunc, n.ValExpr, n.ValExpr.Range())
			if n.KeyExpr != nil {
				n.KeyExpr = e.call(partFunc, n.KeyExpr, n.KeyExpr.Range())
			}
		case *hclsyntax.SplatExpr:
			n.Source = e.call(partFunc, n.Source, n.Source.Range())
		case *hclsyntax.TemplateExpr:
			for i, part := range n.Parts {
				if _, plain := part.(*hclsyntax.LiteralValueExpr); !plain {
					n.Parts[i] = e.call(partFunc, part, part.Range())
				}
			}
		}
		return nil
	})
}

// nowhere is where no text is: what is counted with was written by nobody.
func nowhere(at hcl.Range) hcl.Range {
	return hcl.Range{Filename: at.Filename, Start: at.Start, End: at.Start}
}

func (e *Effort) call(name string, of hclsyntax.Expression, at hcl.Range) hclsyntax.Expression {
	if call, ok := of.(*hclsyntax.FunctionCallExpr); ok && call.Name == name {
		return of
	}
	e.places = append(e.places, at)
	place := &hclsyntax.LiteralValueExpr{Val: cty.NumberIntVal(int64(len(e.places) - 1)), SrcRange: nowhere(at)}
	return &hclsyntax.FunctionCallExpr{Name: name, Args: []hclsyntax.Expression{of, place}, NameRange: at, OpenParenRange: at, CloseParenRange: at}
}

// Functions are those that count.
func (e *Effort) Functions() map[string]function.Function {
	counting := func(account func(v cty.Value, at hcl.Range) cty.Value) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{
				{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true},
				{Name: "place", Type: cty.Number},
			},
			Type: function.StaticReturnType(cty.DynamicPseudoType),
			Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
				place, _ := args[1].AsBigFloat().Int64()
				return account(args[0], e.places[place]), nil
			},
		})
	}
	return map[string]function.Function{
		turnFunc: counting(func(v cty.Value, at hcl.Range) cty.Value {
			if e.turn(at) != nil {
				return cty.UnknownVal(cty.Bool) // so is the loop, and nobody looks at what it would make
			}
			return v
		}),
		partFunc: counting(func(v cty.Value, at hcl.Range) cty.Value {
			_ = e.labour(weight(v), at)
			return v
		}),
	}
}

// weight is that of a value; text counts several times, since each that is made is
// normalised, which takes far longer than a look at it.
func weight(v cty.Value) int {
	if v.Type() == cty.String {
		return 4 * value.Weight(v)
	}
	return value.Weight(v)
}

// quick are functions that look at a list without going through it.
var quick = map[string]bool{"length": true, "lookup": true, "element": true, "one": true, "slice": true, "chunklist": true, "range": true, "coalesce": true}

// Called takes account of a call of a function.
func (e *Effort) Called(name string, args []cty.Value) error {
	work := value.PerElement
	for _, v := range args {
		if !quick[name] {
			work += value.Weight(v)
		}
	}
	return e.labour(work, hcl.Range{})
}
