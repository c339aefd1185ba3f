package resource

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"
)

// A Turn is when a thing comes.
type Turn struct {
	At    int // its place in the wish
	Depth int // how many things come before it, one after the other, at least
}

// Order returns the things so that each comes after all that it needs. Within that,
// blocks stay together in the order of the configuration (files by their names, then
// lines), and within a block what needs least comes first; ties fall to the ID. The
// order is the same from run to run. It is an error where things need each other.
func (g *Graph) Order() ([]Turn, error) {
	q := &ready{Graph: g, rank: g.ranks(), waits: make([]int, len(g.after)), depth: make([]int, len(g.after))}
	for point, before := range g.before {
		if q.waits[point] = len(before); len(before) == 0 {
			q.points = append(q.points, point)
		}
	}
	heap.Init(q)
	turns := make([]Turn, 0, len(g.all))
	for q.Len() > 0 {
		point := heap.Pop(q).(int)
		step := 0 // a block is no step of its own, so it adds no depth
		if !g.isBlock(point) {
			turns = append(turns, Turn{At: point, Depth: q.depth[point]})
			step = 1
		}
		for _, next := range g.after[point] {
			q.depth[next] = max(q.depth[next], q.depth[point]+step)
			if q.waits[next]--; q.waits[next] == 0 {
				heap.Push(q, next)
			}
		}
	}
	if len(turns) < len(g.all) {
		return nil, fmt.Errorf("these need each other, so none can come first: %s", g.stuck(q.waits))
	}
	return turns, nil
}

func (g *Graph) stuck(waits []int) string {
	var names []string
	for i, r := range g.all {
		if waits[i] > 0 && len(names) < 10 {
			names = append(names, r.ID.String())
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// ranks numbers the things by where the first block of each stands: files by their
// names, as those of a directory are read, and lines. The place in the wish, which is
// sorted by ID, decides among those that a dynamic block wrote in one line.
func (g *Graph) ranks() []int {
	var blocks []Owner
	known := make(map[ID]bool)
	for _, r := range g.all {
		if len(r.Owners) > 0 && !known[r.Owners[0].Block] {
			known[r.Owners[0].Block] = true
			blocks = append(blocks, r.Owners[0])
		}
	}
	SortStable(blocks, func(a, b Owner) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	place := make(map[ID]int, len(blocks))
	for i, b := range blocks {
		place[b.Block] = i
	}
	ranks := make([]int, len(g.all))
	for i, r := range g.all {
		if len(r.Owners) > 0 {
			ranks[i] = place[r.Owners[0].Block]
		}
	}
	return ranks
}

// ready is the heap of what could come next.
type ready struct {
	*Graph
	points []int
	rank   []int // by place
	waits  []int // by point, for how many more
	depth  []int // by point
}

func (q *ready) Len() int { return len(q.points) }

func (q *ready) Less(i, j int) bool {
	a, b := q.points[i], q.points[j]
	// A block that is complete frees others, so it goes first.
	if q.isBlock(a) || q.isBlock(b) {
		return a > b
	}
	return cmp.Or(
		cmp.Compare(q.rank[a], q.rank[b]),
		cmp.Compare(q.depth[a], q.depth[b]),
		q.all[a].ID.Compare(q.all[b].ID),
	) < 0
}

func (q *ready) Swap(i, j int) { q.points[i], q.points[j] = q.points[j], q.points[i] }

func (q *ready) Push(x any) { q.points = append(q.points, x.(int)) }

func (q *ready) Pop() any {
	last := q.points[len(q.points)-1]
	q.points = q.points[:len(q.points)-1]
	return last
}
