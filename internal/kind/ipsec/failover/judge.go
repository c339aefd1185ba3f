package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/vici"
)

// A candidate is a connection with what is known of it.
type candidate struct {
	connection
	carries bool          // packets go through it
	ready   bool          // it can take over at once
	failed  string        // why it counts as dead; empty where it does not
	why     string        // why it failed the last time
	barred  bool          // it failed, and its time to come back has not come
	silent  bool          // it can't be had: its peer did not answer the last time it was asked
	since   time.Duration // for how long it has been well
	missing []string      // child SAs that it lacks, where it carries
}

// established is its IKE SA that is up, nil where none is.
func (c connection) established() *vici.SA {
	for i := range c.SAs {
		if c.SAs[i].State == "ESTABLISHED" {
			return &c.SAs[i]
		}
	}
	return nil
}

// trying says whether charon is establishing it.
func (c connection) trying() bool {
	return slices.ContainsFunc(c.SAs, func(sa vici.SA) bool { return sa.State == "CONNECTING" })
}

// installed are its child SAs that packets can go through. One that gets new keys is
// there twice for a moment.
func (c connection) installed() []vici.SAOut {
	var all []vici.SAOut
	for _, ike := range c.SAs {
		for _, child := range ike.Children {
			switch child.State {
			case "INSTALLED", "REKEYING", "REKEYED", "UPDATING":
				all = append(all, child)
			}
		}
	}
	return all
}

// lacks are its child SAs that are configured and not there.
func (c connection) lacks() []string {
	there := c.installed()
	return slices.DeleteFunc(slices.Clone(c.Children), func(name string) bool {
		return slices.ContainsFunc(there, func(sa vici.SAOut) bool { return sa.Name == name })
	})
}

// received is how many bytes came in by it.
func (c connection) received() (bytes uint64) {
	for _, child := range c.installed() {
		bytes += child.BytesIn
	}
	return bytes
}

// sent is how many bytes went out by it.
func (c connection) sent() (bytes uint64) {
	for _, child := range c.installed() {
		bytes += child.BytesOut
	}
	return bytes
}

// unanswered says whether charon waits for an answer of the peer.
func (c connection) unanswered() bool {
	ike := c.established()
	return ike != nil && len(ike.TasksActive) > 0
}

// well says whether it could carry, as far as is known.
func (c candidate) well() bool {
	return c.failed == "" && (c.carries || !c.barred && (c.ready || c.since > 0))
}

// peer is where it leads, in words.
func (c connection) peer() string {
	if ike := c.established(); ike != nil && ike.RemoteHost != "" {
		return ike.RemoteHost
	}
	return c.Peer
}

// A verdict is what shall become of the candidates.
type verdict struct {
	carrier *candidate  // nil where none carries
	targets []candidate // that shall carry: the first of them that can
	besides []candidate // that carry too, and shall not
	moves   []string    // in words
}

// judge decides which of the candidates, the preferred one first, shall carry. With
// nothing better to be had all stays as it is.
func judge(all []candidate, settle time.Duration) verdict {
	v := verdict{}
	for i, c := range all {
		switch {
		case !c.carries:
		case v.carrier == nil:
			v.carrier = &all[i]
		case c.failed == "" && (v.carrier.failed != "" || v.carrier.barred && !c.barred):
			v.besides = append(v.besides, *v.carrier)
			v.carrier = &all[i]
		default:
			v.besides = append(v.besides, c)
		}
	}
	switch {
	case v.carrier == nil:
		v.begin(all)
	case v.carrier.failed != "":
		v.flee(all)
	default:
		v.stay(all, settle)
	}
	return v
}

// begin is where nothing carries. That charon is establishing one, and nobody is there
// to take over at once, is no reason to interfere.
func (v *verdict) begin(all []candidate) {
	targets := order(all)
	if len(targets) == 0 || !targets[0].ready && slices.ContainsFunc(all, func(c candidate) bool { return c.trying() }) {
		return
	}
	v.targets = targets
	v.say("to %s: nothing carries", targets[0].peer())
}

// flee is where what carries is dead.
func (v *verdict) flee(all []candidate) {
	v.targets = slices.DeleteFunc(order(all), func(c candidate) bool { return c.Name == v.carrier.Name })
	if len(v.targets) > 0 {
		v.say("from %s to %s: %s", v.carrier.peer(), v.targets[0].peer(), v.carrier.failed)
	}
}

// stay is where what carries is well: it goes on unless one that is preferred has
// been well for long enough.
func (v *verdict) stay(all []candidate, settle time.Duration) {
	for _, c := range all {
		if c.Name == v.carrier.Name {
			break
		}
		if c.well() && c.since >= settle {
			v.targets = []candidate{c}
			v.say("from %s back to %s: it has been well for %s", v.carrier.peer(), c.peer(), settle)
			return
		}
	}
	for _, c := range v.besides {
		v.targets = []candidate{*v.carrier}
		v.say("from %s to %s: both carry", c.peer(), v.carrier.peer())
	}
	if len(v.carrier.missing) > 0 {
		v.targets = []candidate{*v.carrier}
		v.say("to %s: %s", v.carrier.peer(), strings.Join(v.carrier.missing, ", "))
	}
}

func (v *verdict) say(format string, args ...any) {
	v.moves = append(v.moves, fmt.Sprintf(format, args...))
}

// order is whom to try, in that order: those that are ready take over at once. Left out
// are those that are known not to answer, or that failed a short time ago.
func order(all []candidate) []candidate {
	var ready, cold []candidate
	for _, c := range all {
		switch {
		case c.failed != "" || c.barred:
		case c.ready:
			ready = append(ready, c)
		case !c.silent:
			cold = append(cold, c)
		}
	}
	return append(ready, cold...)
}
