package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

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

// later notes what of a changed wish the host shows only after the next renewal,
// once for all that a block asks for.
func (p *Plan) later(it *item) {
	record := puts(it.final)
	if it.past == nil || record == nil || it.leave || it.undo || it.past.Want.Equal(record.Want) {
		return
	}
	fields := resource.Fields(reflect.TypeOf(it.Want))
	for i := range fields { // which are large
		f := &fields[i]
		if !f.Later {
			continue
		}
		was, _ := it.past.Want.Value(f.Name)
		now, _ := record.Want.Value(f.Name)
		if was == now {
			continue
		}
		n := Note{ID: it.ID, Text: fmt.Sprintf("%s: %s instead of %s holds from the next %s on, and what stands stays as it is", f.Name, onRecord(now), onRecord(was), strings.ReplaceAll(it.ID.Kind, "_", " "))}
		if len(it.Owners) > 0 {
			n.ID = it.Owners[0].Block
		}
		if !slices.Contains(p.Notes, n) {
			p.Notes = append(p.Notes, n)
		}
	}
}

// onRecord writes a value of a record as people do.
func onRecord(value string) string {
	var text string
	switch {
	case len(value) == 0:
		return "the default"
	case json.Unmarshal([]byte(value), &text) == nil:
		return text
	}
	return value
}
