package engine

import (
	"reflect"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// follower knows what changes so far in a plan, and so who has to follow.
type follower struct {
	store   *state.Store
	changed map[resource.ID]Change
	held    map[resource.ID]Wait // what waits with what it needs
	walk    *resource.Walk       // to what needs a thing; nil until something waits

	leaving []*item                       // gifts that leave
	gone    map[place]*state.Record       // the same by whom they were given to; nil until somebody asks
	before  map[resource.ID]*state.Record // those of the host whose place this one takes
}

func newFollower(store *state.Store, items []*item) *follower {
	f := &follower{store: store, changed: make(map[resource.ID]Change), held: make(map[resource.ID]Wait)}
	f.leaving, _ = partition(items, func(it *item) bool { return it.leave && it.past != nil && it.kind.Gives })
	return f
}

// note remembers a change that readers have to notice.
func (f *follower) note(it *item, c Change) {
	if noticeable(c) {
		f.changed[it.ID] = c
	}
}

// noticeable says whether a change concerns more than who may use the thing.
func noticeable(c Change) bool {
	return len(c.Diffs) == 0 || slices.ContainsFunc(c.Diffs, func(d resource.Diff) bool { return !d.Meta })
}

// rebuild returns the change of a derived thing whose sources change.
func (f *follower) rebuild(it *item) *Change {
	for _, t := range it.Triggers {
		cause, ok := f.changed[t.On]
		if !ok || t.Do != resource.Rebuild || it.got == nil {
			continue
		}
		return &Change{
			ID: it.ID, Action: Update, Reason: Follows, Because: t.On, Owners: it.Owners, IsDrift: cause.IsDrift, item: it,
			Diffs: []resource.Diff{{Attribute: "current", Before: "false", After: "true", Computed: true}},
			Cost:  it.kind.Cost(it.ID.Name, it.got, it.Want),
		}
	}
	return nil
}

// refresh returns what a reader has to do about what it reads, or nil. c is
// the change of the reader itself, where there is one.
func (f *follower) refresh(it *item, c *Change) *Change {
	if it.Want == nil || it.err != nil {
		return nil
	}
	r := &Change{ID: it.ID, Action: Refresh, Owners: it.Owners, item: it}
	if owed := f.store.Owed(it.ID); owed > resource.Rebuild {
		r.Cost, r.Reason = owed, Owed
	}
	for _, t := range it.reads() {
		cause, ok := f.changed[t.On]
		if ok && t.Do > resource.Rebuild && t.Do > r.Cost {
			r.Cost, r.Reason, r.Because, r.IsDrift = t.Do, Follows, t.On, cause.IsDrift
		}
	}
	if r.Cost == resource.None || covers(c, r.Cost) || !inUse(it.got) {
		return nil
	}
	return r
}

// reads returns what refreshes the item: what the configuration says, and what
// it said when it was last applied, since the end of a file concerns its reader
// too.
func (it *item) reads() []resource.Trigger {
	if it.past == nil {
		return it.Triggers
	}
	return slices.Concat(it.Triggers, it.past.Triggers)
}

// covers says whether the reader's own change makes it take notice anyway: it
// is only now created or started, or restarted by the change itself.
func covers(c *Change, effect resource.Effect) bool {
	if c == nil {
		return false
	}
	starts := slices.ContainsFunc(c.Diffs, func(d resource.Diff) bool { return d.Runs })
	return c.Action == Create || starts || c.Cost >= effect
}

// inUse says whether the observed thing has anything in use that could be
// stale: a service that is not at work has not.
func inUse(got any) bool {
	if got == nil {
		return false
	}
	is := active(got)
	return is == nil || *is
}

// active says whether what was observed is at work, nil where it is nothing that
// runs.
func active(got any) *bool {
	f, runs := resource.Running(got)
	if !runs {
		return nil
	}
	return reflect.ValueOf(got).Elem().Field(f.Index).Interface().(*bool)
}
