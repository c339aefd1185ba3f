package notice

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestWhatIsSaidOfAFile(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	said := make(testimony)
	say := func(by string) { said["/a"] = said["/a"].with(by, now) }
	asked := func(want ...string) {
		t.Helper()
		if got := said.take("/a", now); !slices.Equal(got, want) {
			t.Errorf("%q instead of %q", got, want)
		}
	}
	say("one")
	say("two")
	say("one")
	say("")
	asked("one", "two")
	asked() // it is told once

	say("one")
	now = now.Add(stale + time.Second)
	asked() // and is about something else by then
	say("one")
	now = now.Add(stale + time.Second)
	say("two")
	asked("two")

	for i := range 2 * mostNamed {
		say(fmt.Sprint(i))
	}
	if got := said.take("/a", now); len(got) != mostNamed {
		t.Errorf("%d are named", len(got))
	}
}
