// Package failover decides which of several connections of strongSwan to one place
// carries the traffic, and moves it: the kind ipsec_failover.
//
// Two tunnels to one place, as Amazon gives them, have the same traffic selectors.
// With policies exactly one of them may have child SAs: the kernel finds the policy of
// one, and drops what comes in by the other. The other one is kept warm: its IKE SA is up
// without a child SA (RFC 6023), which proves the peer alive, authenticated and ready, and
// lets traffic move with one exchange. Traffic moves make-before-break: the new child SA
// stands before the old one goes, so that a move between two that are well loses nothing.
// A peer that knows no childless IKE SA refuses in IKE_AUTH, at once; that it answered is
// then what is known of it, and it is tried with a child SA when its time has come.
// Whether Amazon does is not documented.
//
// With xfrm interfaces (mode route) all connections have child SAs, and a route to
// each of them: that to the one that carries has the lowest metric, and is replaced in
// one go. The others are what the kernel falls back to where an interface vanishes.
//
// A move is ordinary repair of drift: an observation says what has to move and why, and
// a watcher that probes through the tunnel says when to look. What is remembered of the
// past is with charon as far as it can be (how long an IKE SA is established), so that a
// plan of another process comes to the same result as the agent.
package failover

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/resource"
)

// Modes.
const (
	policy = "policy"
	route  = "route"
)

// metric is that of the route to what carries where nothing is said.
const metric = 100

// settle is how long one that failed has to be well again where nothing is said.
const settle = resource.Duration(time.Minute)

// Failover is which of several connections carries.
type Failover struct {
	Connections []string           `vpnd:"connections,required" doc:"names of the ipsec_connection blocks, the preferred one first"`
	Mode        *string            `vpnd:"mode" doc:"policy, where one of them at a time has child SAs, or route, where all have and a route decides" default:"policy"`
	Probe       []netip.Addr       `vpnd:"probe" doc:"addresses on the other side that answer pings; one answer is enough; left out, what charon knows has to do"`
	Settle      *resource.Duration `vpnd:"settle" doc:"how long one that failed has to be well before traffic goes back to it, longer each time it fails soon again" default:"60s"`
	Interfaces  []string           `vpnd:"interfaces" doc:"in mode route, the xfrm interface of each connection, in the same order"`
	Networks    []netip.Prefix     `vpnd:"networks" doc:"in mode route, what is reached through them, as CIDR"`
	Metric      *int               `vpnd:"metric" doc:"in mode route, the metric of the routes to what carries; those to the others have the next ones" default:"100"`

	CarriedBy *string  `vpnd:"carried_by,computed,hint" doc:"what carries where that is not the preferred connection"`
	Well      []string `vpnd:"well,computed,hint" doc:"connections that could carry"`
	Moves     []string `vpnd:"moves,computed,glance" words:"traffic to move" doc:"what has to move, and why"`

	Standing *ipsec.States `vpnd:"standing,computed,hint" doc:"how what carries stands"`
}

// label is what a failover may be called: its record is a file of that name.
var label = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

// Validate says what is wrong with the block.
func (f *Failover) Validate(name string) []resource.Mistake {
	var bad []resource.Mistake
	mistake := func(attribute, hint, format string, args ...any) {
		bad = append(bad, resource.Mistake{Path: attribute, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if !label.MatchString(name) {
		mistake("", "Write letters, digits, dots, dashes and underscores.", "the label %q is no name", name)
	}
	for i, name := range f.Connections {
		if slices.Contains(f.Connections[:i], name) {
			mistake("connections", "Name each one once.", "the connection %q is named twice", name)
		}
	}
	if len(f.Connections) == 1 {
		mistake("connections", "Name another one, or leave the block out.", "one connection has no other to move traffic to")
	}
	switch mode := resource.Or(f.Mode, policy); {
	case mode != policy && mode != route:
		mistake("mode", `Write "policy" or "route".`, "there is no mode %q", mode)
	case mode == policy && (len(f.Interfaces) > 0 || len(f.Networks) > 0):
		mistake("mode", `Leave interfaces and networks out, or write mode = "route".`, "with policies nothing is routed to interfaces")
	case mode == route && len(f.Interfaces) != len(f.Connections):
		mistake("interfaces", "Name an xfrm interface for each connection, in the same order.", "there are %d interfaces for %d connections", len(f.Interfaces), len(f.Connections))
	case mode == route && resource.Or(f.Metric, metric) < 1:
		mistake("metric", "Write a number from 1 on.", "a metric of %d leaves no room before it", *f.Metric)
	case mode == route && len(f.Networks) == 0:
		mistake("networks", "Write the networks of the other side.", "nothing is reached through the interfaces")
	}
	if f.Settle != nil && *f.Settle < resource.Duration(time.Second) {
		mistake("settle", "Write at least 1s; a minute is good.", "traffic that goes back at once goes back and forth")
	}
	return bad
}

// Tunnels returns how what carries stands.
func (f *Failover) Tunnels() []resource.TunnelState { return resource.Or(f.Standing, nil) }

// Traits are what a failover is. Its own hysteresis keeps it from moving traffic back
// and forth, so flap damping has no say.
var Traits = resource.Traits{NeedsHost: true, Slow: true, StartsLater: true, View: resource.Tunnels, Essential: resource.All}
