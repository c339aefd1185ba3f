package findings

import (
	"cmp"
	"maps"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// unknown finds out what could not be observed, and what of that is news: a
// directory where a file was, or rules that nobody can read. It is no less wrong
// than drift, and nobody repairs it.
func (f Findings) unknown(p Pass) (all, fresh []status.Unknown, observed []resource.ID) {
	all = outside(p.Scope, f.Unknown, func(u status.Unknown) resource.ID { return u.ID })
	add := func(id resource.ID, owners []resource.Owner, err error) {
		u, same := f.unknownOf(p, id, owners, err)
		if all = append(all, u); !same {
			fresh = append(fresh, u)
		}
	}
	for _, problem := range p.Plan.Problems {
		add(problem.ID, problem.Owners, problem.Err)
	}
	for _, id := range slices.SortedFunc(maps.Keys(p.Refused), resource.ID.Compare) {
		add(id, nil, p.Refused[id])
	}
	for _, u := range f.Unknown {
		if !(Findings{Unknown: all}).unobserved(u.ID) {
			observed = append(observed, u.ID)
		}
	}
	return all, fresh, observed
}

// unknownOf is the record of one thing. One that could not be observed before keeps
// how that came.
func (f Findings) unknownOf(p Pass, id resource.ID, owners []resource.Owner, err error) (u status.Unknown, same bool) {
	u = status.Unknown{ID: id, Address: status.Block(id, owners), Error: err.Error(), Since: p.Begun, Noticed: p.How(id), By: p.By(id)}
	i := slices.IndexFunc(f.Unknown, func(old status.Unknown) bool { return old.ID == id })
	if i < 0 {
		return u, false
	}
	old := f.Unknown[i]
	u.Since, u.Noticed = old.Since, old.Noticed
	if same = old.Error == u.Error; same {
		u.By = cmp.Or(old.By, u.By)
	}
	return u, same
}

// unobserved says whether a thing could not be observed.
func (f Findings) unobserved(id resource.ID) bool {
	return slices.ContainsFunc(f.Unknown, func(u status.Unknown) bool { return u.ID == id })
}

// remarks returns what people should know besides, and what of it is new. A pass
// renews what is about the things it is at. What somebody has just made so is told
// with their name: vpnd does not put it right, and a person may have to.
func (f Findings) remarks(p Pass) (all, fresh []status.Remark) {
	all = slices.DeleteFunc(slices.Clone(f.Remarks), func(r status.Remark) bool { return p.Scope.renews(r.Note) })
	for _, n := range p.Plan.Notes {
		r := status.Remark{Note: n}
		if i := slices.IndexFunc(f.Remarks, func(old status.Remark) bool { return old.Note == n }); i >= 0 {
			r.By = f.Remarks[i].By
		} else {
			r.By = p.By(n.ID)
			fresh = append(fresh, r)
		}
		all = append(all, r)
	}
	resource.Sort(all, func(a, b status.Remark) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Text, b.Text)) })
	return all, fresh
}
