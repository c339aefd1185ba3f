package eval

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// A scope collects the values that one node refers to: by root, then by name.
// Only what is referred to is in it, so a large configuration isn't copied for
// each of its blocks.
type scope map[string]map[string]cty.Value

func (s scope) set(root, name string, v cty.Value) {
	if s[root] == nil {
		s[root] = make(map[string]cty.Value)
	}
	s[root][name] = v
}

// context evaluates what n refers to and returns the context for n itself.
// What does not exist is reported here, better than HCL could, and stands in
// the context as an unknown value.
func (e *evaluator) context(n *node) *hcl.EvalContext {
	found := make(scope)
	ctx := &hcl.EvalContext{Variables: make(map[string]cty.Value), Functions: e.functionsIn(n.Dir)}
	for _, t := range n.Refs {
		root := t.RootName()
		switch {
		case n.Each[root] != cty.NilVal:
		case root == "var":
			e.useVariable(t, found)
		case root == "local":
			e.useLocal(n, t, found)
		case shape.New(e.env.Catalog, root) != nil:
			e.useBlock(n, t, found)
		default:
			e.declared.UnknownName(t)
			ctx.Variables[root] = cty.DynamicVal
		}
	}
	for root, values := range found {
		ctx.Variables[root] = cty.ObjectVal(values)
	}
	maps.Copy(ctx.Variables, n.Each)
	return ctx
}

func (e *evaluator) useVariable(t hcl.Traversal, found scope) {
	name, one := declare.Step(t)
	if !one {
		found["var"] = maps.Clone(e.variables)
		return
	}
	v, ok := e.variables[name]
	if !ok {
		v = cty.DynamicVal
		hint := e.told.Suggest(name, func() []string { return sortedKeys(e.variables) })
		if hint == "" {
			hint = fmt.Sprintf(" Declare it: variable %q {}.", name)
		}
		e.told.Error(t.SourceRange(), "Reference to an undeclared variable", "There is no variable %q.%s", name, hint)
	}
	found.set("var", name, v)
}

func (e *evaluator) useLocal(n *node, t hcl.Traversal, found scope) {
	use := func(name string, other *node) {
		e.visit(other, t.SourceRange())
		n.after(other.reach)
		found.set("local", name, other.value)
	}
	name, one := declare.Step(t)
	if !one {
		for _, name := range sortedKeys(e.locals) {
			use(name, e.locals[name])
		}
		return
	}
	if other, ok := e.locals[name]; ok {
		use(name, other)
		return
	}
	found.set("local", name, cty.DynamicVal)
	e.told.Error(t.SourceRange(), "Reference to an undeclared local value", "There is no local value %q.%s", name, e.told.Suggest(name, func() []string { return sortedKeys(e.locals) }))
}

func (e *evaluator) useBlock(n *node, t hcl.Traversal, found scope) {
	kind := t.RootName()
	use := func(b *block) {
		e.visit(&b.node, t.SourceRange())
		n.after([]resource.ID{b.id})
		found.set(kind, b.id.Name, b.exported())
	}
	name, one := declare.Step(t)
	if !one {
		e.visitMakers(kind, t.SourceRange())
		if found[kind] == nil {
			found[kind] = make(map[string]cty.Value)
		}
		for _, b := range slices.Clone(e.byType[kind]) {
			if &b.node != n {
				use(b)
			}
		}
		return
	}
	b := e.lookup(resource.ID{Kind: kind, Name: name}, t)
	if b == nil {
		found.set(kind, name, cty.DynamicVal)
		return
	}
	use(b)
	if !e.checkAttribute(b, t) {
		found.set(kind, name, cty.DynamicVal)
	}
}

// lookup finds a block; where it can't, a diagnostic says so.
func (e *evaluator) lookup(id resource.ID, t hcl.Traversal) *block {
	if b, ok := e.blocks[id]; ok {
		return b
	}
	certain := e.visitMakers(id.Kind, t.SourceRange())
	if b, ok := e.blocks[id]; ok || !certain {
		return b
	}
	hint := e.told.Suggest(id.Name, func() (names []string) {
		for _, b := range e.byType[id.Kind] {
			names = append(names, b.id.Name)
		}
		return names
	})
	if len(e.byType[id.Kind]) == 0 {
		hint = fmt.Sprintf(" There is no %s block at all.", id.Kind)
	}
	e.told.Error(t.SourceRange(), "Reference to an undeclared block", "There is no block %s %q.%s", id.Kind, id.Name, hint)
	return nil
}

// checkAttribute looks at x of kind.name.x.
func (e *evaluator) checkAttribute(b *block, t hcl.Traversal) bool {
	if len(t) < 3 {
		return true
	}
	attr, ok := t[2].(hcl.TraverseAttr)
	is := b.exported().Type()
	if !ok || !is.IsObjectType() || is.HasAttribute(attr.Name) {
		return true
	}
	names := sortedKeys(is.AttributeTypes())
	hint := diag.Suggest(attr.Name, names)
	if hint == "" {
		hint = fmt.Sprintf(" It has %s.", diag.Enumerate(names, "and"))
	}
	e.told.Error(attr.SrcRange, "Reference to an unknown attribute", "%s has no attribute %q.%s", b.id, attr.Name, hint)
	return false
}
