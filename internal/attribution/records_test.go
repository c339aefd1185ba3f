package attribution

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWhoChangedAFile(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	all := make(records)
	heard := func(by string) { all["/a"] = all["/a"].with(by, now) }
	asked := func(want ...string) {
		t.Helper()
		if got := all.take("/a", now); !slices.Equal(got, want) {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	heard("one")
	heard("two")
	heard("one")
	heard("")
	asked("one", "two")
	asked() // it is told once

	heard("one")
	now = now.Add(stale + time.Second)
	asked() // and is about something else by then
	heard("one")
	now = now.Add(stale + time.Second)
	heard("two")
	asked("two")

	for i := range 2 * mostNamed {
		heard(fmt.Sprint(i))
	}
	if got := all.take("/a", now); len(got) != mostNamed {
		t.Errorf("%d are named", len(got))
	}
}
