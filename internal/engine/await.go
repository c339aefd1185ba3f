package engine

import (
	"context"
	"fmt"
	"strings"

	"vpnd/internal/resource"
)

// A Wait is a thing that an apply leaves as it is, since a person has to bring
// something first, or that is missing and needs such a thing.
type Wait struct {
	ID     resource.ID
	Owners []resource.Owner
	What   string      // what has to be brought, in words
	For    resource.ID // the thing that it has to be brought for: this one, or one that this one needs
}

// waits notes in the plan that a change has to wait, and says whether it does.
func (p *Plan) waits(ctx context.Context, f *follower, it *item, c *Change) bool {
	if c == nil || it.leave || it.undo {
		return false
	}
	w, waits := f.held[it.ID]
	if what := it.kind.Awaits(ctx, it.ID.Name, it.got, it.Want); what != "" {
		w, waits = Wait{What: what, For: it.ID}, true
	}
	if !waits {
		return false
	}
	w.ID, w.Owners = it.ID, it.Owners
	p.Waits = append(p.Waits, w)
	if it.got == nil {
		f.hold(p, w)
	}
	return true
}

// hold has what needs a missing thing wait with it.
func (f *follower) hold(p *Plan, w Wait) {
	if f.walk == nil {
		f.walk = p.comes.Walk()
	}
	for _, next := range f.walk.Next(w.ID) {
		if _, known := f.held[next]; !known {
			f.held[next] = w
		}
	}
}

// mostWaiting is how many names a note gives of what waits for one thing.
const mostWaiting = 5

// tellWaits adds a note for each thing that has to be brought to a block, and how
// much waits for it.
func (p *Plan) tellWaits() {
	type need struct {
		block resource.ID
		what  string
	}
	var order []need
	names, with := make(map[need][]string), make(map[need]int)
	whose := make(map[resource.ID]need)
	for _, w := range p.Waits {
		if w.For != w.ID {
			with[whose[w.For]]++
			continue
		}
		n := need{w.ID, w.What}
		if len(w.Owners) > 0 {
			n.block = w.Owners[0].Block
		}
		if len(names[n]) == 0 {
			order = append(order, n)
		}
		names[n] = append(names[n], w.ID.String())
		whose[w.ID] = n
	}
	for _, n := range order {
		text := list(names[n]) + " waits for " + n.what
		if len(names[n]) > 1 {
			text = list(names[n]) + " wait for " + n.what
		}
		if more := with[n]; more > 0 {
			text += fmt.Sprintf("; %d more that need it wait too", more)
		}
		p.Notes = append(p.Notes, Note{ID: n.block, Text: text})
	}
}

func list(names []string) string {
	if more := len(names) - mostWaiting; more > 0 {
		return strings.Join(names[:mostWaiting], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
