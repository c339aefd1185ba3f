package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// longestChain is how many values may refer each to the next.
const longestChain = 2000

// A node is something on its way to a value: a local value, a block, or a dynamic
// block at the top level.
type node struct {
	declare.Node
	run    func(*hcl.EvalContext) cty.Value
	state  state
	value  cty.Value
	failed bool          // it has no value; a diagnostic, here or elsewhere, says why
	reach  []resource.ID // the blocks it refers to, itself or by way of locals
}

type state uint8

const (
	untouched state = iota
	active
	done
)

func (n *node) after(ids []resource.ID) {
	for _, id := range ids {
		if !slices.Contains(n.reach, id) {
			n.reach = append(n.reach, id)
		}
	}
}

// visit evaluates a node after all that it refers to; from is the reference
// that leads here.
func (e *evaluator) visit(n *node, from hcl.Range) {
	switch n.state {
	case done:
		return
	case active:
		e.reportCycle(n, from)
		return
	}
	n.state, n.value, n.failed = active, cty.DynamicVal, true
	e.stack = append(e.stack, n)
	if len(e.stack) > longestChain {
		e.told.Error(n.Range, "Too long a chain of references", "%s is the end of %d values of which each refers to the next. Refer to some of them directly.", n.Name, longestChain)
	} else if ctx := e.context(n); e.carry(n) {
		n.failed = false
		n.value = n.run(ctx)
	}
	e.stack = e.stack[:len(e.stack)-1]
	n.state = done
}

func (e *evaluator) reportCycle(n *node, from hcl.Range) {
	chain := e.stack[slices.Index(e.stack, n):]
	var steps []string
	for _, step := range chain {
		steps = append(steps, fmt.Sprintf("%s (%s)", step.Name, diag.Where(step.Range)))
	}
	steps = append(steps, n.Name)
	if len(chain) == 1 {
		e.told.Error(from, "Reference to itself", "%s refers to itself. Put what both places need into a local or a variable.", n.Name)
		return
	}
	e.told.Error(from, "References in a circle", "Each of these needs the next one first: %s. Take one of the references out; what both sides need can be a local or a variable.", strings.Join(steps, " → "))
}
