package daemon

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// wished is a thing of a block that comes after others.
func wished(kind, name, block string, after ...resource.ID) resource.Resource {
	return resource.Resource{
		ID: resource.ID{Kind: kind, Name: name}, After: after,
		Owners: []resource.Owner{{Block: resource.ID{Kind: "block", Name: block}}},
	}
}

func named(ids map[resource.ID]bool) string {
	var names []string
	for _, id := range slices.SortedFunc(maps.Keys(ids), resource.ID.Compare) {
		names = append(names, id.Name)
	}
	return strings.Join(names, " ")
}

// What a service reads, and what that is made from, is for its own time.
func TestWhatSlowThingsHear(t *testing.T) {
	reads := func(r resource.Resource, source string) resource.Resource {
		r.Triggers = []resource.Trigger{{On: resource.ID{Kind: "thing", Name: source}, Do: resource.Reload}}
		return r
	}
	r := newReach(real.Catalog, []resource.Resource{
		wished("thing", "source", "b"), reads(wished("thing", "bundle", "b"), "source"), reads(wished("unit", "u", "b"), "bundle"),
		reads(wished("thing", "round", "b"), "round"), reads(wished("thing", "other", "b"), "round"),
	})
	if got := named(r.heard); got != "bundle source" {
		t.Errorf("heard: %s", got)
	}
}

// needy is a configuration of which much needs one file.
func needy() (resource.Catalog, []resource.Resource, resource.ID) {
	h := &host{}
	first := resource.ID{Kind: "thing", Name: "first"}
	block := func(name string) resource.ID { return resource.ID{Kind: "block", Name: name} }
	return resource.Catalog{Kinds: []resource.Kind{resource.Define("thing", "", resource.Traits{}, h), h.like("chain")}}, []resource.Resource{
		wished("thing", "first", "one"),
		wished("thing", "sibling", "one", block("one")), // after its own block, and so after nothing of it
		wished("thing", "second", "two", first),
		wished("thing", "third", "three", block("two")), // after all of that block
		wished("chain", "rules", "three", block("one")), // rules wait for rules only
		wished("thing", "else", "four", resource.ID{Kind: "thing", Name: "gone"}),
	}, first
}

func TestWhatIsInNeed(t *testing.T) {
	c, present, first := needy()
	if got := named(newReach(c, present).inNeed(map[resource.ID]bool{first: true})); got != "second third" {
		t.Errorf("in need: %s", got)
	}
}

func TestWithoutWhatIsRefused(t *testing.T) {
	c, present, first := needy()
	left := make(map[resource.ID]bool)
	for _, r := range without(c, present, map[resource.ID]error{first: errors.New("no")}) {
		left[r.ID] = true
	}
	if got := named(left); got != "rules else sibling" {
		t.Errorf("left: %s", got)
	}
}
