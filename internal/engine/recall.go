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

// asks leaves out of what was wished what only must not be forgotten.
func asks(it *item, wish state.Digest) state.Digest {
	return wish.Without(func(attr string) bool { return remembered(it.Want, attr) })
}

func remembered(shape any, attribute string) bool {
	for _, f := range resource.Fields(reflect.TypeOf(shape)) {
		if f.Name == attribute {
			return f.Memory
		}
	}
	return false
}
