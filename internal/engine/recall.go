package engine

import (
	"fmt"
	"reflect"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// recall gives a wish back what is on record of the thing and the host may have
// forgotten.
func (it *item) recall() error {
	if it.past == nil || it.Want == nil {
		return nil
	}
	if !it.kind.Recalls {
		return nil
	}
	was := it.kind.New()
	told := it.past.Want.Without(func(attr string) bool { return !remembered(was, attr) })
	if err := told.Tell(was); err != nil {
		return fmt.Errorf("%s: reading what is on record of it: %w", it.ID, err)
	}
	it.Want = it.kind.Recall(it.Want, was)
	return nil
}

// loses returns in words what others hold and is void once the thing has left,
// whose last wish is on record.
func (it *item) loses() string {
	if it.past == nil || it.got == nil {
		return ""
	}
	was := it.kind.New()
	_ = it.past.Want.Tell(was) // what can't be read is nothing to keep it for
	return it.kind.Invalidates(nil, was)
}

// asksSame says whether two wishes ask for the same, whatever must not be forgotten
// besides.
func (it *item) asksSame(a, b state.Digest) bool {
	memory := func(attr string) bool { return remembered(it.Want, attr) }
	return a.Equal(b) || a.Without(memory).Equal(b.Without(memory))
}

func remembered(shape any, attribute string) bool {
	for _, f := range resource.Fields(reflect.TypeOf(shape)) {
		if f.Name == attribute {
			return f.Memory
		}
	}
	return false
}
