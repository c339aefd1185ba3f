// Package declare takes the files of a configuration apart into what they declare:
// variables, local values, blocks, dynamic blocks, checks and the settings, each with
// its place and with what it refers to. Nothing has a value yet; package eval goes on
// from here.
package declare

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/shape"
	"vpnd/internal/config/source"
	"vpnd/internal/resource"
)

// The blocks of the language itself, beside the dynamic ones.
const (
	TypeVariable = "variable"
	TypeLocals   = "locals"
	TypeSettings = "vpnd"
	TypeCheck    = "check"
)

// A Node is what all have in common that have a value once what they refer to has
// one.
type Node struct {
	Name  string // as users refer to it
	Range hcl.Range
	Dir   string               // what the paths of its functions are counted from
	Each  map[string]cty.Value // the iterator of the dynamic block that made it
	Refs  []hcl.Traversal
}

// A Local is a value with a name.
type Local struct {
	Node
	Expr hcl.Expression
}

// A Block is one that stands for resources.
type Block struct {
	Node
	ID        resource.ID
	Body      hcl.Body
	Shape     any             // empty
	DependsOn []resource.ID   // as it says itself
	OnChange  []hcl.Traversal // the units that a change in it refreshes
}

// A Check is a block that says what must hold.
type Check struct {
	Node
	Called string
	Body   hcl.Body
}

// A Settings is the vpnd block, and an empty one where there is none.
type Settings struct {
	Node
	Body hcl.Body
}

// A Declared is all that files declare.
type Declared struct {
	Variables map[string]*Variable
	Locals    map[string]*Local
	Dynamics  map[string][]*Dynamic // by the type of block that they make
	Blocks    map[resource.ID]*Block
	Order     []*Block // as declared; grows while dynamic blocks are expanded
	Checks    []*Check
	Settings  Settings
	Written   []*hcl.Block // every block at the top level, as it stands there

	catalog resource.Catalog
	told    *diag.List
}

// Read takes files apart.
func Read(files []source.File, catalog resource.Catalog, told *diag.List) *Declared {
	d := &Declared{
		Variables: make(map[string]*Variable),
		Locals:    make(map[string]*Local),
		Dynamics:  make(map[string][]*Dynamic),
		Blocks:    make(map[resource.ID]*Block),
		Settings:  Settings{Node: Node{Name: TypeSettings, Dir: "."}, Body: hcl.EmptyBody()},
		catalog:   catalog,
		told:      told,
	}
	schema := topSchema(catalog)
	for _, f := range files {
		content, diags := f.Body.Content(schema)
		told.Add(diag.Unknown(diags, "", schema))
		for _, b := range content.Blocks {
			d.Written = append(d.Written, b)
			d.declare(f.Dir, b)
		}
	}
	for _, b := range d.Order { // now it is known which names there are
		d.readReferences(b)
	}
	return d
}

func topSchema(catalog resource.Catalog) *hcl.BodySchema {
	schema := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: TypeVariable, LabelNames: []string{"name"}},
		{Type: TypeLocals},
		{Type: TypeSettings},
		{Type: TypeCheck, LabelNames: []string{"name"}},
		{Type: shape.Dynamic, LabelNames: []string{"block"}},
	}}
	for _, name := range shape.Types(catalog) {
		schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: name, LabelNames: []string{"name"}})
	}
	return schema
}

func (d *Declared) declare(dir string, b *hcl.Block) {
	switch b.Type {
	case TypeVariable:
		d.declareVariable(dir, b)
	case TypeLocals:
		d.declareLocals(dir, b)
	case TypeSettings:
		d.declareSettings(dir, b)
	case TypeCheck:
		d.declareCheck(dir, b, nil)
	case shape.Dynamic:
		d.declareDynamic(dir, b)
	default:
		d.declareBlock(dir, b, nil)
	}
}

func (d *Declared) declareLocals(dir string, b *hcl.Block) {
	attrs, diags := b.Body.JustAttributes()
	d.told.Add(diags)
	for name, attr := range attrs {
		if first, twice := d.Locals[name]; twice {
			later, first := diag.InOrder(attr.NameRange, first.Range)
			d.told.Error(later, "Local value declared twice", "local.%s is already declared at %s. Give one of them another name.", name, diag.Where(first))
			continue
		}
		d.Locals[name] = &Local{Node: Node{Name: "local." + name, Range: attr.NameRange, Dir: dir, Refs: attr.Expr.Variables()}, Expr: attr.Expr}
	}
}

func (d *Declared) declareSettings(dir string, b *hcl.Block) {
	s := &d.Settings
	if s.Range != (hcl.Range{}) {
		d.told.Error(b.DefRange, "Block declared twice", "The vpnd block is already at %s; make one of both.", diag.Where(s.Range))
		return
	}
	s.Range, s.Dir, s.Body = b.DefRange, dir, b.Body
	s.Refs = shape.References(b.Body, resource.Fields(reflect.TypeFor[settings.Settings]()))
}

// declareCheck takes note of a check; what it refers to is evaluated first, and
// nothing refers to it.
func (d *Declared) declareCheck(dir string, b *hcl.Block, each map[string]cty.Value) {
	name := b.Labels[0]
	for _, other := range d.Checks {
		if other.Called == name {
			d.told.Error(b.DefRange, "Block declared twice", "check %q is already declared at %s. Give one of them another name, or make one block of both.", name, diag.Where(other.Range))
			return
		}
	}
	refs := shape.References(b.Body, resource.Fields(reflect.TypeFor[settings.Check]()))
	d.Checks = append(d.Checks, &Check{
		Node:   Node{Name: fmt.Sprintf("%s[%q]", TypeCheck, name), Range: b.DefRange, Dir: dir, Each: each, Refs: refs},
		Called: name, Body: b.Body,
	})
}

// declareBlock takes note of a block that stands for resources; each holds the
// iterator where a dynamic block made it. It returns nil where there is a mistake.
func (d *Declared) declareBlock(dir string, raw *hcl.Block, each map[string]cty.Value) *Block {
	id := resource.ID{Kind: raw.Type, Name: raw.Labels[0]}
	if id.Name == "" {
		d.told.Error(raw.DefRange, "Block without a name", "A %s block wants a name, as in %s \"office\".", id.Kind, id.Kind)
		return nil
	}
	if first, twice := d.Blocks[id]; twice {
		d.told.Error(raw.DefRange, "Block declared twice", "%s is already declared at %s. Give one of them another name, or make one block of both.", id, diag.Where(first.Range))
		return nil
	}
	b := &Block{Node: Node{Name: id.String(), Range: raw.DefRange, Dir: dir, Each: each}, ID: id, Body: raw.Body, Shape: shape.New(d.catalog, id.Kind)}
	d.Blocks[id] = b
	d.Order = append(d.Order, b)
	return b
}
