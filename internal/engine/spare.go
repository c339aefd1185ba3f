package engine

import (
	"path"
	"slices"

	"vpnd/internal/resource"
)

// spare judges a plan once more where something of it is lost that others hold
// the other half of. That stays as it is, and so does what waits for it; the
// changes of both say so in Lacks. What would follow them has nothing to follow.
func (e *Engine) spare(p *Plan) error {
	left := p.lacking()
	if len(left) == 0 {
		return nil
	}
	rest := &Plan{items: p.items, LeftOut: p.LeftOut}
	f := newFollower(e.Store)
	for _, it := range p.items {
		c, ok := left[it.ID]
		if !ok {
			if err := e.judge(rest, f, it); err != nil {
				return err
			}
			continue
		}
		rest.Notes = append(rest.Notes, notes(it)...)
		rest.Changes = append(rest.Changes, c)
		it.changes = false
	}
	*p = *rest
	return nil
}

// lacking returns the changes of what is lost, and of all that waits for that.
func (p *Plan) lacking() map[resource.ID]Change {
	l := lacking{left: make(map[resource.ID]Change), gone: make(map[resource.ID]resource.ID), holds: make(map[string]resource.ID)}
	var own []Change // no consequences of others
	for _, c := range p.Changes {
		switch {
		case c.Voids != "":
			l.leave(c, c.ID)
		case c.Reason != Follows && c.Action != Refresh && !c.item.leave && !c.item.undo:
			own = append(own, c)
		}
	}
	for more := len(l.left) > 0; more; {
		more = false
		own = slices.DeleteFunc(own, func(c Change) bool {
			lost, waits := l.waits(c)
			if waits {
				l.leave(c, lost)
				more = true
			}
			return waits
		})
	}
	return l.left
}

// lacking is what is found so far. The values of the last two name what is lost.
type lacking struct {
	left  map[resource.ID]Change
	gone  map[resource.ID]resource.ID // of these, what is not there
	holds map[string]resource.ID      // paths of what must not be made before these are back: what they are made from, the folders they were in
}

func (l *lacking) leave(c Change, lost resource.ID) {
	c.Lacks = lost
	l.left[c.ID] = c
	for _, source := range c.item.kind.From(c.item.Want) {
		l.holds[source] = lost
	}
	if c.Action != Create {
		return
	}
	l.gone[c.ID] = lost
	if !c.item.kind.Path {
		return
	}
	// A new folder would be in the way of the old one.
	for dir := path.Dir(c.ID.Name); dir != path.Dir(dir); dir = path.Dir(dir) {
		l.holds[dir] = lost
	}
}

// waits says whether a thing has to wait, and for what: where it comes after
// something that is not there, or where it is missing itself and would be made
// for nothing. What stands holds nobody up.
func (l *lacking) waits(c Change) (lost resource.ID, waits bool) {
	if c.item.kind.Path && c.Action == Create {
		if lost, waits = l.holds[c.ID.Name]; waits {
			return lost, true
		}
	}
	for _, before := range c.item.After {
		if lost, waits = l.gone[before]; waits && c.item.kind.Needs(before) {
			return lost, true
		}
	}
	return resource.ID{}, false
}
