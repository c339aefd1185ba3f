package engine

import (
	"context"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Readopt puts on record again what of a configuration is not, after records were
// lost: that of which is kept what stood there before, which vpnd has touched
// therefore, what is there as it is asked for or with vpnd's mark, and what others
// hold the other half of: that was lost too, and is not for an agent to make anew.
// All else is as new. What is lost besides is told by nothing on the host.
func (e *Engine) Readopt(ctx context.Context, present []resource.Resource) error {
	items, err := e.wishes(present)
	if err != nil {
		return err
	}
	lost, _ := partition(items, func(it *item) bool { return it.past == nil && e.runs(it) })
	_ = normalize(ctx, lost) // what the host refuses stays as it is written, and so unlike it
	observe(ctx, lost)
	var facts []state.Fact
	for _, it := range lost {
		prior := e.Store.PriorOf(it.ID)
		if prior == "" && !it.ours() && !it.halved() {
			continue
		}
		want, err := e.Store.Digest(it.Want)
		if err != nil {
			return err
		}
		facts = append(facts, state.Fact{Put: &state.Record{
			ID: it.ID, Owners: it.Owners, After: it.After, Triggers: it.Triggers,
			Want: want, Prior: prior, Since: e.Now().UTC().Truncate(time.Second),
		}})
	}
	return e.Store.Commit(facts...)
}

// halved says whether others hold the other half of a thing that is gone.
func (it *item) halved() bool {
	return it.err == nil && it.got == nil && it.kind.Invalidates(nil, it.Want) != ""
}

// ours says whether a thing looks as vpnd would have made it.
func (it *item) ours() bool {
	return it.err == nil && it.got != nil &&
		(len(resource.Compare(it.got, it.Want)) == 0 || it.kind.Marked(it.ID.Name, it.got))
}
