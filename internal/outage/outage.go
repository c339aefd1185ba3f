// Package outage says of which tunnels people are to be told: that one is down, once it
// has been for a moment, that it is back, and, once, that one goes down and comes back
// again and again. It has no clock and tells nobody.
package outage

import (
	"fmt"
	"slices"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// A tunnel that is down for less than that is nobody's concern: an apply that changes
// one establishes it anew, and so does a peer that restarts.
const Grace = 10 * time.Second

// A tunnel that was lost so often within that time is unsteady: nothing more is told
// of it until it has kept still for as long.
const (
	often = 5
	Calm  = 10 * time.Minute
)

// A Log knows how tunnels stood and what was told of them. Its zero value knows nothing.
type Log struct{ known map[key]*entry }

type key struct {
	id   resource.ID
	name string
}

type entry struct {
	lost     bool
	since    time.Time   // it has been lost, or not
	told     bool        // that it is lost
	losses   []time.Time // within [Calm]
	unsteady bool
	look     time.Time // when to look again; the zero time is never
}

// News is what is to be told of a tunnel.
type News struct {
	Tunnel status.Tunnel
	What   What
	Lasted time.Duration // how long it was down, of one that is back
}

// What is to be told.
type What string

// What is told, in the words of the history.
const (
	Down     What = "down"
	Back     What = "up again"
	Unsteady What = "unsteady"
	Steady   What = "steady"
)

// Look returns the news of how tunnels stand at a time; all are given. Of those that
// nobody could look at there is none.
func (l *Log) Look(now time.Time, tunnels []status.Tunnel) []News {
	known := make(map[key]*entry, len(tunnels))
	var news []News
	for _, t := range tunnels {
		k := key{t.ID, t.Name}
		e := l.known[k]
		if e == nil {
			e = &entry{since: now}
		}
		known[k] = e
		if t.Error != "" {
			continue
		}
		if n := e.turn(now, t); n.What != "" {
			n.Tunnel = t
			news = append(news, n)
		}
	}
	l.known = known
	return news
}

// turn takes in how a tunnel stands.
func (e *entry) turn(now time.Time, t status.Tunnel) (n News) {
	lost, before := t.Lost(), *e
	if lost != e.lost {
		e.lost, e.since = lost, now
	}
	if lost && !before.lost {
		if e.since = now; !t.DownSince.IsZero() {
			e.since = t.DownSince
		}
		e.losses = append(slices.DeleteFunc(e.losses, func(at time.Time) bool { return now.Sub(at) >= Calm }), now)
	}
	switch {
	case e.unsteady && now.Sub(e.since) >= Calm:
		e.unsteady, e.losses, e.told = false, nil, lost
		n.What = Steady
	case e.unsteady:
	case len(e.losses) >= often:
		e.unsteady = true
		n.What = Unsteady
	case lost && !e.told && now.Sub(e.since) >= Grace:
		e.told = true
		n.What = Down
	case !lost && e.told:
		e.told = false
		n.What, n.Lasted = Back, now.Sub(before.since)
	}
	e.look = e.next()
	return n
}

// next is when a tunnel that keeps as it is will be news.
func (e *entry) next() time.Time {
	switch {
	case e.unsteady:
		return e.since.Add(Calm)
	case e.lost && !e.told:
		return e.since.Add(Grace)
	}
	return time.Time{}
}

// Next is when a tunnel is to be looked at again, if any is.
func (l *Log) Next() (at time.Time, ok bool) {
	for _, e := range l.known {
		if !e.look.IsZero() && (!ok || e.look.Before(at)) {
			at, ok = e.look, true
		}
	}
	return at, ok
}

// Take returns the tunnels that are to be looked at by now. Where that comes to nothing,
// they are again after a while.
func (l *Log) Take(now time.Time) (ids []resource.ID) {
	for k, e := range l.known {
		if !e.look.IsZero() && !e.look.After(now) {
			ids, e.look = append(ids, k.id), now.Add(Grace)
		}
	}
	return ids
}

// String says it in a sentence.
func (n News) String() string {
	t := n.Tunnel
	called := "tunnel " + t.Called()
	if t.Block != t.ID.String() {
		called += " of " + t.Block
	}
	why := ""
	if t.Why != "" {
		why = ": " + t.Why
	}
	switch n.What {
	case Down:
		return called + " is down" + why
	case Back:
		return fmt.Sprintf("%s is up again, after %s", called, n.Lasted.Round(time.Second))
	case Unsteady:
		return fmt.Sprintf("%s was lost %d times within %s%s; it is told of again once it keeps still for so long", called, often, resource.Duration(Calm), why)
	}
	if t.Up {
		return called + " keeps still: it is up"
	}
	return called + " keeps still: it is down" + why
}
