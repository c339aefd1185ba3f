package compile

import (
	"cmp"
	"slices"

	"vpnd/internal/resource"
)

// A position is that of a wish in a queue.
type position struct {
	*wish
	rank    int
	index   int // by rank and file
	behind  int // the last index of what it depends on, or its own
	depth   int // how many depend on each other up to it
	settled bool
}

// addQueues tells what stands in a queue, as chains do in their hook, in which
// order it does: by rank, then in the order of the files, and in any case after
// what its block names in depends_on. What a block merely refers to says nothing
// about the order here: rules about the network of a gateway may well have to
// stand before the gateway's own.
func (c *compiler) addQueues() {
	lines := c.lines()
	queues := make(map[string][]*position)
	for _, w := range c.wishes {
		if q, ok := w.Want.(resource.Queuer); ok {
			if queue, rank := q.Queue(w.ID.Name); queue != "" {
				queues[queue] = append(queues[queue], &position{wish: w, rank: rank})
			}
		}
	}
	for _, queue := range queues {
		slices.SortFunc(queue, func(a, b *position) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(lines[a.blocks[0]], lines[b.blocks[0]]), a.ID.Compare(b.ID))
		})
		first := queue[0].Want.(resource.Queuer)
		first.Stands(c.lineUp(queue))
		for _, p := range queue {
			p.Want.(resource.Queuer).Joins(first)
		}
	}
}

// lines numbers the blocks in the order of the files; those of a dynamic block
// stand where that does.
func (c *compiler) lines() map[*block]int {
	files := make(map[string]int, len(c.Files))
	for i, name := range c.Files {
		files[name] = i
	}
	sorted := slices.Clone(c.order)
	slices.SortStableFunc(sorted, func(a, b *block) int {
		return cmp.Or(cmp.Compare(files[a.Range.Filename], files[b.Range.Filename]), cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte))
	})
	lines := make(map[*block]int, len(sorted))
	for i, b := range sorted {
		lines[b] = i
	}
	return lines
}

// lineUp returns the names of a sorted queue, where what depends on others waits
// for the last of them. Nothing waits for what is last anyway.
func (c *compiler) lineUp(queue []*position) []string {
	owned := make(map[resource.ID][]*position) // by block
	for i, p := range queue {
		p.index = i
		owned[p.blocks[0].ID] = append(owned[p.blocks[0].ID], p)
	}
	var wait func(*position)
	wait = func(p *position) {
		if p.settled {
			return
		}
		p.settled, p.behind = true, p.index
		for _, id := range c.dependencies(p.blocks[0]) {
			for _, first := range owned[id] {
				if first.rank == resource.Last && p.rank != resource.Last {
					continue
				}
				wait(first)
				p.behind, p.depth = max(p.behind, first.behind), max(p.depth, first.depth+1)
			}
		}
	}
	for _, p := range queue {
		wait(p)
	}
	slices.SortFunc(queue, func(a, b *position) int {
		return cmp.Or(cmp.Compare(a.behind, b.behind), cmp.Compare(a.depth, b.depth), cmp.Compare(a.index, b.index))
	})
	names := make([]string, len(queue))
	for i, p := range queue {
		names[i] = p.ID.Name
	}
	return names
}

// dependencies returns the blocks that a block names in depends_on, and those
// that these name.
func (c *compiler) dependencies(b *block) []resource.ID {
	all := slices.Clone(b.DependsOn)
	for i := 0; i < len(all); i++ {
		if next := c.blocks[all[i]]; next != nil {
			for _, id := range next.DependsOn {
				if id != b.ID && !slices.Contains(all, id) {
					all = append(all, id)
				}
			}
		}
	}
	return all
}
