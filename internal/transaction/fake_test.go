package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// errKilled is what ends a transaction as a kill does, wherever it stands.
var errKilled = errors.New("killed")

// thing is the shape of a kind whose host is a map.
type thing struct {
	Text *string `vpnd:"text"`
}

// things are a whole host, of one thing.
type things struct {
	text   string // of the thing; empty where there is none
	refuse bool   // its reader does not take it
	on     func(text string) error
}

func (h *things) Observe(_ context.Context, wants map[string]*thing) (map[string]*thing, error) {
	got := make(map[string]*thing)
	for name := range wants {
		if text := h.text; text != "" {
			got[name] = &thing{&text}
		}
	}
	return got, nil
}

func (h *things) Apply(_ context.Context, items []resource.Item[thing]) error {
	return h.set(*items[0].Want.Text)
}

func (h *things) Remove(context.Context, []string) error { return h.set("") }

func (h *things) set(text string) error {
	if err := h.on(text); err != nil {
		return err
	}
	h.text = text
	return nil
}

// Check is asked by whom the thing is read.
func (h *things) Check(context.Context, string, thing) error {
	if h.refuse {
		return errors.New("its reader refuses it")
	}
	return nil
}

// systemd is one whose timers run by the clock of the test.
type systemd struct {
	ends    time.Time
	enabled func() string // the path of the packaged unit that undoes at boot
	broken  error
}

func (s *systemd) StartTimer(_ context.Context, _ string, after time.Duration, _ []string) error {
	s.ends = time.Now().Add(after)
	return s.broken
}

func (s *systemd) Ticking(context.Context, string) (bool, error) {
	return time.Now().Before(s.ends), nil
}
func (s *systemd) Enabled(context.Context, string) (string, error)  { return s.enabled(), nil }
func (s *systemd) StopTimer(context.Context, string) error          { return nil }
func (s *systemd) Active(context.Context, string) (string, error)   { return "active", nil }
func (s *systemd) Undoing(context.Context) (bool, error)            { return false, nil }
func (s *systemd) Cancel(context.Context, string) error             { return nil }
func (s *systemd) Close()                                           {}
func (s *systemd) connect(context.Context) (confirm.Manager, error) { return s, nil }

// audience are people who hear everything, and type something once they are asked.
type audience struct {
	told    []string
	answers chan string
	onAsk   func(what string)
	events  []Event
}

func (a *audience) Tell(e Event) {
	name := reflect.TypeOf(e).Name()
	a.told, a.events = append(a.told, name), append(a.events, e)
	if (name == "Agree" || name == "Keep") && a.onAsk != nil {
		a.onAsk(name)
	}
}

func (a *audience) Answers() <-chan string { return a.answers }

// rig is a host on which an apply of "1" is kept, and one of "2" is about to be made.
type rig struct {
	*testing.T
	things
	systemd
	audience

	host        *Host
	unreachable bool   // no probe succeeds any more
	check       error  // why the check does not hold
	onCheck     func() // is called before
}

