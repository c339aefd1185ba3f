package engine

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// order sorts items so that each comes after all that it needs. Within that,
// blocks stay together in the order of the configuration, and within a block
// what needs least comes first; ties fall to the ID. The order is the same
// from run to run.
func order(items []*item) ([]*item, error) {
	g := newGraph(items)
	queue := &ready{rank: ranks(items)}
	for _, n := range g.nodes {
		if n.waits == 0 {
			heap.Push(queue, n)
		}
	}
	sorted := make([]*item, 0, len(items))
	for queue.Len() > 0 {
		n := heap.Pop(queue).(*node)
		if n.item != nil {
			n.item.depth = n.depth
			sorted = append(sorted, n.item)
		}
		for _, next := range n.then {
			// A block is no step of its own, so it adds no depth.
			next.depth = max(next.depth, n.depth+btoi(n.item != nil))
			if next.waits--; next.waits == 0 {
				heap.Push(queue, next)
			}
		}
	}
	if len(sorted) < len(items) {
		return nil, fmt.Errorf("these need each other, so none can come first: %s", g.stuck())
	}
	return sorted, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// node is an item, or a whole block that others come after.
type node struct {
	item  *item
	block resource.ID
	waits int
	depth int
	then  []*node
}

type graph struct {
	nodes  []*node
	byID   map[resource.ID]*node
	blocks map[resource.ID]*node
	owned  map[resource.ID][]*node
}

func newGraph(items []*item) *graph {
	g := &graph{
		byID:   make(map[resource.ID]*node, len(items)),
		blocks: make(map[resource.ID]*node),
		owned:  make(map[resource.ID][]*node),
	}
	for _, it := range items {
		n := &node{item: it}
		g.nodes = append(g.nodes, n)
		g.byID[it.ID] = n
		for _, o := range it.Owners {
			g.owned[o.Block] = append(g.owned[o.Block], n)
		}
	}
	for _, n := range slices.Clone(g.nodes) {
		for _, before := range n.item.After {
			g.link(before, n)
		}
	}
	return g
}

// link makes n wait for a resource, or for all that a block owns. What is
// not there needs no waiting for.
func (g *graph) link(before resource.ID, n *node) {
	if b, ok := g.byID[before]; ok {
		if b != n {
			b.then = append(b.then, n)
			n.waits++
		}
		return
	}
	if owns(n.item, before) || len(g.owned[before]) == 0 {
		return
	}
	b, ok := g.blocks[before]
	if !ok {
		b = &node{block: before}
		g.blocks[before] = b
		g.nodes = append(g.nodes, b)
		for _, o := range g.owned[before] {
			o.then = append(o.then, b)
			b.waits++
		}
	}
	b.then = append(b.then, n)
	n.waits++
}

func owns(it *item, block resource.ID) bool {
	return slices.ContainsFunc(it.Owners, func(o resource.Owner) bool { return o.Block == block })
}

func (g *graph) stuck() string {
	var names []string
	for _, n := range g.nodes {
		if n.waits > 0 && n.item != nil && len(names) < 10 {
			names = append(names, n.item.ID.String())
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ranks numbers the blocks by their first appearance.
func ranks(items []*item) map[resource.ID]int {
	rank := make(map[resource.ID]int)
	for _, it := range items {
		for _, o := range it.Owners[:min(1, len(it.Owners))] {
			if _, ok := rank[o.Block]; !ok {
				rank[o.Block] = len(rank)
			}
		}
	}
	return rank
}

// ready is the heap of what could come next.
type ready struct {
	nodes []*node
	rank  map[resource.ID]int
}

func (r *ready) Len() int { return len(r.nodes) }

func (r *ready) Less(i, j int) bool { return r.compare(r.nodes[i], r.nodes[j]) < 0 }

func (r *ready) compare(a, b *node) int {
	// A block that is complete frees others, so it goes first.
	if a.item == nil || b.item == nil {
		return cmp.Or(btoi(a.item != nil)-btoi(b.item != nil), a.block.Compare(b.block))
	}
	return cmp.Or(
		cmp.Compare(r.rankOf(a.item), r.rankOf(b.item)),
		cmp.Compare(a.depth, b.depth),
		a.item.ID.Compare(b.item.ID),
	)
}

func (r *ready) rankOf(it *item) int {
	if len(it.Owners) == 0 {
		return 0
	}
	return r.rank[it.Owners[0].Block]
}

func (r *ready) Swap(i, j int) { r.nodes[i], r.nodes[j] = r.nodes[j], r.nodes[i] }

func (r *ready) Push(x any) { r.nodes = append(r.nodes, x.(*node)) }

func (r *ready) Pop() any {
	last := r.nodes[len(r.nodes)-1]
	r.nodes = r.nodes[:len(r.nodes)-1]
	return last
}
