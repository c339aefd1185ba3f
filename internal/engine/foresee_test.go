package engine

import (
	"context"
	"slices"
	"testing"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// foreseen are things that are read ahead.
type foreseen struct {
	resource.Verbs[thing]
	told *[]string
}

func (s foreseen) Foresee(_ context.Context, names []string) { *s.told = append(*s.told, names...) }

// Only what is on record is foreseen, and of an image nothing that only a host has. What
// comes on record while the host is read is none of it.
func TestWhatIsOnRecordIsForeseen(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	put := func(kind, name string) {
		if err := store.Commit(state.Fact{Put: &state.Record{ID: resource.ID{Kind: kind, Name: name}}}); err != nil {
			t.Fatal(err)
		}
	}
	put("seen", "a")
	put("seen", "b")
	put("blind", "c")
	var told []string
	kinds := resource.Catalog{Kinds: []resource.Kind{
		resource.Define[thing]("seen", "", resource.Traits{NeedsHost: true}, foreseen{told: &told}),
		resource.Define[thing]("none", "", resource.Traits{}, foreseen{told: &told}),
	}}
	read := Foresee(kinds, store)
	put("seen", "d")
	if read(t.Context()); !slices.Equal(told, []string{"a", "b"}) {
		t.Errorf("%q", told)
	}
	told, kinds.Image = nil, true
	if Foresee(kinds, store)(t.Context()); told != nil {
		t.Errorf("of an image: %q", told)
	}
}
