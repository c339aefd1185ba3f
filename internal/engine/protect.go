package engine

import (
	"context"
	"path"

	"vpnd/internal/resource"
)

// protect judges a plan once more where something of it is lost that others hold
// the other half of. That stays as it is, and so does what waits for it; the
// changes of both say so in Lacks. What would follow them has nothing to follow.
func (e *Engine) protect(ctx context.Context, p *Plan) error {
	left := p.lacking()
	if len(left) == 0 {
		return nil
	}
	rest := p.anew()
	f := newFollower(e.Store, p.items)
	for _, it := range p.items {
		c, ok := left[it.ID]
		if !ok {
			if err := e.judge(ctx, rest, f, it); err != nil {
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

// lacking returns the changes of what is lost, and of all that waits for that:
// that comes after something that is not there, or that is missing itself and
// would be made for nothing. What stands holds nobody up.
func (p *Plan) lacking() map[resource.ID]Change {
	l := lacking{walk: p.comes.Walk(), left: make(map[resource.ID]Change), own: make(map[resource.ID]Change), made: make(map[string]Change)}
	var lost []Change
	for _, c := range p.Changes {
		switch {
		case c.Invalidates != "":
			lost = append(lost, c)
		case c.Reason != Follows && c.Action != Refresh && !c.item.leave && !c.item.undo:
			l.own[c.ID] = c
			if c.item.kind.Path && c.Action == Create {
				l.made[c.ID.Name] = c
			}
		}
	}
	for _, c := range lost {
		l.leave(c, c.ID)
	}
	return l.left
}

// lacking is what is found so far.
type lacking struct {
	walk *resource.Walk
	left map[resource.ID]Change
	own  map[resource.ID]Change // those of the plan that are no consequences of others
	made map[string]Change      // by path, those of them that make something there
}

// leave leaves a change, and those that have to wait for it.
func (l *lacking) leave(c Change, lost resource.ID) {
	if _, done := l.left[c.ID]; done {
		return
	}
	c.Lacks = lost
	l.left[c.ID] = c
	for _, source := range c.item.kind.From(c.item.Want) {
		l.hold(source, lost)
	}
	if c.Action != Create {
		return
	}
	if c.item.kind.Path {
		// A new directory would be in the way of the old one.
		for dir := path.Dir(c.ID.Name); dir != path.Dir(dir); dir = path.Dir(dir) {
			l.hold(dir, lost)
		}
	}
	for _, id := range l.walk.Next(c.ID) {
		if next, ok := l.own[id]; ok {
			l.leave(next, lost)
		}
	}
}

// hold leaves what would be made at a path before what is lost is back.
func (l *lacking) hold(at string, lost resource.ID) {
	if c, ok := l.made[at]; ok {
		l.leave(c, lost)
	}
}
