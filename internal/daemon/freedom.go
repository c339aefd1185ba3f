package daemon

import (
	"maps"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// freedom is what may be looked at and changed while a step of a look is at
// work.
type freedom struct {
	present []resource.Resource
	ids     map[resource.ID]bool
	kinds   map[string]int // how many of each
}

// freedom leaves out what the apply has yet to do and what needs that, kinds
// whose verbs are at work, and what a slow thing reads: that would have to take
// notice. Of a configuration that is not agreed to yet nothing is free.
func (l *look) freedom(w engine.Work) *freedom {
	f := &freedom{ids: make(map[resource.ID]bool), kinds: make(map[string]int)}
	if !l.write || l.observing() || l.force.unsaved != nil || len(l.refused) > 0 {
		return f
	}
	shut := make(map[resource.ID]bool)
	for _, id := range w.New {
		shut[id] = true
	}
	atWork := make(map[string]bool)
	for _, id := range w.Now {
		atWork[id.Kind] = true
	}
	heard := l.force.reach().heard
	free := func(id resource.ID) bool { return !slow(id) && !atWork[id.Kind] && !heard[id] && !shut[id] }
	wrong := l.standing(w, free)
	for id := range wrong {
		shut[id] = true
	}
	stopped := l.stopped(wrong)
	for _, r := range l.force.present {
		if free(r.ID) && !stopped[r.ID] {
			f.present = append(f.present, r)
			f.ids[r.ID] = true
			f.kinds[r.ID.Kind]++
		}
	}
	return f
}

// standing returns what is not as it shall be and can't be made so now.
func (l *look) standing(w engine.Work, free func(resource.ID) bool) map[resource.ID]error {
	wrong := make(map[resource.ID]error)
	for _, id := range w.Next {
		wrong[id] = nil
	}
	for _, id := range l.wrong() {
		if !free(id) {
			wrong[id] = nil
		}
	}
	return wrong
}

// stopped returns what must wait since it needs something that is wrong. Rules
// and sysctls, which stand without a service or its files, wait for rules only:
// forwarding is not switched on before them.
func (l *look) stopped(wrong map[resource.ID]error) map[resource.ID]bool {
	rules := maps.Clone(wrong)
	maps.DeleteFunc(rules, func(id resource.ID, _ error) bool { return id.Kind != "chain" })
	stopped := make(map[resource.ID]bool)
	for _, part := range []struct {
		wrong map[resource.ID]error
		alone bool
	}{{wrong, false}, {rules, true}} {
		going := make(map[resource.ID]bool)
		for _, r := range without(l.force.present, part.wrong) {
			going[r.ID] = true
		}
		for _, r := range l.force.present {
			if alone := r.ID.Kind == "chain" || r.ID.Kind == "sysctl"; alone == part.alone && !going[r.ID] {
				stopped[r.ID] = true
			}
		}
	}
	return stopped
}

// covers says whether a hint is about what is free, and whether about nothing
// else.
func (f *freedom) covers(h resource.Hint, r *reach) (some, all bool) {
	if h.Name == "" {
		n := f.kinds[h.Kind]
		return n > 0, n > 0 && n == len(r.kinds[h.Kind])
	}
	id := resource.ID{Kind: h.Kind, Name: h.Name}
	return f.ids[id], f.ids[id] || !r.present[id]
}
