package backoff

import (
	"errors"
	"testing"
	"time"

	"vpnd/internal/resource"
)

func TestFailuresAreTriedAgainLessAndLess(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := NewRetries(func() time.Time { return now }, guards)
	thing := resource.ID{Kind: "file", Name: "/x"}
	for id, most := range map[resource.ID]int{thing: 20, filter: 365} {
		tries := 0
		for range 3600 {
			now = now.Add(time.Second)
			if !r.Early(id) {
				tries++
				r.Tried(id, errors.New("broken"))
			}
		}
		if tries > most || tries < most-5 {
			t.Errorf("%s: %d tries in an hour instead of some %d", id, tries, most)
		}
		if at, ok := r.Next(); !ok || at.Before(now) {
			t.Errorf("%s: the next try is at %v, %v", id, at, ok)
		}
		now = now.Add(time.Hour)
		if at, ok := r.Next(); !ok || !at.Equal(now.Add(overdue)) {
			t.Errorf("%s: one that has to wait for something else is looked at at %v, %v", id, at.Sub(now), ok)
		}
		r.Tried(id, nil)
		if r.Early(id) || r.Last(id) != nil {
			t.Errorf("%s: it worked and passes for broken", id)
		}
	}
	if _, ok := r.Next(); ok {
		t.Error("something is remembered")
	}
}
