package engine

import (
	"errors"
	"slices"
	"strings"

	"vpnd/internal/state"
)

// goesAhead says whether a batch is changed although the disk does not take what
// is to be put on record first. What only the kernel holds needs no disk: whoever
// has filled that shall not keep rules from being repaired, nor the author of an
// apply locked out. What a kill loses then, the next run finds as drift again.
func (r *run) goesAhead(batch []Change, err error) bool {
	return state.Unwritable(err) && !slices.ContainsFunc(batch, func(c Change) bool {
		return !c.item.kind.Guards || !c.IsDrift && !c.item.undo
	})
}

// postpone keeps facts for when the disk takes them, and notes that it does not.
func (r *run) postpone(err error, facts ...state.Fact) error {
	if !state.Unwritable(err) {
		return err
	}
	r.Store.Postpone(facts...)
	if r.short == nil {
		r.short = err
	}
	return nil
}

// ended joins why records could not be written to why the apply ended, unless
// that says so already.
func (r *run) ended() {
	if r.short != nil && (r.report.Err == nil || !strings.Contains(r.report.Err.Error(), r.short.Error())) {
		r.report.Err = errors.Join(r.report.Err, r.short)
	}
}
