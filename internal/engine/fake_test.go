package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// thing is the shape of a kind whose host is a map.
type thing struct {
	Text   *string          `vpnd:"text"`
	Mode   *string          `vpnd:"mode,meta"`
	Secret *resource.Secret `vpnd:"secret"`
	Active *bool            `vpnd:"active,runs"`
	From   *string          `vpnd:"from,hint"` // follows another thing's text
	Same   *bool            `vpnd:"current,computed"`

	Beside map[string]string `vpnd:"beside,shared"`
}

// Aside says that what is aside stands aside.
func (t *thing) Aside() bool { return t.Text != nil && *t.Text == "aside" }

// killed is what a step panics with when the process is to die there.
var errKilled = errors.New("killed")

// host is a whole host of things, and a log of what was done to it.
type host struct {
	mu     sync.Mutex // where somebody repairs while a step takes long
	things map[string]thing
	log    []string
	stale  map[string]bool // readers that have not noticed a change
	broken map[string]bool // names whose Apply fails, and touches nothing
	torn   map[string]bool // names whose Apply fails in the middle
	dies   string          // of this text of the thing conf, the reader
	half   map[string]bool // names beside which something half written lies
	since  map[string]time.Time
	gate   chan struct{} // what is called slow is not applied, and "slow to see" not observed, before it is closed
	steps  int           // after so many steps the process dies; 0 means never
}

func newHost() *host {
	return &host{things: map[string]thing{}, stale: map[string]bool{}, broken: map[string]bool{}, torn: map[string]bool{}, half: map[string]bool{}, since: map[string]time.Time{}}
}

func (h *host) step() {
	if h.steps > 0 {
		if h.steps--; h.steps == 0 {
			panic(errKilled)
		}
	}
}

func (h *host) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, want *thing) (*thing, error) {
		got, err := h.observe(ctx, name)
		if got != nil && want != nil && want.Secret == nil {
			got.Secret = nil // see Complete
		}
		if got != nil && want != nil && want.From != nil {
			got.From = want.From // which nobody sees: it is repeated
		}
		return got, err
	})
}

// Complete fills in the secret, which Observe tells of only where it is asked for.
func (h *host) Complete(name string, got *thing) error {
	if strings.HasPrefix(name, "vanishing") {
		return fs.ErrNotExist
	}
	if t, ok := h.things[name]; ok && got.Secret == nil {
		got.Secret = t.Secret
	}
	return nil
}

func (h *host) Apply(ctx context.Context, items []resource.Item[thing]) error {
	return resource.ApplyEach(items, func(i resource.Item[thing]) error { return h.apply(ctx, i.Name, i.Got, i.Want) })
}

func (h *host) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return h.remove(ctx, name) })
}

