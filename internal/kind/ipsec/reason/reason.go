// Package reason says in words why a connection is not up, from what charon logs:
// the words of strongSwan 5.9 and 6.0 at their usual level.
package reason

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Line is one message of charon's.
type Line struct {
	SA   string // number of the IKE SA that it is about, empty where of none
	Name string // of the SA's connection, as far as charon knows it by then
	Text string
}

// A Connection is what is asked about.
type Connection struct {
	Name      string
	Peer      []string // addresses or names of the peer
	LocalID   string   // empty where it is the address
	RemoteID  string
	Proposals []string
	ESP       []string
}

// Why says why a connection is not up, by the last attempt that is told of; empty
// where nothing says so. What the peer says in answer to ours is vague, by design of
// IKE. Where it was the peer that tried, charon says more.
func Why(lines []Line, c Connection) string {
	attempts := gather(lines, c)
	if len(attempts) == 0 {
		return ""
	}
	last := attempts[len(attempts)-1]
	if last.verdict.vague == "" {
		return last.verdict.words(last, c)
	}
	for _, a := range slices.Backward(attempts) {
		if a.verdict.explains == last.verdict.vague {
			return a.verdict.words(a, c)
		}
	}
	return last.verdict.words(last, c)
}

// attempt is what is told of one IKE SA.
type attempt struct {
	sa          string
	name        string
	peer        string // address
	unreachable bool
	verdict     *rule
	found       []string // what the verdict's pattern found
	asked       []string // local address and id, remote address and id that a peer asked for
	received    string   // proposals
	configured  string
	traffic     string // of the child SA that is there, or was
}

// gather returns the attempts of a connection that came to nothing, since the last
// one that came to something.
func gather(lines []Line, c Connection) []*attempt {
	var order []*attempt
	bySA := make(map[string]*attempt)
	var current *attempt
	for _, line := range lines {
		if line.SA != "" {
			current = bySA[line.SA]
			if current == nil {
				current = &attempt{sa: line.SA}
				bySA[line.SA] = current
				order = append(order, current)
			}
			if line.Name != "" && line.Name != unnamed {
				current.name = line.Name
			}
		}
		if current != nil {
			current.hear(line.Text)
			// The latest to speak is the last one.
			if i := slices.Index(order, current); line.SA != "" && i < len(order)-1 {
				order = append(slices.Delete(order, i, i+1), current)
			}
		}
	}
	var all []*attempt
	for _, a := range order {
		switch {
		case !a.of(c):
		case a.verdict == nil:
			if a.traffic != "" {
				all = nil
			}
		default:
			all = append(all, a)
		}
	}
	return all
}

// unnamed is what charon calls an SA of which it does not know the connection yet.
const unnamed = "(unnamed)"

// of says whether an attempt belongs to a connection: by its name, or, where charon
// got as far as no name, by the peer's address.
func (a *attempt) of(c Connection) bool {
	if a.name != "" {
		return a.name == c.Name
	}
	return a.peer != "" && slices.Contains(c.Peer, a.peer)
}

// hear takes one message.
func (a *attempt) hear(text string) {
	for i := range rules {
		r := &rules[i]
		if found := r.pattern.FindStringSubmatch(text); found != nil {
			if r.note != nil {
				r.note(a, found)
			}
			if r.words != nil {
				a.verdict, a.found = r, found
			}
			return
		}
	}
}

// them is how the peer is named: with the port, where it is known not to answer there.
func (a *attempt) them(c Connection) string {
	return cmp.Or(a.peer, strings.Join(c.Peer, ", "), "the peer")
}

// ids are the identities of both sides, as they are configured.
func (c Connection) ids() string {
	return fmt.Sprintf("ours is %s, the peer's %s", cmp.Or(c.LocalID, "the address"), cmp.Or(c.RemoteID, "its address"))
}
