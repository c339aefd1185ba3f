package engine

import (
	"errors"
	"fmt"
	"slices"

	"vpnd/internal/resource"
)

// order sorts items so that each comes after all that it needs; see
// [resource.Graph.Order].
func (e *Engine) order(items []*item) ([]*item, *resource.Graph, error) {
	g := e.graph(items)
	turns, err := g.Order()
	if err != nil {
		return nil, nil, err
	}
	return inTurn(items, turns), g, nil
}

func inTurn(items []*item, turns []resource.Turn) []*item {
	sorted := make([]*item, len(turns))
	for i, turn := range turns {
		sorted[i] = items[turn.At]
		sorted[i].depth = turn.Depth
	}
	return sorted
}

// graph returns the graph of items, who read what they read when they were last
// applied, too.
func (e *Engine) graph(items []*item) *resource.Graph {
	return resource.NewGraph(e.Catalog, e.resources(items))
}

func (e *Engine) resources(items []*item) []resource.Resource {
	all := make([]resource.Resource, len(items))
	for i, it := range items {
		all[i] = it.Resource
		all[i].Triggers = it.reads()
	}
	return all
}

// narrow keeps the targets and, of what is asked for, all that they need.
func (e *Engine) narrow(present, leaving []*item, targets []resource.ID) (_, _ []*item, err error) {
	hit := func(it *item) bool {
		return slices.ContainsFunc(targets, func(t resource.ID) bool { return it.ID == t || resource.Owns(t, it.Resource) })
	}
	var missed []error
	for _, t := range targets {
		one := func(it *item) bool { return it.ID == t || resource.Owns(t, it.Resource) }
		if !slices.ContainsFunc(present, one) && !slices.ContainsFunc(leaving, one) {
			missed = append(missed, fmt.Errorf("there is no %s, neither in the configuration nor on record", t))
		}
	}
	if len(missed) > 0 {
		return nil, nil, errors.Join(missed...)
	}
	comes := paths(leaving, hit)
	var wanted []resource.ID
	for _, it := range present {
		if hit(it) || comes(it) {
			wanted = append(wanted, it.ID)
		}
	}
	needed := e.graph(present).Reachable(wanted...)
	present, _ = partition(present, func(it *item) bool { return needed[it.ID] })
	leaves := paths(present, func(*item) bool { return true })
	leaving, _ = partition(leaving, func(it *item) bool { return hit(it) || leaves(it) })
	return present, leaving, nil
}

// paths returns where those of the items stand that are hit, for what comes there
// or leaves it to take part with them.
func paths(items []*item, hit func(*item) bool) func(*item) bool {
	taken := make(map[string]bool)
	for _, it := range items {
		if it.kind.Path && hit(it) {
			taken[it.ID.Name] = true
		}
	}
	return func(it *item) bool { return it.kind.Path && taken[it.ID.Name] }
}
