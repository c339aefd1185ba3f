package compile

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// addOrder puts resources after the blocks that their block refers to, and
// whatever has a path after the directory it lies in.
func (c *compiler) addOrder() {
	for id, w := range c.wishes {
		w.After = append(w.After, sharedOrder(w)...)
		if !path.IsAbs(id.Name) {
			continue
		}
		for dir := path.Dir(path.Clean(id.Name)); ; dir = path.Dir(dir) {
			above := resource.ID{Kind: "directory", Name: dir}
			if _, ok := c.wishes[above]; ok && above != id {
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
	ids := slices.Clone(w.blocks[0].After)
	for _, b := range w.blocks[1:] {
		ids = slices.DeleteFunc(ids, func(id resource.ID) bool { return !slices.Contains(b.After, id) })
	}
	return ids
}

// addTriggers gives the units named by on_change what refreshes them.
func (c *compiler) addTriggers() {
	for _, b := range c.order {
		for _, ref := range b.OnChange {
			unit := c.blocks[ref.Block]
			if unit.Failed || b.Failed {
				continue
			}
			effect, reads := effectOn(unit)
			if !reads {
				c.told.Error(ref.Range, "Unsuitable reference", "on_change names the units that a change reloads or restarts, as in on_change = [unit[\"ssh.service\"]]; %s is none.", unit.ID)
				continue
			}
			if w := c.wishes[unit.ID]; w != nil {
				c.trigger(w, b, effect)
			}
		}
	}
}

// addSources puts what is made from other resources after them, and has it
// follow when they change.
func (c *compiler) addSources() {
	named := make(map[string][]resource.ID)
	for _, id := range slices.SortedFunc(maps.Keys(c.wishes), resource.ID.Compare) {
		named[id.Name] = append(named[id.Name], id)
	}
	for id, w := range c.wishes {
		k, ok := c.catalog.Kind(id.Kind)
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

func (c *compiler) trigger(w *wish, b *block, effect resource.Effect) {
	for _, id := range b.owned {
		t := resource.Trigger{On: id, Do: effect}
		if id != w.ID && !slices.Contains(w.Triggers, t) {
			w.Triggers = append(w.Triggers, t)
		}
	}
	// A unit is started after what it reads is there, unless that needs the
	// unit in turn.
	if !c.reaches(b, w.blocks, make(map[*block]bool)) {
		w.After = append(w.After, b.ID)
	}
}

// reaches says whether a block is one of some others or refers to one,
// directly or not.
func (c *compiler) reaches(b *block, others []*block, seen map[*block]bool) bool {
	if slices.Contains(others, b) {
		return true
	}
	seen[b] = true
	for _, id := range b.After {
		if next := c.blocks[id]; next != nil && !seen[next] && c.reaches(next, others, seen) {
			return true
		}
	}
	return false
}

// effectOn reads what the on_change of a unit's own shape says a change does
// to it. Shapes without one read nothing.
func effectOn(b *block) (resource.Effect, bool) {
	v := reflect.ValueOf(b.Shape).Elem()
	f, ok := shape.Named(resource.Fields(v.Type()), shape.OnChange)
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
