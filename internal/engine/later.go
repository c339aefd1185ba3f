package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// later notes what of a changed wish the host shows only after the next renewal,
// once for all that a block asks for.
func (p *Plan) later(it *item) {
	record := puts(it.final)
	if it.past == nil || record == nil || it.leave || it.undo {
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
