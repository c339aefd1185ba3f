package config

import (
	"path"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// addOrder puts resources after the blocks that their block refers to, and
// whatever has a path after the folder it lies in.
func addOrder(wishes map[resource.ID]*wish) {
	for id, w := range wishes {
		w.After = append(w.After, sharedOrder(w)...)
		if !path.IsAbs(id.Name) {
			continue
		}
		for dir := path.Dir(path.Clean(id.Name)); ; dir = path.Dir(dir) {
			above := resource.ID{Kind: "directory", Name: dir}
			if _, ok := wishes[above]; ok && above != id {
				w.After = append(w.After, above)
				break
			}
			if dir == "/" {
				break
			}
		}
	}
}

// sharedOrder returns the blocks that every owner of a resource refers to. A
// resource of several blocks must not wait for what only one of them refers
// to: that may itself need what the other one shares, a package for example.
func sharedOrder(w *wish) []resource.ID {
	ids := w.blocks[0].reachable()
	for _, b := range w.blocks[1:] {
		others := b.reachable()
		ids = slices.DeleteFunc(ids, func(id resource.ID) bool { return !slices.Contains(others, id) })
	}
	return ids
}

// addTriggers gives the units named by on_change what refreshes them.
func (l *loader) addTriggers(wishes map[resource.ID]*wish) {
	for _, b := range l.order {
		for _, t := range b.onChange {
			name, _ := step(t)
			unit := l.lookup(resource.ID{Kind: t.RootName(), Name: name}, t)
			if unit == nil || unit.failed || b.failed {
				continue
			}
			effect, reads := effectOn(unit)
			if !reads {
				l.errorAt(t.SourceRange(), "Unsuitable reference", "on_change names the units that a change reloads or restarts, as in on_change = [unit[\"ssh.service\"]]; %s is none.", unit.id)
				continue
			}
			if w := wishes[unit.id]; w != nil {
				l.trigger(w, b, effect)
			}
		}
	}
}

// addSources puts what is made from other resources after them, and has it
// follow when they change.
func (l *loader) addSources(wishes map[resource.ID]*wish) {
	named := make(map[string][]resource.ID)
	for id := range wishes {
		named[id.Name] = append(named[id.Name], id)
	}
	for id, w := range wishes {
		k, ok := l.catalog.Kind(id.Kind)
		if !ok {
			continue
		}
		for _, name := range k.From(w.Want) {
			for _, source := range named[name] {
				if source != id {
					w.After = append(w.After, source)
					w.Triggers = append(w.Triggers, resource.Trigger{On: source, Do: resource.Rebuild})
				}
			}
		}
		w.Triggers = distinct(w.Triggers)
	}
}

// distinct leaves out what was there before, in the same order.
func distinct(triggers []resource.Trigger) []resource.Trigger {
	var all []resource.Trigger
	for _, t := range triggers {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

func (l *loader) trigger(w *wish, b *block, effect resource.Effect) {
	for _, id := range b.owned {
		t := resource.Trigger{On: id, Do: effect}
		if id != w.ID && !slices.Contains(w.Triggers, t) {
			w.Triggers = append(w.Triggers, t)
		}
	}
	// A unit is started after what it reads is there, unless that needs the
	// unit in turn.
	if !l.reaches(b, w.blocks, make(map[*block]bool)) {
		w.After = append(w.After, b.id)
	}
}

// reaches says whether a block is one of some others or refers to one,
// directly or not.
func (l *loader) reaches(b *block, others []*block, seen map[*block]bool) bool {
	if slices.Contains(others, b) {
		return true
	}
	seen[b] = true
	for _, id := range b.reach {
		if next := l.blocks[id]; next != nil && !seen[next] && l.reaches(next, others, seen) {
			return true
		}
	}
	return false
}

// effectOn reads what the on_change of a unit's own shape says a change does
// to it. Shapes without one read nothing.
func effectOn(b *block) (resource.Effect, bool) {
	v := reflect.ValueOf(b.shape).Elem()
	f, ok := fieldNamed(resource.Fields(v.Type()), metaOnChange)
	if !ok || f.Type.Kind() != reflect.String {
		return resource.None, false
	}
	effect := resource.Restart
	word := reflect.Indirect(v.Field(f.Index))
	if word.IsValid() {
		_ = effect.UnmarshalText([]byte(strings.TrimSpace(word.String())))
	}
	return effect, true
}
