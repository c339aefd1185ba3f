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

// A Log is what charon said, taken apart.
type Log struct{ attempts []*attempt } // the last to speak comes last

// Why says why a connection is not up, by the last attempt that is told of; empty
// where nothing says so. What the peer says in answer to ours is vague, by design of
// IKE. Where it was the peer that tried, charon says more.
func (l *Log) Why(c Connection) string {
	attempts := l.vain(c)
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

// vain returns the attempts of a connection that came to nothing, since the last one
// that came to something.
func (l *Log) vain(c Connection) []*attempt {
	var all []*attempt
	for _, a := range l.attempts {
		switch {
		case !a.of(c):
		case a.verdict != nil:
			all = append(all, a)
		case a.traffic != "" || a.established:
			all = nil
		}
	}
	return all
}

// attempt is what is told of one IKE SA.
type attempt struct {
	last        int // line
	name        string
	peer        string // address
	unreachable bool
	verdict     *rule
	found       []string // what the verdict's pattern found
	asked       []string // local address and id, remote address and id that a peer asked for
	received    string   // proposals
	configured  string
	established bool   // also where no child SA was asked for
	traffic     string // of the child SA that is there, or was
}

// Read takes what charon said apart.
func Read(lines []Line) *Log {
	l := new(Log)
	bySA := make(map[string]*attempt)
	var current *attempt
	for i, line := range lines {
		if line.SA != "" {
			if current = bySA[line.SA]; current == nil {
				current = &attempt{}
				bySA[line.SA] = current
				l.attempts = append(l.attempts, current)
			}
			if current.last = i; line.Name != "" && line.Name != unnamed {
				current.name = line.Name
			}
		}
		if current != nil && !mute(line.Text) {
			current.hear(line.Text)
		}
	}
	slices.SortStableFunc(l.attempts, func(a, b *attempt) int { return cmp.Compare(a.last, b.last) })
	return l
}

// mute are messages that say nothing of why: most of what charon logs.
func mute(text string) bool {
	for _, begin := range []string{"generating ", "parsed ", "sending packet", "received packet", "selected ", "authentication of ", "scheduling ", "maximum "} {
		if strings.HasPrefix(text, begin) {
			return true
		}
	}
	return false
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
	rules := rules()
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
