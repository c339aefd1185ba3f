package chain

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
)

// Priorities of chains, where the configuration names none: the lower, the
// earlier in their lane. What a listener takes must come in whatever rules in
// words say of the rest; and what these drop, no gateway may let through.
const (
	Guard    = 50  // what no tunnel protects, and may not leave in clear
	Listener = 100 // the port of a server
	Rules    = 200 // firewall blocks, and chain blocks
	Tunnel   = 250 // what goes through a tunnel
	Router   = 300 // gateways
)

// Queue says which chains this one has to be put in order with; see
// [resource.Queuer].
func (c *Chain) Queue(name string) (queue string, rank int) {
	s, err := syntax.Parse(name)
	hook, at := c.place()
	if err != nil || hook == "" {
		return "", 0
	}
	rank = Rules
	if c.Priority != nil {
		rank = *c.Priority
	}
	return strings.Join([]string{s.Family, s.Table, hook, at}, "/"), rank
}

// Stands takes the names of the chains in the same lane, from top to bottom.
func (c *Chain) Stands(names []string) {
	c.Order = make([]string, len(names))
	for i, name := range names {
		c.Order[i] = name[strings.LastIndex(name, "/")+1:]
	}
}

// Joins takes over the order of another chain of the same lane.
func (c *Chain) Joins(other any) { c.Order = other.(*Chain).Order }

// CheckPriority returns what is wrong with a priority that somebody wrote, nil
// where none is.
func CheckPriority(priority *int) []resource.Mistake {
	if priority == nil || 0 <= *priority && *priority < resource.Last {
		return nil
	}
	return []resource.Mistake{{
		Path:    "priority",
		Summary: fmt.Sprintf("%d is no priority of a chain", *priority),
		Hint:    fmt.Sprintf("write 0 to %d; without it guards of tunnels have %d, listeners of servers %d, firewall and chain blocks %d, tunnels %d, gateways %d", resource.Last-1, Guard, Listener, Rules, Tunnel, Router),
	}}
}
