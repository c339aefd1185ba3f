package lab

import (
	"context"
	"errors"
	"testing"
)

// TestPlacesAreTakenInTurn has more labs ask for places than there are: nobody overtakes
// who needs many, who gives up leaves the others theirs, and nobody waits for more than
// there are.
func TestPlacesAreTakenInTurn(t *testing.T) {
	p := places{all: 4, free: 4}
	take := func(ctx context.Context, n int) (served chan error) {
		before := p.queued()
		served = make(chan error, 1)
		go func() {
			got, err := p.take(ctx, n)
			if err == nil && got != min(n, 4) {
				err = errors.New("another number was taken")
			}
			served <- err
		}()
		for len(served) == 0 && p.queued() == before {
		}
		return served
	}
	ok := func(what string, served chan error) {
		t.Helper()
		if err := <-served; err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	ok("three of four", take(t.Context(), 3))
	many := take(t.Context(), 9)
	impatient, gone := context.WithCancel(t.Context())
	left := take(impatient, 2)
	small := take(t.Context(), 1)
	if len(many)+len(left)+len(small) > 0 {
		t.Error("who came later was served before who needs all")
	}
	if n, err := p.take(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("who needs none waits: %d, %v", n, err)
	}
	p.give(3)
	ok("all of them, where there are no more", many)
	gone()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up was told %v", err)
	}
	p.give(4)
	ok("one, after who gave up", small)
	p.give(1)
	if p.free != 4 || len(p.waiting) != 0 {
		t.Errorf("in the end %d of 4 are free, and %d wait", p.free, len(p.waiting))
	}
}

func (p *places) queued() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// A machine as Debian sets it up has room for ten.
func TestRoom(t *testing.T) {
	for instances, want := range map[string]int{"128": 10, "1024": 100, "20": 1, "unknown number": 1} {
		if got := room(instances); got != want {
			t.Errorf("with %s instances of inotify there is room for %d hosts instead of %d", instances, got, want)
		}
	}
}
