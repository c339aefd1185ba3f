package daemon

import (
	"cmp"
	"maps"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// unknowns finds out what could not be looked at, and what of that is news: a
// folder where a file was, or rules that nobody can read. It is no less wrong
// than drift, and nobody repairs it.
func (l *look) unknowns(p *engine.Plan) {
	before := l.status.Unknown
	l.status.Unknown = outside(l.scope, before, func(u status.Unknown) resource.ID { return u.ID })
	for _, problem := range p.Problems {
		l.unknown(before, problem.ID, problem.Owners, problem.Err)
	}
	for _, id := range slices.SortedFunc(maps.Keys(l.refused), resource.ID.Compare) {
		l.unknown(before, id, nil, l.refused[id])
	}
	for _, u := range before {
		if !l.unseen(u.ID) {
			l.Log.Info("it can be looked at again", "id", u.ID)
		}
	}
}

// unknown notes one thing. One that could not be looked at before keeps the
// record of how that came.
func (l *look) unknown(before []status.Unknown, id resource.ID, owners []resource.Owner, err error) {
	u := status.Unknown{ID: id, Address: id.String(), Error: err.Error(), Since: l.begun, Noticed: l.how(id), By: l.by(id)}
	if len(owners) > 0 {
		u.Address = owners[0].Block.String()
	}
	i := slices.IndexFunc(before, func(old status.Unknown) bool { return old.ID == id })
	same := i >= 0 && before[i].Error == u.Error
	if i >= 0 {
		u.Since, u.Noticed = before[i].Since, before[i].Noticed
	}
	if same {
		u.By = cmp.Or(before[i].By, u.By)
	}
	l.status.Unknown = append(l.status.Unknown, u)
	if !same {
		l.newlyUnseen = append(l.newlyUnseen, u)
		l.Log.Warn("it can't be looked at and is left alone", attributesUnseen(u)...)
	}
}

// unseen says whether a thing could not be looked at.
func (l *look) unseen(id resource.ID) bool {
	return slices.ContainsFunc(l.status.Unknown, func(u status.Unknown) bool { return u.ID == id })
}

func attributesUnseen(u status.Unknown) []any {
	args := []any{"id", u.ID, "error", u.Error, "noticed", u.Noticed}
	if u.By != "" {
		args = append(args, "by", u.By)
	}
	return args
}

// done is what the history tells of it.
func unknownDone(u status.Unknown) state.Done {
	return state.Done{ID: u.ID, Reason: string(status.UnknownReason), Noticed: u.Noticed, By: u.By, Error: u.Error}
}
