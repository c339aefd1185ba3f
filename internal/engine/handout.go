package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A Handout is a thing that somebody has to be given anew, such as a profile:
// the copy they have is void, or will be.
type Handout struct {
	ID     resource.ID
	Holder string
	Why    []string  // what changes, in words
	Since  time.Time // of an earlier apply; zero where this plan makes it so
}

// Handouts returns what has to be handed out after the plan, by holder.
func (p *Plan) Handouts() []Handout {
	var all []Handout
	for _, it := range p.items {
		if it.handout == nil {
			continue
		}
		h := Handout{ID: it.ID, Why: it.handout.Why}
		h.Holder, _ = it.kind.Given(it.Want)
		if it.past != nil && it.past.Handout != nil {
			h.Since = it.past.Handout.Since
		}
		all = append(all, h)
	}
	resource.Sort(all, func(a, b Handout) int { return cmp.Or(cmp.Compare(a.Holder, b.Holder), a.ID.Compare(b.ID)) })
	return all
}

// handOut finds out whether the holder of a thing needs it anew once the plan is
// made, c being its change or nil, and has the records say so until it was
// handed out.
func (e *Engine) handOut(f *follower, it *item, c *Change) {
	if it.Want == nil || it.leave || !it.kind.Gives {
		return
	}
	holder, terms := it.kind.Given(it.Want)
	if holder == "" {
		return
	}
	record, past := puts(it.final), it.past
	if past == nil && record != nil && !it.undo {
		if past = cmp.Or(f.moved(it, holder), f.before[it.ID]); past != nil {
			record.Given = past.Given
		}
	}
	if past == nil {
		return
	}
	held := it.terms(past.Want)
	why, sources := []string(nil), f.sources(it)
	if held != nil {
		why = it.kind.Differ(held, terms)
	}
	it.handout = past.Handout
	switch {
	case c == nil:
		return
	case it.undo && it.handout != nil && record != nil: // nobody was given what is undone
		it.handout = record.Handout
	case len(why)+len(sources) > 0 || held == nil && (c.Reason == Configuration || c.Reason == Both):
		it.handout = e.owed(it, held, terms, append(why, sources...), len(sources) > 0)
	}
	if record != nil {
		record.Handout = it.handout
	}
}

// A place is where somebody is given a thing: by a block, and not at a path.
type place struct{ kind, holder, block string }

// moved returns the record of what leaves and was given to somebody by the same block,
// nil where nothing does: what comes in its place is what they have.
func (f *follower) moved(it *item, holder string) *state.Record {
	if f.gone == nil {
		f.gone = make(map[place]*state.Record)
		for _, old := range f.leaving {
			was := old.kind.New()
			_ = old.past.Want.Tell(was) // what can't be read is not on record
			who, _ := old.kind.Given(was)
			for _, block := range blocks(*old.past) {
				f.gone[place{old.ID.Kind, who, block}] = old.past
			}
		}
	}
	for _, o := range it.Owners {
		if past := f.gone[place{it.ID.Kind, holder, o.Block.String()}]; past != nil {
			return past
		}
	}
	return nil
}

// terms returns those of a wish on record; nil where that does not tell them.
func (it *item) terms(want state.Digest) map[string]string {
	was := it.kind.New()
	_ = want.Tell(was) // what can't be read is not on record
	_, terms := it.kind.Given(was)
	return terms
}

// owed returns what has to be handed out after one more change: nothing where it
// goes back to what the holder has.
func (e *Engine) owed(it *item, held, terms map[string]string, why []string, sources bool) *state.Handout {
	h := state.Handout{Since: e.Now().UTC().Truncate(time.Second), Held: held}
	if before := it.handout; before != nil {
		h = *before
	}
	h.Sources = h.Sources || sources
	if !h.Sources && h.Held != nil && len(it.kind.Differ(h.Held, terms)) == 0 {
		return nil
	}
	h.Why = slices.Compact(slices.Sorted(slices.Values(slices.Concat(h.Why, why))))
	return &h
}

// sources returns, in words, which of the things that the item is made of change.
func (f *follower) sources(it *item) []string {
	var all []string
	for _, t := range it.Triggers {
		if _, changes := f.changed[t.On]; changes && t.Do == resource.Rebuild {
			all = append(all, t.On.String())
		}
	}
	return all
}

// A Gift is a thing on record that is given to somebody, such as a profile.
type Gift struct {
	ID     resource.ID
	Holder string

	record state.Record
}

// Of says whether a block asks for it.
func (g Gift) Of(block resource.ID) bool { return slices.Contains(g.Blocks(), block.String()) }

// Blocks are the addresses of the blocks that ask for it.
func (g Gift) Blocks() []string { return blocks(g.record) }

