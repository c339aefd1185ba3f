package transaction

import (
	"vpnd/internal/active"
	"vpnd/internal/config"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// What an apply activates is known before its plan: of tens of thousands of things, it
// is made while that looks at the host, which leaves processors idle.

// ahead is what an apply of a whole configuration activates, as it is made.
type ahead struct {
	of   *config.Config
	made chan struct{} // closed once it is
	next *state.Wish
	err  error
}

// Ahead begins to make what an apply of all of a configuration activates. It is for who
// has agreed to that already, before the plan is made; nothing is written.
func (t *Transaction) Ahead(cfg *config.Config) {
	t.ahead.wait()
	store, a := t.store(), &ahead{of: cfg, made: make(chan struct{})}
	t.ahead = a
	go func() {
		defer close(a.made)
		a.next, a.err = active.Next(store, cfg, nil)
		_, _, _ = store.Standing() // it is asked for again, and known then
	}()
}

func (a *ahead) wait() {
	if a != nil {
		<-a.made
	}
}

// nextOf returns what an apply activates.
func (t *Transaction) nextOf(cfg *config.Config, took map[resource.ID]bool) (*state.Wish, error) {
	if took != nil || t.ahead == nil || t.ahead.of != cfg {
		return active.Next(t.store(), cfg, took)
	}
	t.ahead.wait()
	return t.ahead.next, t.ahead.err
}