func (h *host) observe(_ context.Context, name string) (*thing, error) {
	if name == "slow to see" && h.gate != nil {
		<-h.gate
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasPrefix(name, "unreadable") {
		return nil, fs.ErrPermission
	}
	t, ok := h.things[name]
	if !ok {
		return nil, nil
	}
	same := t.From == nil || h.things[*t.From].Text != nil && *t.Text == *h.things[*t.From].Text
	t.Same = &same
	return &t, nil
}

func (h *host) Normalize(_ context.Context, wants map[string]*thing) (map[string]*thing, error) {
	var errs []error
	for name, want := range wants {
		if want.Text != nil && *want.Text == "refused" {
			errs = append(errs, &resource.NameError{Name: name, Err: errors.New("the kernel refuses this")})
		}
		if want.From != nil {
			c := *want
			c.Same = resource.Ptr(true)
			wants[name] = &c
		}
	}
	return wants, errors.Join(errs...)
}

func (h *host) apply(_ context.Context, name string, got *thing, want thing) error {
	if name == "slow" && h.gate != nil {
		<-h.gate
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.half[name] = true
	h.step()
	delete(h.half, name)
	if h.broken[name] {
		return errors.New("it is broken")
	}
	t := h.things[name]
	if got == nil {
		t = thing{Text: resource.Ptr(""), Mode: resource.Ptr("0644"), Secret: resource.NewSecret(""), Active: resource.Ptr(false)}
	}
	if want.From != nil {
		t.From, t.Text = want.From, h.things[*want.From].Text
	}
	if want.Text != nil {
		t.Text = want.Text
	}
	if want.Mode != nil {
		t.Mode = want.Mode
	}
	if h.torn[name] {
		t.Text = resource.Ptr("half")
		h.things[name] = t
		return errors.New("it broke off")
	}
	if want.Secret != nil {
		t.Secret = want.Secret
	}
	if want.Beside != nil {
		t.Beside = want.Beside
	}
	if name == "reader" && h.dead() {
		t.Active = resource.Ptr(false)
		h.things[name] = t
		return errors.New("it does not start")
	}
	if want.Active != nil {
		if *want.Active && !*t.Active {
			delete(h.stale, name)
		}
		t.Active = want.Active
	}
	if running := h.things["reader"].Active; running != nil && *running && (got == nil || !resource.Equal(got.Text, t.Text)) {
		h.stale["reader"] = name != "reader"
	}
	h.things[name] = t
	h.log = append(h.log, "apply "+name)
	h.step()
	return nil
}

func (h *host) remove(_ context.Context, name string) error {
	h.step()
	delete(h.half, name)
	if h.broken[name] {
		return errors.New("it is broken")
	}
	delete(h.things, name)
	delete(h.stale, name)
	h.log = append(h.log, "remove "+name)
	h.step()
	return nil
}

func (h *host) Tidy(name string, _ thing) error {
	delete(h.half, name)
	h.step()
	return nil
}

func (h *host) Refresh(_ context.Context, name string, _ thing, how resource.Effect) error {
	h.step()
	delete(h.stale, name)
	h.log = append(h.log, how.String()+" "+name)
	h.step()
	if name == "reader" && h.dead() {
		t := h.things[name]
		t.Active = resource.Ptr(false)
		h.things[name] = t
		return errors.New("it does not start")
	}
	return nil
}

// dead says whether the reader can't live with what it reads.
func (h *host) dead() bool {
	conf, ok := h.things["conf"]
	return h.dies != "" && ok && *conf.Text == h.dies
}

func (h *host) Since(_ context.Context, name string) (time.Time, error) { return h.since[name], nil }

func (h *host) took() string {
	s := strings.Join(h.log, "; ")
	h.log = nil
	return s
}

// rig is an engine on a host of things, its state in a directory of the test.
type rig struct {
	*testing.T
	*host
	dir  string
	time time.Time
	more []resource.Kind // besides things
}

func newRig(t *testing.T) *rig {
	return &rig{T: t, host: newHost(), dir: filepath.Join(t.TempDir(), "state"), time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// engine starts anew, as after a kill: all it knows is on disk.
func (r *rig) engine() *Engine {
	r.Helper()
	store, err := state.Open(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = store.Close() })
	return &Engine{
		Catalog: resource.Catalog{Kinds: append([]resource.Kind{resource.Define("thing", "", resource.Traits{Path: true}, r.host)}, r.more...)},
		Store:   store,
		Now:     func() time.Time { r.time = r.time.Add(time.Second); return r.time },
	}
}

func id(name string) resource.ID { return resource.ID{Kind: "thing", Name: name} }

func owner(block string) []resource.Owner {
	return []resource.Owner{{Block: resource.ID{Kind: "block", Name: block}, File: "vpn.hcl", Line: 1}}
}

// wish is a resource named name, asked for by the block b.
func wish(name string, want thing, after ...string) resource.Resource {
	r := resource.Resource{ID: id(name), Want: &want, Owners: owner("b")}
	for _, a := range after {
		r.After = append(r.After, id(a))
	}
	return r
}

func text(s string) thing { return thing{Text: &s} }

func (r *rig) plan(rs ...resource.Resource) *Plan {
	r.Helper()
	e := r.engine()
	p, err := e.Plan(context.Background(), resource.Desired{Present: rs, Absent: e.Leftovers(rs)})
	if err != nil {
		r.Fatal(err)
	}
	return p
}

func (r *rig) apply(rs ...resource.Resource) Report {
	r.Helper()
	e := r.engine()
	p, err := e.Plan(context.Background(), resource.Desired{Present: rs, Absent: e.Leftovers(rs)})
	if err != nil {
		r.Fatal(err)
	}
	return e.Apply(context.Background(), p)
}

// converge applies, wants no error, and wants the next plan empty.
func (r *rig) converge(rs ...resource.Resource) Report {
	r.Helper()
	report := r.apply(rs...)
	if err := report.Failed(); err != nil {
		r.Fatal(err)
	}
	if p := r.plan(rs...); len(p.Changes) > 0 {
		r.Fatalf("the plan after the apply is not empty: %s", told(p))
	}
	return report
}

func told(p *Plan) string {
	var lines []string
	for _, c := range p.Changes {
		lines = append(lines, fmt.Sprintf("%s %s (%s)", c.Action, c.ID.Name, c.Reason))
	}
	for _, problem := range p.Problems {
		lines = append(lines, "unknown "+problem.ID.Name)
	}
	return strings.Join(lines, "; ")
}

func (h *host) texts() map[string]string {
	texts := make(map[string]string)
	for name, t := range maps.All(h.things) {
		texts[name] = *t.Text
	}
	return texts
}
