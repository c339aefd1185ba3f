// Package glance remembers from one look at everything to the next what was found as it
// shall be. Where a kind tells by little that nothing of that has changed, neither on the
// host nor in the wish nor on record, it is not found out anew.
package glance

import (
	"context"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// A Memory is what the last look found as it shall be, and no more than that. Its zero
// value remembers nothing.
type Memory struct {
	at     time.Time // when that look began, by the clock of the host
	things []found   // by the place that they had in it

	// The order of the things, as long as all of them and what is on record are the same.
	Graph *resource.Graph // nil where it is to be found
	Turns []resource.Turn
}

// A Thing is one that a look is about.
type Thing struct {
	Kind  *resource.Kind
	Name  string
	Asked any // the wish as the configuration has it: the same pointer is the same wish
	Past  any // what is on record: the same pointer says the same
	Wish  any // the wish with what of the record belongs to it
}

// same says whether one is asked for as the other, and has the same record.
func (t *Thing) same(o *Thing) bool {
	return t.Kind == o.Kind && t.Name == o.Name && t.Asked == o.Asked && t.Past == o.Past
}

// Recalled returns the wish of a thing with what of the record belongs to it, where it
// had the same place in the last look; nil where that is not known.
func (m *Memory) Recalled(place int, t Thing) any {
	if m == nil || place >= len(m.things) || !m.things[place].same(&t) {
		return nil
	}
	return m.things[place].Wish
}

// found is a thing that was looked at, and what was found.
type found struct {
	Thing
	sighting resource.Sighting // taken before that
	kept     bool
	Sight
}

// A Sight is what a look found of a thing as it shall be.
type Sight struct {
	Want any // the wish in the host's words
	Got  any // what was observed
}

// Look begins a look at everything and takes a sighting of each thing, of all kinds at
// the same time. It returns of those that stand as they were found last what was found
// then, and nothing of the others: those are to be looked at.
func (m *Memory) Look(ctx context.Context, things []Thing, now time.Time) []Sight {
	sights, next := make([]Sight, len(things)), make([]found, len(things))
	kinds := make(map[*resource.Kind][]int)
	for i, t := range things {
		if next[i].Thing = t; t.Kind.Sights {
			kinds[t.Kind] = append(kinds[t.Kind], i)
		}
		if m.Graph != nil && (i >= len(m.things) || !m.things[i].same(&t)) {
			m.Graph, m.Turns = nil, nil
		}
	}
	if len(things) != len(m.things) {
		m.Graph, m.Turns = nil, nil
	}
	backwards := now.Before(m.at) // the clock was wrong then, or is now
	var all sync.WaitGroup
	for kind, of := range kinds {
		all.Go(func() {
			names, wants := make([]string, len(of)), make([]any, len(of))
			for n, i := range of {
				names[n], wants[n] = things[i].Name, things[i].Wish
			}
			for n, sighting := range kind.Sight(ctx, names, wants) {
				i := of[n]
				next[i].sighting = sighting
				if i < len(m.things) && !backwards && m.things[i].stands(&next[i], now) {
					sights[i] = m.things[i].Sight
				}
			}
		})
	}
	all.Wait()
	m.at, m.things = now, next
	return sights
}

// stands says whether a thing is as it was found.
func (f *found) stands(is *found, now time.Time) bool {
	return f.kept && f.same(&is.Thing) && f.sighting == is.sighting && f.Kind.Lasts(f.Got, now)
}

// Keep remembers that the look found the thing at a place as it shall be. What can't be
// told by a sighting, or does not last, is not remembered.
func (m *Memory) Keep(place int, s Sight) {
	f := &m.things[place]
	if f.kept = f.sighting != (resource.Sighting{}) && f.Kind.Lasts(s.Got, m.at); f.kept {
		f.Sight = s
	}
}
