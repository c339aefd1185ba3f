package config

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// typeCheck is the block that says what must hold.
const typeCheck = "check"

// A check is a check block before it has values.
type check struct {
	node
	name string
	raw  *hcl.Block
}

// declareCheck takes note of a check; what it refers to is evaluated first, and
// nothing refers to it.
func (l *loader) declareCheck(dir string, raw *hcl.Block, iter map[string]cty.Value) {
	name := raw.Labels[0]
	for _, other := range l.checks {
		if other.name == name {
			l.errorAt(raw.DefRange, "Block declared twice", "check %q is already declared at %s. Give one of them another name, or make one block of both.", name, where(other.rng))
			return
		}
	}
	c := &check{name: name, raw: raw}
	c.node = node{name: fmt.Sprintf("%s[%q]", typeCheck, name), rng: raw.DefRange, dir: dir, iter: iter}
	c.refs = bodyReferences(raw.Body, resource.Fields(reflect.TypeFor[settings.Check]()))
	l.checks = append(l.checks, c)
}

// loadChecks gives every check its values.
func (l *loader) loadChecks() []settings.Check {
	var all []settings.Check
	for _, c := range l.checks {
		shape := settings.Check{Name: c.name, Range: c.rng}
		d := l.fill(&c.node, c.raw.Body, &shape, typeCheck, typeCheck)
		l.validate(&shape, "", d, c.rng, c.node.name)
		all = append(all, shape)
	}
	return all
}

// fill decodes a body that stands for no resources into a shape.
func (l *loader) fill(n *node, body hcl.Body, shape any, block, called string) *decoder {
	ctx := l.context(n)
	d := decoder{catalog: l.catalog, ctx: ctx, at: make(places), block: block}
	v := reflect.ValueOf(shape).Elem()
	d.body(v, called, "", dynblock.Expand(body, ctx, dynblock.OptCheckForEach(d.checkForEach)), bodySchema(resource.Fields(v.Type())))
	l.add(d.diags)
	return &d
}
