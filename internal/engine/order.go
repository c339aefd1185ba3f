package engine

import "vpnd/internal/resource"

// order sorts items so that each comes after all that it needs; see
// [resource.Graph.Order].
func (e *Engine) order(items []*item) ([]*item, *resource.Graph, error) {
	g := e.graph(items)
	turns, err := g.Order()
	if err != nil {
		return nil, nil, err
	}
	sorted := make([]*item, len(turns))
	for i, turn := range turns {
		sorted[i] = items[turn.At]
		sorted[i].depth = turn.Depth
	}
	return sorted, g, nil
}

// graph returns the graph of items, who read what they read when they were last
// applied, too.
func (e *Engine) graph(items []*item) *resource.Graph {
	all := make([]resource.Resource, len(items))
	for i, it := range items {
		all[i] = it.Resource
		all[i].Triggers = it.reads()
	}
	return resource.NewGraph(e.Catalog, all)
}
