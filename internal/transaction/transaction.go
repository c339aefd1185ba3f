// Package transaction changes a host so that it can be undone: apply, confirm,
// undo and destroy, without a terminal. Who calls it says what is wished and on
// which terms; whom it talks to are [People].
//
// An apply goes through phases. Each has on disk what the next vpnd needs that
// finds it, so that a kill anywhere leaves the host either undone in time or kept:
//
//	phase       on disk besides the records         what moves it on
//	planned     nothing, and nobody has the lock    a person says yes; a host that changed plans it anew
//	agreed      the lock                            the readers of what changes: one refuses, and nothing was touched
//	armed       + snapshot, reserve, pending, timer the active configuration is written; a failure drops all of that
//	working     + active configuration              a failed change, a signal or the deadline undoes it
//	proving     the same                            a probe or a check that fails undoes it
//	waiting     the same, without the lock          vpnd confirm, a no, the deadline, the next boot
//	undoing     pending with its tries, the lock    it ends; or is tried again, by the timer or by hand
//	kept        snapshot, active configuration      vpnd rollback
//	undone      what was undone is suppressed       the next apply
//	abandoned   snapshot, whatever is undone        vpnd rollback, vpnd apply
//
// Without --confirm nothing is armed but the snapshot, and what failed is undone
// only where the terms say so: else it has failed, and stays as far as it came.
// Armed comes before the first change, and the active configuration after what
// undoes it, since an agent would go on with it after a kill in between. An undo
// first has the agent do nothing again of what it takes back, goes back then, ends
// the waiting, and drops the snapshot last.
package transaction

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/state"
)

// A Phase is how far an apply is.
type Phase string

// The phases at which an apply returns.
const (
	Failed  Phase = "failed"  // not all was done, and that was told; what was done stays
	Waiting Phase = "waiting" // for confirmation
	Kept    Phase = "kept"
	Undone  Phase = "undone"
)

// ErrTold is an error that people were told of already.
var ErrTold = errors.New("it was told what went wrong")

// A Host is where transactions take place, and with what.
type Host struct {
	Root     string                                                                        // below which its files are; "/" for the host that runs
	Dir      string                                                                        // of the state
	Caller   string                                                                        // the person who called; empty where none did
	Read     func(dir string) (*state.Store, error)                                        // the state, for looking only; it may have begun before
	Engine   func(*state.Store) *engine.Engine                                             // that converges it, its clock included
	Deadline func(*state.Store) (*confirm.Deadline, error)                                 // that undoes an apply which nobody confirms
	Probes   func(ctx context.Context, leaves func(confirm.Listener) bool) []confirm.Probe // that may tell whether it can be reached
	Checks   func(ctx context.Context, checks []settings.Check) []confirm.Failure          // of those that do not hold
	Changed  func(command string) func(engine.Change, error)                               // is told of each change
	People   People

	known *state.Store // closed; nil where nobody has read it
}

// lockWait is how long is waited for another vpnd to end.
const lockWait = 30 * time.Second

// A Transaction has the state of a host open for changing, under its lock.
type Transaction struct {
	Engine *engine.Engine
	host   *Host
	unlock func()
	ahead  *ahead // nil where nothing is made ahead
}

// Begin takes the lock and opens the state. The caller closes the transaction.
func (h *Host) Begin(ctx context.Context) (*Transaction, error) {
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := state.Lock(wait, h.Dir)
	if err != nil {
		return nil, err
	}
	store, err := h.open()
	if err != nil {
		unlock()
		return nil, err
	}
	t := &Transaction{Engine: h.Engine(store), host: h, unlock: unlock}
	if err := t.Engine.SetApart(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// open opens the state for changing. Of one that was read before, it reads only what
// others have written since.
func (h *Host) open() (*state.Store, error) {
	store := h.known
	h.known = nil
	if store == nil {
		return state.Open(h.Dir)
	}
	return store, store.Reopen()
}

// Close gives the lock back; twice does no harm.
func (t *Transaction) Close() {
	if t.unlock == nil {
		return
	}
	t.ahead.wait()
	if t.Engine.Store.Close() == nil {
		t.host.known = t.Engine.Store
	}
	t.unlock()
	t.unlock = nil
}

func (t *Transaction) store() *state.Store { return t.Engine.Store }

func (t *Transaction) tell(e Event) { t.host.People.Tell(e) }

// Settled is an error where the last apply of the host may yet be undone: what would
// be undone after another change?
func (t *Transaction) Settled() error {
	p, err := t.store().Pending()
	switch {
	case p == nil || err != nil:
		return err
	case p.Late(t.Engine.Now()):
		return fmt.Errorf("the undo of an apply has not come to its end; vpnd rollback goes on with it, and says what stands against it; %s", WayOut)
	}
	return fmt.Errorf("an apply waits for confirmation until %s; keep it with vpnd confirm, or undo it with vpnd rollback, and then go on", clock(p.Deadline))
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }
