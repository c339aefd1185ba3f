package engine

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// handOver finds what comes to a path where something of another kind leaves. The
// two are one file to the host, so the one that comes begins where the one that
// leaves has ended, and not with what is seen while that still stands.
func handOver(items []*item) {
	leaving := make(map[string]*item)
	for _, it := range items {
		if it.leave && it.kind.Path {
			leaving[it.ID.Name] = it
		}
	}
	for _, it := range items {
		if !it.leave && it.kind.Path {
			it.before = leaving[it.ID.Name]
		}
	}
}

// inherit takes what was seen for gone where the one before takes it away, or
// puts back what stood there before vpnd. In the latter case, why it could not be
// looked at still holds.
func (it *item) inherit() {
	if it.before == nil || !it.before.changes {
		return
	}
	it.got = nil
	if it.before.Want == nil {
		it.err = nil
	}
}

// restores says whether what stood there before vpnd is back when it is the
// item's turn.
func (it *item) restores() bool {
	return it.before != nil && it.before.changes && it.before.Want != nil
}

// A directory whose block goes stays as long as something is in it that does not leave:
// without it that could not be made, or would be in a directory that nobody ever takes
// away. It stays on record, and leaves with the last of them.

// emptyFirst has directories leave after all that leaves from below them, also what was
// made before they were asked for; where that was the other way round for a reason, it
// stays so.
func (e *Engine) emptyFirst(leaving []*item) {
	directories := make(map[string]resource.ID)
	for _, it := range leaving {
		if it.kind.Directory {
			directories[it.ID.Name] = it.ID
		}
	}
	tied := make(map[*item][]resource.ID)
	for _, it := range leaving {
		for dir := path.Dir(it.ID.Name); it.kind.Path && dir != path.Dir(dir); dir = path.Dir(dir) {
			if above, leaves := directories[dir]; leaves && !slices.Contains(it.After, above) {
				tied[it] = it.After
				it.After = append(slices.Clone(it.After), above)
			}
		}
	}
	if len(tied) == 0 {
		return
	}
	if _, _, err := e.order(leaving); err != nil {
		for it, after := range tied {
			it.After = after
		}
	}
}

// keepFull finds the directories of a plan that are to be taken away and have something
// in them that does not leave.
func (e *Engine) keepFull(present, leaving []*item) {
	directories, _ := partition(leaving, func(it *item) bool { return it.kind.Directory && it.Want == nil })
	if len(directories) == 0 {
		return
	}
	stays := e.staying(present, leaving)
	for _, it := range directories {
		i, _ := slices.BinarySearchFunc(stays, it.ID.Name+"/", func(r resource.Resource, in string) int { return strings.Compare(r.ID.Name, in) })
		if i < len(stays) && strings.HasPrefix(stays[i].ID.Name, it.ID.Name+"/") {
			it.inside = &stays[i]
		}
	}
}

// staying returns what has a path and does not leave, by that: what is wished, and what
// is on record and no part of the plan.
func (e *Engine) staying(present, leaving []*item) []resource.Resource {
	goes := make(map[resource.ID]bool, len(leaving))
	for _, it := range leaving {
		goes[it.ID] = true
	}
	var stays []resource.Resource
	for _, it := range present {
		if it.kind.Path {
			stays = append(stays, it.Resource)
		}
	}
	for _, r := range e.Store.Records() {
		if e.Catalog.Traits(r.ID.Kind).Path && !goes[r.ID] {
			stays = append(stays, resource.Resource{ID: r.ID, Owners: r.Owners})
		}
	}
	slices.SortStableFunc(stays, func(a, b resource.Resource) int { return strings.Compare(a.ID.Name, b.ID.Name) })
	return stays
}

// full notes that a directory stays, and for what.
func (p *Plan) full(it *item) {
	what := it.inside.ID.String()
	if len(it.inside.Owners) > 0 {
		what += fmt.Sprintf(" (%s:%d)", it.inside.Owners[0].File, it.inside.Owners[0].Line)
	}
	p.Notes = append(p.Notes, Note{ID: it.ID, Stays: it.undo, Text: fmt.Sprintf("nobody asks for it any more, and it stays as long as %s is in it; write a block directory %q to keep it, or another path there", what, it.ID.Name)})
}
