package resource

import (
	"slices"
	"strings"
)

// A Graph is what of a wish comes after what, and who reads what. A name that a
// thing comes after is that of another thing, or else of a block, and then of all
// that the block owns alone; of a block that owns the thing itself, of what the
// block shares with those that own the thing, which may wait for this one, and of
// what is not there, it does not wait. It is made once, is never changed, and is
// linear in what it is made of, however much a block owns.
type Graph struct {
	all     []Resource
	is      []Traits
	place   map[ID]int
	owned   map[ID][]int // by block
	readers map[ID][]ID

	// The points are the things, by their place, and behind them the blocks that
	// somebody comes after.
	blocks map[side]int
	before [][]int // of each point, what it comes after
	after  [][]int // and what comes after it
}

// NewGraph returns the graph of a wish. The catalog tells which kinds stand alone.
func NewGraph(c Catalog, all []Resource) *Graph {
	g := &Graph{
		all: all, is: make([]Traits, len(all)), place: make(map[ID]int, len(all)),
		owned: make(map[ID][]int), readers: make(map[ID][]ID),
		blocks: make(map[side]int), before: make([][]int, len(all)), after: make([][]int, len(all)),
	}
	for i, r := range all {
		g.place[r.ID] = i
		g.is[i] = c.Traits(r.ID.Kind)
		for _, o := range r.Owners {
			g.owned[o.Block] = append(g.owned[o.Block], i)
		}
		for _, t := range r.Triggers {
			g.readers[t.On] = append(g.readers[t.On], r.ID)
		}
	}
	for i, r := range all {
		for _, name := range r.After {
			g.link(name, i)
		}
	}
	return g
}

// Again returns the graph of a wish for the same things in the same places, each with the
// same names and owners, that may ask for something else of them.
func (g *Graph) Again(all []Resource) *Graph {
	again := *g
	again.all = all
	return &again
}

// link has a thing come after what the name stands for.
func (g *Graph) link(name ID, i int) {
	if before, ok := g.place[name]; ok {
		if before != i {
			g.tie(before, i)
		}
		return
	}
	if len(g.owned[name]) == 0 || Owns(name, g.all[i]) {
		return
	}
	g.tie(g.block(side{name, owners(g.all[i])}, i), i)
}

// A side is a block as it is waited for by things of certain others.
type side struct {
	block ID
	of    string
}

