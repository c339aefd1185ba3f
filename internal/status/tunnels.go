package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Tunnel is a tunnel that the configuration asks for. What holds several tells of
// each by its name.
type Tunnel struct {
	ID    resource.ID `json:"id"`
	Block string      `json:"block"`
	resource.TunnelState
	DownSince time.Time `json:"down_since,omitzero"` // when the agent noticed that it is down
	Error     string    `json:"error,omitempty"`     // why nobody knows how it stands
}

// Called is how people know it: by the name of the thing, and of several by theirs.
func (t Tunnel) Called() string {
	if t.Name == "" || t.Name == t.ID.Name {
		return t.ID.Name
	}
	return t.ID.Name + " " + t.Name
}

// Lost says whether it is down, and that is not as it shall be.
func (t Tunnel) Lost() bool { return !t.Up && !t.OnDemand && t.Error == "" }

// Same says whether both are of one tunnel.
func (t Tunnel) Same(other Tunnel) bool { return t.ID == other.ID && t.Name == other.Name }

// Tunnels tells how the tunnels that are asked for were found.
func Tunnels(traits func(kind string) resource.Traits, p *engine.Plan, present []resource.Resource) []Tunnel {
	seen := make(map[resource.ID]any)
	for _, s := range p.Seen(resource.Tunnels) {
		seen[s.ID] = s.Got
	}
	failed := make(map[resource.ID]error)
	for _, problem := range p.Problems {
		failed[problem.ID] = problem.Err
	}
	var all []Tunnel
	for _, r := range present {
		if traits(r.ID.Kind).View != resource.Tunnels {
			continue
		}
		t := Tunnel{ID: r.ID, Block: Block(r.ID, r.Owners)}
		all = append(all, t.found(seen[r.ID], failed[r.ID])...)
	}
	return all
}

// found is what was observed of it, by name.
func (t Tunnel) found(got any, err error) []Tunnel {
	if err != nil {
		t.TunnelState, t.DownSince, t.Error = resource.TunnelState{}, time.Time{}, err.Error()
		return []Tunnel{t}
	}
	found := []Tunnel{{ID: t.ID, Block: t.Block}} // what is not there is down
	if shape, ok := got.(resource.Tunneler); ok {
		found = nil
		for _, state := range shape.Tunnels() {
			found = append(found, Tunnel{ID: t.ID, Block: t.Block, TunnelState: state})
		}
	}
	return found
}

// Since returns tunnels as they were found at a time, with what was known of them
// before: since when one is down, and why, where only who was there heard of that. A
// zero time is that of somebody who can't tell since when.
func Since(at time.Time, before, found []Tunnel) []Tunnel {
	var all []Tunnel
	for _, t := range found {
		if t.Error == "" {
			all = append(all, t.since(at, before))
			continue
		}
		known := false
		for _, old := range before {
			if old.ID == t.ID {
				known, old.Up, old.Why, old.Error = true, false, "", t.Error
				all = append(all, old)
			}
		}
		if !known {
			all = append(all, t)
		}
	}
	resource.SortStable(all, func(a, b Tunnel) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Name, b.Name)) })
	return all
}

func (t Tunnel) since(at time.Time, before []Tunnel) Tunnel {
	if t.Up {
		return t
	}
	t.DownSince = at
	if i := slices.IndexFunc(before, t.Same); i >= 0 && !before[i].Up {
		t.DownSince, t.Why = cmp.Or(before[i].DownSince, at), cmp.Or(t.Why, before[i].Why)
	}
	return t
}

// Look looks at tunnels by their names, and returns how they stand now. It changes
// nothing, and needs no configuration. Of what does not answer until ctx ends it is
// said that nobody knows.
func Look(ctx context.Context, c resource.Catalog, before []Tunnel) []Tunnel {
	wants := make(map[string]map[string]any)
	for _, t := range before {
		if wants[t.ID.Kind] == nil {
			wants[t.ID.Kind] = make(map[string]any)
		}
		wants[t.ID.Kind][t.ID.Name] = nil
	}
	seen := make(map[resource.ID]resource.Observation)
	for kind, answer := range answers(ctx, c, wants) {
		for name, got := range answer {
			seen[resource.ID{Kind: kind, Name: name}] = got
		}
	}
	var found []Tunnel
	done := make(map[resource.ID]bool)
	for _, t := range before {
		if done[t.ID] {
			continue
		}
		done[t.ID] = true
		got, ok := seen[t.ID]
		if !ok {
			got.Err = cmp.Or(context.Cause(ctx), fmt.Errorf("this vpnd knows no kind %s", t.ID.Kind))
		}
		found = append(found, t.found(got.Got, got.Err)...)
	}
	return Since(time.Time{}, before, found)
}

// answers observes things of several kinds, each beside the others, until ctx ends.
func answers(ctx context.Context, c resource.Catalog, wants map[string]map[string]any) map[string]map[string]resource.Observation {
	type answer struct {
		kind string
		seen map[string]resource.Observation
	}
	answers := make(chan answer, len(wants)) // so that who is late is kept by nobody
	asked := 0
	for kind, names := range wants {
		if k, ok := c.Kind(kind); ok {
			asked++
			go func() { answers <- answer{kind, k.Observe(ctx, names)} }()
		}
	}
	all := make(map[string]map[string]resource.Observation, len(wants))
	for range asked {
		select {
		case a := <-answers:
			all[a.kind] = a.seen
		case <-ctx.Done():
			return all
		}
	}
	return all
}
