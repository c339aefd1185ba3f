// Package compile makes resources of the blocks of a configuration and puts them in
// order. It brings together what several blocks ask for and tells where they
// contradict each other. It is a pure function: what only the host can tell is asked
// of functions that are given to it.
package compile

import (
	"vpnd/internal/config/diag"
	"vpnd/internal/config/eval"
	"vpnd/internal/resource"
)

// An Input is what there is to compile.
type Input struct {
	Blocks []eval.Block // as declared
	Files  []string     // by their names, in order

	// Place says why others than root could have what a program writes at a path
	// of the host, as root, written elsewhere. Nil takes every place.
	Place func(path string) error

	// Own says what of vpnd's own lies at a path of the host, as "the state of
	// vpnd", and nothing where none does. Nil takes nothing for its own.
	Own func(path string) string
}

// A block is one of the input, on its way to resources.
type block struct {
	eval.Block
	owned []resource.ID
}

func (b *block) owner() resource.Owner {
	return resource.Owner{Block: b.ID, File: b.Range.Filename, Line: b.Range.Start.Line}
}

// A wish is a resource before it is put in order.
type wish struct {
	resource.Resource
	blocks []*block // its owners
}

// of says whose it is, unless that is plain.
func (w *wish) of() string {
	if w.blocks[0].ID == w.ID {
		return w.ID.String()
	}
	return w.ID.String() + " of " + w.blocks[0].ID.String()
}

// A compiler is one run of [Run].
type compiler struct {
	Input
	catalog resource.Catalog
	told    *diag.List
	order   []*block
	blocks  map[resource.ID]*block
	wishes  map[resource.ID]*wish
	paths   map[string]*wish // those that are a path of the host
}

// Run returns the resources, sorted by their names, and for each block of the input
// which of them it owns, alone or with others. What is wrong goes into told.
func Run(in Input, catalog resource.Catalog, told *diag.List) (resource.Desired, [][]resource.ID) {
	c := &compiler{Input: in, catalog: catalog, told: told, blocks: make(map[resource.ID]*block), wishes: make(map[resource.ID]*wish), paths: make(map[string]*wish)}
	for _, b := range in.Blocks {
		mine := &block{Block: b}
		c.order, c.blocks[b.ID] = append(c.order, mine), mine
	}
	for i, made := range c.expanded() {
		c.expand(c.order[i], made)
	}
	c.checkClaims()
	c.checkWritten()
	c.checkNames()
	c.review()
	c.checkOwn()
	c.addTriggers()
	c.addSources()
	c.addOrder()
	c.addQueues()
	owned := make([][]resource.ID, len(c.order))
	for i, b := range c.order {
		owned[i] = b.owned
	}
	return c.desired(), owned
}
