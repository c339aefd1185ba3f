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

// Only what is on record is foreseen, and of an image nothing that only a host has.
func TestWhatIsOnRecordIsForeseen(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, id := range []resource.ID{{Kind: "seen", Name: "a"}, {Kind: "seen", Name: "b"}, {Kind: "blind", Name: "c"}} {
		if err := store.Commit(state.Fact{Put: &state.Record{ID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	kinds := resource.Catalog{Kinds: []resource.Kind{
		resource.Define[thing]("seen", "", resource.Traits{NeedsHost: true}, foreseen{told: &told}),
		resource.Define[thing]("none", "", resource.Traits{}, foreseen{told: &told}),
	}}
	if Foresee(t.Context(), kinds, store); !slices.Equal(told, []string{"a", "b"}) {
		t.Errorf("%q", told)
	}
	told, kinds.Image = nil, true
	if Foresee(t.Context(), kinds, store); told != nil {
		t.Errorf("of an image: %q", told)
	}
}
