package value

import (
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"
)

// Heaviest is how much one value may weigh, in bytes as [Weight] counts them: a few
// locals of which each says the one before twice would else fill any memory.
const Heaviest = 64 << 20

// PerElement is what each element weighs beside itself: half a million of them are
// as much as a value holds.
const PerElement = 128

// ErrHeavy is what is wrong with a value of more than [Heaviest].
var ErrHeavy = fmt.Errorf("it would be larger than %d MiB, more than a configuration may work out in one value", Heaviest>>20)

// Weight returns what a value weighs, as if it were written out: what several
// elements share counts for each. Above [Heaviest] nobody goes on to count.
func Weight(v cty.Value) int { return Heaviest - weigh(v, Heaviest) }

// weigh returns how much of left a value leaves, which is below zero where it is too
// heavy.
func weigh(v cty.Value, left int) int {
	v, _ = v.Unmark()
	left -= PerElement
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
