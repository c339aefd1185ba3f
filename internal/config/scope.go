package config

import (
	"fmt"
	"maps"
	"slices"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

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
func (l *loader) context(n *node) *hcl.EvalContext {
	found := make(scope)
	ctx := &hcl.EvalContext{Variables: make(map[string]cty.Value), Functions: l.functionsIn(n.dir)}
	for _, t := range n.refs {
		root := t.RootName()
		switch {
		case n.iter[root] != cty.NilVal:
		case root == "var":
			l.useVariable(t, found)
		case root == "local":
			l.useLocal(n, t, found)
		case l.shapeOf(root) != nil:
			l.useBlock(n, t, found)
		default:
			l.reportUnknownRoot(t)
			ctx.Variables[root] = cty.DynamicVal
		}
	}
	for root, values := range found {
		ctx.Variables[root] = cty.ObjectVal(values)
	}
	maps.Copy(ctx.Variables, n.iter)
	return ctx
}

// step returns the name that follows the root: x of var.x and of tun["x"].
// There is none where the reference means all there are.
func step(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch s := t[1].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() && !s.Key.IsMarked() {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

func (l *loader) useVariable(t hcl.Traversal, found scope) {
	name, one := step(t)
	if !one {
		found["var"] = maps.Clone(l.values)
		return
	}
	v, ok := l.values[name]
	if !ok {
		v = cty.DynamicVal
		hint := l.suggest(name, func() []string { return sortedKeys(l.variables) })
		if hint == "" {
			hint = fmt.Sprintf(" Declare it: variable %q {}.", name)
		}
		l.errorAt(t.SourceRange(), "Reference to an undeclared variable", "There is no variable %q.%s", name, hint)
	}
	found.set("var", name, v)
}

func (l *loader) useLocal(n *node, t hcl.Traversal, found scope) {
	use := func(name string, other *node) {
		l.visit(other, t.SourceRange())
		n.after(other.reach)
		found.set("local", name, other.value)
	}
	name, one := step(t)
	if !one {
		for _, name := range sortedKeys(l.locals) {
			use(name, l.locals[name])
		}
		return
	}
	if other, ok := l.locals[name]; ok {
		use(name, other)
		return
	}
	found.set("local", name, cty.DynamicVal)
	l.errorAt(t.SourceRange(), "Reference to an undeclared local value", "There is no local value %q.%s", name, l.suggest(name, func() []string { return sortedKeys(l.locals) }))
}

func (l *loader) useBlock(n *node, t hcl.Traversal, found scope) {
	kind := t.RootName()
	use := func(b *block) {
		l.visit(&b.node, t.SourceRange())
		n.after([]resource.ID{b.id})
		found.set(kind, b.id.Name, b.value)
	}
	name, one := step(t)
	if !one {
		l.visitMakers(kind, t.SourceRange())
		if found[kind] == nil {
			found[kind] = make(map[string]cty.Value)
		}
		for _, b := range slices.Clone(l.byType[kind]) {
			if &b.node != n {
				use(b)
			}
		}
		return
	}
	b := l.lookup(resource.ID{Kind: kind, Name: name}, t)
	if b == nil {
		found.set(kind, name, cty.DynamicVal)
		return
	}
	use(b)
	if !l.checkAttribute(b, t) {
		found.set(kind, name, cty.DynamicVal)
	}
}

// lookup finds a block; where it can't, a diagnostic says so.
func (l *loader) lookup(id resource.ID, t hcl.Traversal) *block {
	if b, ok := l.blocks[id]; ok {
		return b
	}
	certain := l.visitMakers(id.Kind, t.SourceRange())
	if b, ok := l.blocks[id]; ok || !certain {
		return b
	}
	hint := l.suggest(id.Name, func() (names []string) {
		for _, b := range l.byType[id.Kind] {
			names = append(names, b.id.Name)
		}
		return names
	})
	if len(l.byType[id.Kind]) == 0 {
		hint = fmt.Sprintf(" There is no %s block at all.", id.Kind)
	}
	l.errorAt(t.SourceRange(), "Reference to an undeclared block", "There is no block %s %q.%s", id.Kind, id.Name, hint)
	return nil
}

// checkAttribute looks at x of kind.name.x.
func (l *loader) checkAttribute(b *block, t hcl.Traversal) bool {
	if len(t) < 3 {
		return true
	}
	attr, ok := t[2].(hcl.TraverseAttr)
	if !ok || !b.value.Type().IsObjectType() || b.value.Type().HasAttribute(attr.Name) {
		return true
	}
	names := sortedKeys(b.value.Type().AttributeTypes())
	hint := suggest(attr.Name, names)
	if hint == "" {
		hint = fmt.Sprintf(" It has %s.", enumerate(names, "and"))
	}
	l.errorAt(attr.SrcRange, "Reference to an unknown attribute", "%s has no attribute %q.%s", b.id, attr.Name, hint)
	return false
}

func (l *loader) reportUnknownRoot(t hcl.Traversal) {
	root := t.RootName()
	names := append(blockTypes(l.catalog), "var", "local")
	hint := ""
	if name := nearest(root, names); name != "" {
		hint = fmt.Sprintf(" Did you mean %q?", name)
	}
	if hostlike(t) {
		if levenshtein.Distance(root, nearest(root, names), nil) > 1 { // vpn.example.com is no tun
			hint = ""
		}
		hint += " If it is text, such as the name of a host, put it in quotes."
	} else if len(t) == 1 {
		hint += " If it is text, put it in quotes."
	}
	if _, ok := l.variables[root]; ok {
		hint = fmt.Sprintf(" Did you mean var.%s?", root)
	} else if _, ok := l.locals[root]; ok {
		hint = fmt.Sprintf(" Did you mean local.%s?", root)
	}
	called := "of that name" // which may be a secret without its quotes
	if len(t) > 1 {
		called = fmt.Sprintf("named %q", root)
	}
	l.errorAt(t.SourceRange(), "Reference to an unknown name", "There is nothing %s: a reference begins with var, local or the type of a block.%s", called, hint)
}

// hostlike says whether words stand there with dots between them, as in the name
// of a host.
func hostlike(t hcl.Traversal) bool {
	for _, step := range t[1:] {
		if _, ok := step.(hcl.TraverseAttr); !ok {
			return false
		}
	}
	return len(t) > 1
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
