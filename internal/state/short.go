package state

import (
	"slices"

	"vpnd/internal/resource"
)

// short returns facts as they are written: what says nothing new is left out, and of
// records that were announced and have come true, that they did. So each stands in the
// log once.
func (s *Store) short(facts []Fact) []Fact {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := brief{named: make(map[resource.ID]bool)}
	for _, f := range facts {
		switch {
		case f.Put != nil && !b.named[f.Put.ID] && s.announced(*f.Put):
			b.done = append(b.done, f.Put.ID)
			b.named[f.Put.ID] = true
		case f.Put != nil:
			b.add(f, f.Put.ID)
		case f.Drop != nil:
			b.add(f, *f.Drop)
		case f.Owe != nil && f.Owe.Do == resource.None && s.owed[f.Owe.ID] == resource.None && !b.owes[f.Owe.ID]:
		case f.Owe != nil:
			b.owe(f)
		default:
			b.lines = append(b.lines, f)
		}
	}
	b.flush()
	return b.lines
}

// brief gathers the lines of one commit.
type brief struct {
	lines []Fact
	done  []resource.ID
	named map[resource.ID]bool // whose records this commit tells of, so that what is known does not count
	owes  map[resource.ID]bool // whose refreshes it tells of
}

// add adds what is told of a record, after what was told of it before.
func (b *brief) add(f Fact, id resource.ID) {
	if b.named[id] {
		b.flush()
	}
	b.named[id] = true
	b.lines = append(b.lines, f)
}

func (b *brief) owe(f Fact) {
	if b.owes == nil {
		b.owes = make(map[resource.ID]bool)
	}
	b.owes[f.Owe.ID] = true
	b.flush() // nothing is paid before what it was owed for is told of
	b.lines = append(b.lines, f)
}

func (b *brief) flush() {
	if b.done != nil {
		b.lines = append(b.lines, Fact{Done: b.done})
		b.done = nil
	}
}

// announced says whether a record is what is known already, but for that it is open.
func (s *Store) announced(r Record) bool {
	known, ok := s.records[r.ID]
	return ok && known.Open && !r.Open && known.Handout == nil && r.Handout == nil && known.Given == nil && r.Given == nil &&
		known.Want.Equal(r.Want) && known.Prior == r.Prior && known.Since.Equal(r.Since) &&
		slices.Equal(known.Owners, r.Owners) && slices.Equal(known.After, r.After) &&
		slices.Equal(known.Triggers, r.Triggers) && slices.Equal(known.Touched, r.Touched)
}

// close takes in that records are open no longer.
func (s *Store) close(ids []resource.ID) {
	for _, id := range ids {
		if known, ok := s.records[id]; ok {
			r := *known
			r.Open = false
			s.records[id] = &r
		}
	}
}
