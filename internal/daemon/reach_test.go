package daemon

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/active"
	"vpnd/internal/findings"
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

// A person who reloads has everything found out anew, and so has a start.
func TestOnlyTheTimerGoesByTheLastLook(t *testing.T) {
	for noticed, kept := range map[string]bool{byTimer: true, byReload: false, atStart: false, byEvent: false} {
		a := newAgent(Options{})
		a.active = &active.Configuration{}
		whole := findings.Pass{Scope: findings.Scope{Whole: true}}
		last := a.glances(&pass{Pass: whole, noticed: atStart})
		if a.glances(&pass{noticed: noticed}) != nil {
			t.Errorf("%s: a look at some of it goes by the last one", noticed)
		}
		if got := a.glances(&pass{Pass: whole, noticed: noticed}); got == nil || (got == last) != kept {
			t.Errorf("%s: what the last look learnt is kept: %v", noticed, got == last)
		}
	}
}