// owners names the blocks that ask for the thing.
func owners(r Resource) string {
	if len(r.Owners) == 1 {
		return r.Owners[0].Block.String()
	}
	var names []string
	for _, o := range r.Owners {
		names = append(names, o.Block.String())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// block returns the point of a block for those who wait for it, i being one of them:
// behind all that it owns but for what it shares with them.
func (g *Graph) block(s side, i int) int {
	if point, known := g.blocks[s]; known {
		return point
	}
	own := slices.DeleteFunc(slices.Clone(g.owned[s.block]), func(one int) bool {
		return slices.ContainsFunc(g.all[i].Owners, func(o Owner) bool { return Owns(o.Block, g.all[one]) })
	})
	of := s
	if len(own) == len(g.owned[s.block]) { // they share nothing, as nearly always
		of.of = ""
	}
	point, known := g.blocks[of]
	if !known {
		point = len(g.after)
		g.before, g.after = append(g.before, nil), append(g.after, nil)
		for _, one := range own {
			g.tie(one, point)
		}
	}
	g.blocks[of], g.blocks[s] = point, point
	return point
}

func (g *Graph) tie(first, then int) {
	g.after[first] = append(g.after[first], then)
	g.before[then] = append(g.before[then], first)
}

// Owns says whether the block asks for the thing.
func Owns(block ID, r Resource) bool {
	return slices.ContainsFunc(r.Owners, func(o Owner) bool { return o.Block == block })
}

// isBlock says whether a point is a block.
func (g *Graph) isBlock(point int) bool { return point >= len(g.all) }

// Has says whether the thing is in the wish.
func (g *Graph) Has(id ID) bool {
	_, ok := g.place[id]
	return ok
}

// Readers returns what a change of the thing refreshes.
func (g *Graph) Readers(id ID) []ID { return g.readers[id] }

// Before returns what a thing comes right after.
func (g *Graph) Before(id ID) []ID {
	var ids []ID
	at, ok := g.place[id]
	if !ok {
		return nil
	}
	for _, point := range g.before[at] {
		if !g.isBlock(point) {
			ids = append(ids, g.all[point].ID)
			continue
		}
		for _, one := range g.before[point] {
			ids = append(ids, g.all[one].ID)
		}
	}
	return ids
}

// Reachable returns these things and all that they come after, at once or by way
// of others.
func (g *Graph) Reachable(ids ...ID) map[ID]bool {
	seen := make([]bool, len(g.after))
	found := make(map[ID]bool)
	var follow func(point int)
	follow = func(point int) {
		if seen[point] {
			return
		}
		seen[point] = true
		if !g.isBlock(point) {
			found[g.all[point].ID] = true
		}
		for _, before := range g.before[point] {
			follow(before)
		}
	}
	for _, id := range ids {
		if at, ok := g.place[id]; ok {
			follow(at)
		}
	}
	return found
}

// Dependants returns all that needs one of these things, or something that does.
func (g *Graph) Dependants(ids ...ID) map[ID]bool {
	found := make(map[ID]bool)
	w := g.Walk()
	for queue := slices.Clone(ids); len(queue) > 0; {
		for _, id := range w.Next(queue[0]) {
			if !found[id] {
				found[id] = true
				queue = append(queue, id)
			}
		}
		queue = queue[1:]
	}
	return found
}

// Without returns the wish without these things and all that needs them.
func (g *Graph) Without(ids ...ID) []Resource {
	out := g.Dependants(ids...)
	for _, id := range ids {
		out[id] = true
	}
	return slices.DeleteFunc(slices.Clone(g.all), func(r Resource) bool { return out[r.ID] })
}

// Inputs returns what these things read, and what that is made from.
func (g *Graph) Inputs(ids ...ID) map[ID]bool {
	found := make(map[ID]bool)
	for queue := slices.Clone(ids); len(queue) > 0; queue = queue[1:] {
		at, ok := g.place[queue[0]]
		if !ok {
			continue
		}
		for _, t := range g.all[at].Triggers {
			if !found[t.On] {
				found[t.On] = true
				queue = append(queue, t.On)
			}
		}
	}
	return found
}

// A Walk leads from things to those that need them. Who comes after a block is
// told once, and not for each thing of that.
type Walk struct {
	*Graph
	passed map[passage]bool
}

// passage is how a walk came through a block: what needs a thing there depends on
// its kind alone.
type passage struct {
	block int
	kind  string
}

// An Aside is the shape of a kind whose things may stand aside: only those need such a
// thing who name it, and nobody because of the block that asks for it.
type Aside interface{ Aside() bool }

// aside says whether nobody needs a thing who does not name it.
func (g *Graph) aside(at int) bool {
	a, may := g.all[at].Want.(Aside)
	return may && a.Aside()
}

// Walk begins a walk.
func (g *Graph) Walk() *Walk { return &Walk{Graph: g, passed: make(map[passage]bool)} }

// Next returns what comes right after the thing and can't do without it, as far as
// the walk has not come through the same block before.
func (w *Walk) Next(id ID) []ID {
	at, ok := w.place[id]
	if !ok {
		return nil
	}
	var next []ID
	add := func(point int) {
		if w.is[point].Needs(w.is[at]) {
			next = append(next, w.all[point].ID)
		}
	}
	for _, point := range w.after[at] {
		if !w.isBlock(point) {
			add(point)
			continue
		}
		through := passage{block: point, kind: id.Kind}
		if w.passed[through] || w.aside(at) {
			continue
		}
		w.passed[through] = true
		for _, one := range w.after[point] {
			add(one)
		}
	}
	return next
}
