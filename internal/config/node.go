package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

// A node is something that has a value once what it refers to has one: a
// local, a block, a dynamic block at the top level or the settings.
type node struct {
	name   string // as users refer to it
	rng    hcl.Range
	dir    string               // what the paths of its functions are relative to
	iter   map[string]cty.Value // the iterator of the dynamic block that made it
	refs   []hcl.Traversal
	run    func(*hcl.EvalContext) cty.Value
	self   *block // nil for what is no block
	state  state
	value  cty.Value
	weight int           // of a local value
	reach  []resource.ID // the blocks it refers to, itself or by way of locals
}

type state uint8

const (
	untouched state = iota
	active
	done
)

// A block is a node that stands for resources.
type block struct {
	node
	id        resource.ID
	raw       *hcl.Block
	shape     any
	at        places
	onChange  []hcl.Traversal
	dependsOn []resource.ID // as it says itself
	owned     []resource.ID
	failed    bool // it has no value; a diagnostic, here or elsewhere, says why
}

func (n *node) after(ids []resource.ID) {
	for _, id := range ids {
		if !slices.Contains(n.reach, id) {
			n.reach = append(n.reach, id)
		}
	}
}

// reachable returns the other blocks that this one refers to, in order.
func (b *block) reachable() []resource.ID {
	ids := slices.DeleteFunc(slices.Clone(b.reach), func(id resource.ID) bool { return id == b.id })
	slices.SortFunc(ids, resource.ID.Compare)
	return ids
}

// evaluate gives everything its value. Dynamic blocks go first, for until then
// nobody knows what is declared; what they need comes with them.
func (l *loader) evaluate() {
	for _, name := range append(blockTypes(l.catalog), typeCheck) {
		l.visitMakers(name, hcl.Range{})
	}
	for _, name := range sortedKeys(l.locals) {
		l.visit(l.locals[name], hcl.Range{})
	}
	for i := 0; i < len(l.order); i++ {
		l.visit(&l.order[i].node, hcl.Range{})
	}
}

// visit evaluates a node after all that it refers to; from is the reference
// that leads here.
func (l *loader) visit(n *node, from hcl.Range) {
	switch n.state {
	case done:
		return
	case active:
		l.reportCycle(n, from)
		return
	}
	n.state = active
	n.value = cty.DynamicVal
	l.stack = append(l.stack, n)
	if len(l.stack) > longestChain {
		l.errorAt(n.rng, "Too long a chain of references", "%s is the end of %d values of which each refers to the next. Refer to some of them directly.", n.name, longestChain)
		n.fail()
	} else if ctx := l.context(n); l.carry(n) {
		n.value = n.run(ctx)
	} else {
		n.fail()
	}
	if n.self == nil {
		n.weight = heaviest - weigh(n.value, heaviest)
	}
	l.stack = l.stack[:len(l.stack)-1]
	n.state = done
}

// fail leaves a node without a value, of which a diagnostic tells.
func (n *node) fail() {
	if n.self != nil {
		n.self.failed = true
	}
}

func (l *loader) reportCycle(n *node, from hcl.Range) {
	chain := l.stack[slices.Index(l.stack, n):]
	var steps []string
	for _, step := range chain {
		steps = append(steps, fmt.Sprintf("%s (%s)", step.name, where(step.rng)))
	}
	steps = append(steps, n.name)
	if len(chain) == 1 {
		l.errorAt(from, "Reference to itself", "%s refers to itself. Put what both places need into a local or a variable.", n.name)
		return
	}
	l.errorAt(from, "References in a circle", "Each of these needs the next one first: %s. Take one of the references out; what both sides need can be a local or a variable.", strings.Join(steps, " → "))
}

// value evaluates an expression; without a value it is unknown, and nothing
// that uses it reports anything more.
func (l *loader) value(expr hcl.Expression, ctx *hcl.EvalContext) cty.Value {
	v, diags := expr.Value(ctx)
	l.add(diags)
	if diags.HasErrors() {
		return cty.DynamicVal
	}
	v, _ = l.bear(expr, v)
	return v
}
