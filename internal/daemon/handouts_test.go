package daemon

import (
	"slices"
	"testing"
)

func TestWhoNeedsANewProfileIsToldOnce(t *testing.T) {
	before := []string{"alice"}
	for _, c := range []struct {
		known *[]string
		now   []string
		want  []string
	}{
		{nil, []string{"alice"}, nil}, // at the start of the agent
		{&[]string{}, []string{"alice"}, []string{"alice"}},
		{&before, []string{"alice", "bob"}, []string{"bob"}},
		{&before, nil, nil},
	} {
		if got := newcomers(c.known, c.now); !slices.Equal(got, c.want) {
			t.Errorf("of %v, %v: %v instead of %v", c.known, c.now, got, c.want)
		}
	}
}
