// Package eval gives everything that is declared its value.
//
// Values are worked out on demand: a block that refers to another one has that
// evaluated first, so the references are the order, and a reference that comes back
// to where it began is a cycle. A value that can't be had is unknown, which is told
// once, where it goes wrong, and not again by all that refer to it.
package eval

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/functions"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/shape"
	"vpnd/internal/config/value"
	"vpnd/internal/config/variables"
	"vpnd/internal/resource"
)

// A Block is one that stands for resources, with its values.
type Block struct {
	ID        resource.ID
	Range     hcl.Range
	Shape     any // *T of its kind or composite, defaults filled in
	At        shape.Places
	After     []resource.ID // the other blocks that it refers to, sorted
	DependsOn []resource.ID // those of them that it says to depend on
	OnChange  []Reference   // the blocks that a change in it refreshes
	Read      []string      // the paths of its documents, and of what these name
	Failed    bool          // it has no value; a diagnostic says why
}

// A Reference is one that names a block.
type Reference struct {
	Block resource.ID
	Range hcl.Range
}

// A Result is all that has a value.
type Result struct {
	Blocks     []Block // as declared
	Settings   settings.Settings
	SettingsAt shape.Places // in the vpnd block
	Checks     []settings.Check
	ChecksAt   []shape.Places // in each of them
}

// An Environment is what values are worked out in.
type Environment struct {
	Catalog     resource.Catalog
	Given       map[string]variables.Given // for variables
	Credentials string                     // directory that credential() reads from
	Trust       func(path string) error    // why others could change a file that is read; nil trusts all
	Advise      bool                       // nothing is done with the values
	StateDir    string                     // overrides state_dir, unless empty
	Version     string                     // of this program
	Effort      *effort.Effort             // what is spent of it; what is declared is counted
}

// An evaluator is one run of [Run].
type evaluator struct {
	budget
	env       Environment
	declared  *declare.Declared
	variables map[string]cty.Value
	locals    map[string]*node
	dynamics  map[string][]*node // by the type of block they make
	blocks    map[resource.ID]*block
	order     []*block            // as declared; grows while dynamic blocks are expanded
	byType    map[string][]*block // the same
	stack     []*node             // what is being evaluated, to tell a cycle
	made      int                 // blocks, by dynamic ones
	functions map[string]map[string]function.Function
}

// Run works out all values.
func Run(d *declare.Declared, env Environment, told *diag.List) Result {
	e := &evaluator{
		budget:    budget{told: told, effort: env.Effort, weights: make(map[string]int)},
		variables: make(map[string]cty.Value),
		env:       env,
		declared:  d,
		locals:    make(map[string]*node),
		dynamics:  make(map[string][]*node),
		blocks:    make(map[resource.ID]*block),
		byType:    make(map[string][]*block),
		functions: make(map[string]map[string]function.Function),
	}
	e.loadVariables()
	e.index()
	e.checkVariables()
	e.evaluate()
	r := Result{}
	r.Settings, r.SettingsAt = e.loadSettings()
	r.Checks, r.ChecksAt = e.loadChecks()
	for _, b := range e.order {
		r.Blocks = append(r.Blocks, b.result())
	}
	for i := range r.Blocks {
		r.Blocks[i].OnChange = e.named(e.order[i].decl.OnChange)
	}
	e.checkEffort()
	e.checkFailures()
	return r
}

// index makes a node of all that is declared.
func (e *evaluator) index() {
	for name, l := range e.declared.Locals {
		e.locals[name] = &node{Node: l.Node, run: func(ctx *hcl.EvalContext) cty.Value { return e.weighed(l, ctx) }}
	}
	for kind, all := range e.declared.Dynamics {
		for _, d := range all {
			n := &node{Node: d.Node, value: cty.DynamicVal}
			n.run = func(ctx *hcl.EvalContext) cty.Value { return e.expand(n, d, ctx) }
			if d.Broken {
				n.state = done
			}
			e.dynamics[kind] = append(e.dynamics[kind], n)
		}
	}
	for _, b := range e.declared.Order {
		e.addBlock(b)
	}
}

// weighed works out a local value, and keeps what it weighs.
func (e *evaluator) weighed(l *declare.Local, ctx *hcl.EvalContext) cty.Value {
	v := e.value(l.Expr, ctx)
	e.weights[l.Name] = value.Weight(v)
	return v
}

// evaluate gives everything its value. Dynamic blocks go first, for until then
// nobody knows what is declared; what they need comes with them.
func (e *evaluator) evaluate() {
	for _, name := range append(shape.Types(e.env.Catalog), declare.TypeCheck) {
		e.visitMakers(name, hcl.Range{})
	}
	for _, name := range sortedKeys(e.locals) {
		e.visit(e.locals[name], hcl.Range{})
	}
	for i := 0; i < len(e.order); i++ {
		e.visit(&e.order[i].node, hcl.Range{})
	}
}

// functionsIn returns the functions for a file in that directory.
func (e *evaluator) functionsIn(dir string) map[string]function.Function {
	if e.functions[dir] == nil {
		e.functions[dir] = functions.All(e.directory(dir), e.env.Credentials, e.env.Effort)
		maps.Copy(e.functions[dir], e.env.Effort.Functions())
	}
	return e.functions[dir]
}

func (e *evaluator) directory(dir string) functions.Directory {
	return functions.Directory{Path: dir, Trust: e.env.Trust}
}

// checkEffort tells that a bound was passed, also where try caught that.
func (e *evaluator) checkEffort() {
	if at, err := e.env.Effort.Spent(); err != nil {
		e.told.Error(at, "Too much to work out", "%s", diag.Sentence(err))
	}
}

// checkFailures makes sure that nothing is left out in silence: a block that
// has no value must have a diagnostic that says why.
func (e *evaluator) checkFailures() {
	if e.told.HasErrors() {
		return
	}
	for _, b := range e.order {
		if b.failed {
			e.told.Error(b.Range, "Block without a value", "The values of %s could not be worked out, and vpnd can't say why. That is a mistake of vpnd; please report it.", b.id)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