func blocks(r state.Record) []string {
	var all []string
	for _, o := range r.Owners {
		all = append(all, o.Block.String())
	}
	return all
}

// Void is why the copy that the holder has is no longer good; nil where it is.
func (g Gift) Void() *state.Handout { return g.record.Handout }

// Given is when the holder got it last; nil where that is not known.
func (g Gift) Given() *state.Given { return g.record.Given }

// recorded tells, of each thing on record whose kind is one of these, its shape as far
// as the record tells it: what can't be read is not on record.
func (e *Engine) recorded(of func(resource.Kind) bool, tell func(state.Record, any)) {
	records := e.onRecord(of)
	shapes := make([]any, len(records))
	hands.Each(context.Background(), len(records), func(i int) {
		shapes[i] = e.Catalog.Find(records[i].ID.Kind).New()
		_ = records[i].Want.Tell(shapes[i])
	})
	for i, r := range records {
		tell(*r, shapes[i])
	}
}

// onRecord returns the records of these kinds, by ID.
func (e *Engine) onRecord(of func(resource.Kind) bool) []*state.Record {
	var kinds []string
	for _, k := range e.Catalog.Kinds {
		if of(k) {
			kinds = append(kinds, k.Name)
		}
	}
	slices.Sort(kinds)
	var all []*state.Record
	for _, kind := range kinds {
		all = append(all, e.Store.Of(kind)...)
	}
	return all
}

func seenIn(view resource.View) func(resource.Kind) bool {
	return func(k resource.Kind) bool { return k.View == view }
}

// Gifts returns all that is given to somebody, as far as it is on record.
func (e *Engine) Gifts() []Gift {
	var all []Gift
	e.recorded(func(k resource.Kind) bool { return k.Gives }, func(r state.Record, was any) {
		k := e.Catalog.Find(r.ID.Kind)
		if holder, _ := k.Given(was); holder != "" {
			all = append(all, Gift{ID: r.ID, Holder: holder, record: r})
		}
	})
	return all
}

// A Certificate is one on record.
type Certificate struct {
	resource.Bearing
	ID        resource.ID
	Blocks    []string
	Authority bool // of a CA
}

// Certificates returns all on record.
func (e *Engine) Certificates() []Certificate {
	var all []Certificate
	e.recorded(seenIn(resource.Certificates), func(r state.Record, was any) {
		if c, ok := was.(resource.Bearer); ok {
			ca, _ := was.(resource.Signer)
			all = append(all, Certificate{Bearing: c.Bearer(), ID: r.ID, Blocks: blocks(r), Authority: ca != nil && ca.Signs()})
		}
	})
	return all
}

// An App is one on record that shows codes, with the seed of these.
type App struct {
	resource.App
	Seed   resource.ID
	Blocks []string // that ask for it
}

// Apps returns those on record.
func (e *Engine) Apps() []App {
	var all []App
	of := func(k resource.Kind) bool { _, is := k.New().(resource.AppHolder); return is }
	e.recorded(of, func(r state.Record, was any) {
		all = append(all, App{was.(resource.AppHolder).App(), r.ID, blocks(r)})
	})
	return all
}

// A Roll is whom the CA of some blocks vouches for.
type Roll struct {
	Blocks  []string
	Holders []resource.Holder
}

// Rolls returns those on record.
func (e *Engine) Rolls() []Roll {
	var all []Roll
	e.recorded(seenIn(resource.Lists), func(r state.Record, was any) {
		if list, ok := was.(resource.Roller); ok {
			all = append(all, Roll{blocks(r), list.Roll()})
		}
	})
	return all
}

// Serving returns the things on record that a view tells of, each with the first block
// that asks for it.
func (e *Engine) Serving(view resource.View) map[resource.ID]string {
	all := make(map[resource.ID]string)
	for _, r := range e.onRecord(seenIn(view)) {
		if len(r.Owners) > 0 {
			all[r.ID] = r.Owners[0].Block.String()
		}
	}
	return all
}

// Waiting returns who has to be given something anew.
func (e *Engine) Waiting() []string {
	var holders []string
	for _, g := range e.Gifts() {
		if g.Void() != nil {
			holders = append(holders, g.Holder)
		}
	}
	return holders
}

// HandedOut puts on record that holders have what they are given as it is now, and
// who gave it to them. The store is open for changing.
func (e *Engine) HandedOut(by string, gifts ...Gift) error {
	var facts []state.Fact
	for _, g := range gifts {
		g.record.Handout = nil
		g.record.Given = &state.Given{At: e.Now().UTC().Truncate(time.Second), By: by}
		facts = append(facts, state.Fact{Put: &g.record})
	}
	return e.Store.Commit(facts...)
}
