package engine

import (
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A Gift is a thing on record that is given to somebody, such as a profile.
type Gift struct {
	ID     resource.ID
	Holder string

	record state.Record
}

// Of says whether a block asks for it.
func (g Gift) Of(block resource.ID) bool { return slices.Contains(g.Blocks(), block.String()) }

// Blocks are the addresses of the blocks that ask for it.
func (g Gift) Blocks() []string {
	var all []string
	for _, o := range g.record.Owners {
		all = append(all, o.Block.String())
	}
	return all
}

// Gifts returns all that is given to somebody, as far as it is on record.
func (e *Engine) Gifts() []Gift {
	var all []Gift
	for _, r := range e.Store.Records() {
		k, ok := e.Catalog.Kind(r.ID.Kind)
		if !ok {
			continue
		}
		was := k.New()
		_ = r.Want.Tell(was) // what can't be read is not on record
		if holder, _ := k.Given(was); holder != "" {
			all = append(all, Gift{ID: r.ID, Holder: holder, record: r})
		}
	}
	return all
}

// Waiting returns who has to be given something anew.
func (e *Engine) Waiting() []string {
	var holders []string
	for _, g := range e.Gifts() {
		if g.record.Handout != nil {
			holders = append(holders, g.Holder)
		}
	}
	return holders
}

// HandedOut puts on record that holders have what they are given as it is now. The
// store is open for changing.
func (e *Engine) HandedOut(gifts ...Gift) error {
	var facts []state.Fact
	for _, g := range gifts {
		if g.record.Handout != nil {
			g.record.Handout = nil
			facts = append(facts, state.Fact{Put: &g.record})
		}
	}
	return e.Store.Commit(facts...)
}
