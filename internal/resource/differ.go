package resource

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// differences says how one field of a shape is not as it shall be; an invalid
// is means that there is nothing. Of nested blocks it names the attributes.
func differences(f Field, is, wish reflect.Value) []Diff {
	var inner []Diff
	switch {
	case f.Type.Kind() == reflect.Map:
		inner = keyed(f, is, wish)
	case !f.Block:
	case f.Type.Kind() == reflect.Struct:
		inner = nested(f.Name, is, wish)
	case f.Type.Kind() == reflect.Slice && labelOf(f.Type.Elem()) != nil:
		inner = labelled(f, is, wish)
	}
	if len(inner) > 0 {
		return inner
	}
	d := f.diff(f.Name)
	d.After, d.Now = show(wish), items(wish)
	if is.IsValid() {
		d.Before, d.Was = show(is), items(is)
	}
	return []Diff{d}
}

// diff returns a diff of the field without its two sides.
func (f Field) diff(attribute string) Diff {
	return Diff{Attribute: attribute, Sensitive: f.IsSecret(), Text: f.Text, Meta: f.Meta, Computed: f.Computed, Glance: f.Glance, Runs: f.Runs, Ages: f.Ages, Words: f.Words}
}

// keyed compares two maps key by key, in the order of the keys.
func keyed(f Field, is, wish reflect.Value) []Diff {
	before, after := words(is), words(wish)
	all := maps.Clone(before)
	maps.Copy(all, after)
	var diffs []Diff
	for _, key := range slices.Sorted(maps.Keys(all)) {
		was, is := before[key]
		now, wished := after[key]
		if is && wished && equal(was, now) {
			continue
		}
		d := f.diff(fmt.Sprintf("%s[%q]", f.Name, key))
		if is {
			d.Before = show(was)
		}
		if wished {
			d.After = show(now)
		}
		diffs = append(diffs, d)
	}
	return diffs
}

// words returns the items of a map by their keys.
func words(v reflect.Value) map[string]reflect.Value {
	items := make(map[string]reflect.Value)
	if !v.IsValid() {
		return items
	}
	for _, key := range v.MapKeys() {
		items[key.String()] = v.MapIndex(key)
	}
	return items
}

// Only returns a shape without those of the attributes it shares with others
// that are not kept.
func Only(shape any, kept func(attribute string) bool) any {
	c := Clone(shape)
	v := reflect.ValueOf(c).Elem()
	for _, f := range Fields(v.Type()) {
		if f.Shared && !kept(f.Name) {
			v.Field(f.Index).SetZero()
		}
	}
	return c
}

// nested compares two blocks, each perhaps not there, attribute by attribute.
func nested(path string, is, wish reflect.Value) []Diff {
	is, wish = block(is), block(wish)
	there := wish
	if !wish.IsValid() {
		there = is
	}
	if !there.IsValid() {
		return nil
	}
	var diffs []Diff
	for _, f := range Fields(there.Type()) {
		before, after := field(is, f), field(wish, f)
		if f.Label || f.Hint || !before.IsValid() && !after.IsValid() {
			continue
		}
		if before.IsValid() && after.IsValid() && equal(before, after) {
			continue
		}
		d := f.diff(path + "." + f.Name)
		if before.IsValid() {
			d.Before, d.Was = show(before), items(before)
		}
		if after.IsValid() {
			d.After, d.Now = show(after), items(after)
		}
		diffs = append(diffs, d)
	}
	return diffs
}

// labelled compares blocks by their labels, in the order of the wish; what only
// the host has comes last.
func labelled(f Field, is, wish reflect.Value) []Diff {
	var order []string
	before, after := make(map[string]reflect.Value), make(map[string]reflect.Value)
	collect := func(list reflect.Value, into map[string]reflect.Value) {
		for i := range length(list) {
			item := list.Index(i)
			name := show(item.Field(labelOf(item.Type()).Index))
			if !slices.Contains(order, name) {
				order = append(order, name)
			}
			into[name] = item
		}
	}
	collect(wish, after)
	collect(is, before)
	var diffs []Diff
	for _, name := range order {
		diffs = append(diffs, nested(fmt.Sprintf("%s[%q]", f.Name, name), before[name], after[name])...)
	}
	return diffs
}

func labelOf(block reflect.Type) *Field {
	if block.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range Fields(block) {
		if f.Label {
			return &f
		}
	}
	return nil
}

// block returns the struct of a block, or an invalid value where there is none.
func block(v reflect.Value) reflect.Value {
	if v.IsValid() && v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// field returns one attribute of a block, or an invalid value where the block
// or the attribute is not there.
func field(block reflect.Value, f Field) reflect.Value {
	if !block.IsValid() || block.Field(f.Index).IsZero() {
		return reflect.Value{}
	}
	return block.Field(f.Index)
}

func length(list reflect.Value) int {
	if !list.IsValid() {
		return 0
	}
	return list.Len()
}

// items returns the items of a list in words, and nil of anything else.
func items(v reflect.Value) []string {
	if v.Kind() != reflect.Slice {
		return nil
	}
	words := make([]string, v.Len())
	for i := range words {
		words[i] = show(v.Index(i))
	}
	return words
}

// Closed says whether a thing as it was observed may be read by its owner and
// group alone; one without permissions of its own is open.
func Closed(shape any) bool {
	v := reflect.ValueOf(shape)
	if !v.IsValid() || v.IsNil() {
		return false
	}
	for _, f := range Fields(v.Type()) {
		if mode, ok := v.Elem().Field(f.Index).Interface().(*Mode); ok && mode != nil {
			return *mode&0o004 == 0
		}
	}
	return false
}

// Hidden returns the diffs without the texts in them.
func Hidden(diffs []Diff) []Diff {
	hidden := slices.Clone(diffs)
	for i, d := range hidden {
		if d.Text {
			hidden[i].Before, hidden[i].After, hidden[i].Sensitive = Masked, Masked, true
		}
	}
	return hidden
}
