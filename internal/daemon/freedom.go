package daemon

import (
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// freedom is what may be looked at and changed while a step of a pass is at
// work. It costs what is in the way and not what there is.
type freedom struct {
	*reach
	none    bool
	busy    map[string]bool      // kinds whose verbs are at work
	shut    map[resource.ID]bool // what the apply has yet to do, or to put on record
	stopped map[resource.ID]bool // what needs something that is wrong and can't be made right now
}

// freedom leaves out what the apply has yet to do and what needs that, kinds
// whose verbs are at work, and what a slow thing reads: that would have to take
// notice. Of a configuration that is not agreed to yet nothing is free.
func (a *agent) freedom(p *pass, w engine.Work) *freedom {
	f := &freedom{reach: a.graph(), busy: make(map[string]bool), shut: make(map[resource.ID]bool)}
	f.none = !p.Facts.Locked || a.active.Observing() || a.active.Unsaved != nil || len(p.Refused) > 0
	for _, id := range w.Now {
		f.busy[id.Kind] = true
	}
	for _, id := range slices.Concat(w.New, w.Next) {
		f.shut[id] = true
	}
	wrong := slices.Clone(w.Next)
	for _, id := range a.wrong() {
		if !f.free(id) {
			wrong = append(wrong, id)
		}
	}
	f.stopped = f.Dependants(wrong...)
	return f
}

func (f *freedom) free(id resource.ID) bool {
	return !f.none && !f.catalog.Traits(id.Kind).Slow && !f.busy[id.Kind] && !f.shut[id] && !f.heard[id] && !f.stopped[id]
}

// covers says whether a hint is about what is free, and whether about nothing
// else that is in force.
func (f *freedom) covers(h resource.Hint) (some, all bool) {
	if h.Name != "" {
		id := resource.ID{Kind: h.Kind, Name: h.Name}
		present := f.Has(id)
		free := present && f.free(id)
		return free, free || !present
	}
	n := 0
	for _, id := range f.kinds[h.Kind] {
		if f.free(id) {
			n++
		}
	}
	return n > 0, n > 0 && n == len(f.kinds[h.Kind])
}