func newRig(t *testing.T) *rig {
	root := testDir(t)
	dir, unit := filepath.Join(root, "state"), filepath.Join(root, "vpnd-rollback.service")
	r := &rig{T: t}
	r.on = func(string) error { return nil }
	r.enabled = func() string { return unit }
	if err := os.WriteFile(unit, []byte("[Unit]\nConditionPathExists=|"+state.PendingPath(dir)+"\nConditionPathExists=|"+state.ReservePath(dir)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	catalog := resource.Catalog{Kinds: []resource.Kind{resource.Define[thing]("thing", "", resource.Traits{}, &r.things)}}
	r.host = &Host{
		Read: state.Read,
		Root: root, Dir: dir, People: &r.audience,
		Engine: func(s *state.Store) *engine.Engine { return &engine.Engine{Catalog: catalog, Store: s, Now: time.Now} },
		Deadline: func(s *state.Store) (*confirm.Deadline, error) {
			return &confirm.Deadline{Store: s, Dir: dir, Root: root, Argv: []string{"/bin/false"}, Connect: r.connect}, nil
		},
		Probes: func(context.Context, func(confirm.Listener) bool) []confirm.Probe {
			return []confirm.Probe{{Name: "the gateway answers", Try: func(context.Context) error {
				if r.unreachable {
					return errors.New("no answer")
				}
				return nil
			}}}
		},
		Checks: func(_ context.Context, checks []settings.Check) []confirm.Failure {
			if r.onCheck != nil {
				r.onCheck()
			}
			if r.check != nil {
				return []confirm.Failure{{Check: checks[0], Err: r.check}}
			}
			return nil
		},
		Changed: func(string) func(engine.Change, error) { return func(engine.Change, error) {} },
	}
	if phase, err := r.apply(context.Background(), "1", Terms{}); phase != Kept || err != nil {
		t.Fatal(phase, err)
	}
	r.forget()
	return r
}

// forget has the next apply come later, and tells nothing of what was.
func (r *rig) forget() {
	time.Sleep(time.Second)
	r.told, r.events = nil, nil
}

func wish(text string) *config.Config {
	cfg := &config.Config{Checks: []settings.Check{{Name: "works"}}}
	cfg.Desired.Present = []resource.Resource{{ID: resource.ID{Kind: "thing", Name: "a"}, Want: &thing{&text}}}
	return cfg
}

// apply makes the thing say that, on terms. Nobody asks for a yes unless somebody is
// there to answer.
func (r *rig) apply(ctx context.Context, text string, terms Terms) (phase Phase, err error) {
	defer r.survive(&err)
	terms.Config = wish(text)
	t, p, err := r.host.Agree(ctx, r.answers == nil, func(t *Transaction) (*engine.Plan, error) {
		if err := t.Settled(); err != nil {
			return nil, err
		}
		if r.answers == nil {
			t.Ahead(terms.Config)
		}
		return t.Engine.Plan(ctx, terms.Config.Desired)
	})
	if err != nil {
		return "", err
	}
	defer t.Close()
	return t.Apply(ctx, p, terms)
}

// survive is what is left of a process after a kill: its error.
func (r *rig) survive(err *error) {
	if died := recover(); died != nil {
		if died != errKilled {
			panic(died)
		}
		*err = errKilled
	}
}

// within carries something out under the lock, as a command of its own does.
func (r *rig) within(do func(context.Context, *Transaction) error) error {
	ctx := context.Background()
	t, err := r.host.Begin(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	return do(ctx, t)
}

// rollback undoes by hand.
func (r *rig) rollback() error {
	return r.within(func(ctx context.Context, t *Transaction) error {
		u, err := t.PlanUndo(ctx, "", false)
		if err != nil {
			return err
		}
		return t.CarryBack(ctx, u, ByHand)
	})
}

// disk is what the state holds, in words.
func (r *rig) disk() string {
	store, err := state.Read(r.host.Dir)
	if err != nil {
		r.Fatal(err)
	}
	var words []string
	active, err := store.Wish()
	if err != nil {
		r.Fatal(err)
	}
	if active != nil {
		for _, was := range active.Present {
			words = append(words, fmt.Sprintf("active %s", strings.Trim(string(was.Shape), `{}"tex:`)))
		}
	}
	all, err := store.Snapshots()
	if err != nil {
		r.Fatal(err)
	}
	if len(all) > 1 {
		words = append(words, "snapshot")
	}
	if _, err := os.Stat(filepath.Join(r.host.Dir, "reserve")); err == nil {
		words = append(words, "reserve")
	}
	p, err := store.Pending()
	if err != nil {
		r.Fatal(err)
	}
	if p != nil {
		words = append(words, "pending")
	}
	if p != nil && p.Begun() {
		words = append(words, fmt.Sprintf("tries %d", p.Tries))
	}
	if h, err := store.Suppression(); err != nil || h != nil {
		words = append(words, "suppressed")
	}
	if state.Locked(r.host.Dir) {
		words = append(words, "locked")
	}
	return strings.Join(words, ", ")
}

// types has somebody answer what is asked, in turn; at the end nobody types any more.
func (r *rig) types(answers ...string) {
	r.answers = make(chan string)
	go func() {
		defer close(r.answers)
		for _, a := range answers {
			select {
			case r.answers <- a:
			case <-r.Context().Done():
				return // nobody asked
			}
		}
	}()
}

// testDir returns a directory in memory where there is one: what is tested is not
// the disk.
func testDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "vpnd-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
