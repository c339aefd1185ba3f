package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"vpnd/internal/catalog"
	"vpnd/internal/confirm"
	kindpki "vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/pki"
)

// thing is the shape of a kind whose host is a map.
type thing struct {
	Text *string `vpnd:"text"`
}

// errKilled is what a step panics with where the process is to die.
var errKilled = errors.New("killed")

// things are a whole host, but for a PKI, which is real.
type things struct {
	texts  map[string]string
	broken map[string]bool // names whose changes fail
	hidden bool            // the tool that shows rules is missing
	steps  int             // after so many the process dies; 0 is never
	fails  func()          // is called once in place of a change, which fails; nil is never
}

func (h *things) step() {
	if h.steps > 0 {
		if h.steps--; h.steps == 0 {
			panic(errKilled)
		}
	}
}

func (h *things) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *thing) (*thing, error) { return h.observe(ctx, name) })
}

func (h *things) Apply(ctx context.Context, items []resource.Item[thing]) error {
	return resource.ApplyEach(items, func(i resource.Item[thing]) error { return h.apply(ctx, i.Name, i.Got, i.Want) })
}

func (h *things) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return h.remove(ctx, name) })
}

func (h *things) observe(_ context.Context, name string) (*thing, error) {
	text, ok := h.texts[name]
	if !ok {
		return nil, nil
	}
	return &thing{Text: &text}, nil
}

func (h *things) apply(_ context.Context, name string, _ *thing, want thing) error {
	h.step()
	if fails := h.fails; fails != nil {
		h.fails = nil
		fails()
		return errors.New("it fails")
	}
	if h.broken[name] {
		return errors.New("it is broken")
	}
	h.texts[name] = *want.Text
	h.step()
	return nil
}

func (h *things) remove(_ context.Context, name string) error {
	h.step()
	if h.broken[name] {
		return errors.New("it is broken")
	}
	delete(h.texts, name)
	h.step()
	return nil
}

// Check refuses what no reader would take.
func (h *things) Check(_ context.Context, name string, _ thing) error {
	if h.broken["reader of "+name] {
		return errors.New("its reader refuses it")
	}
	return nil
}

// rules are things that a program shows.
type rules struct{ *things }

func (r rules) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *thing) (*thing, error) { return r.observe(ctx, name) })
}

func (r rules) Apply(ctx context.Context, items []resource.Item[thing]) error {
	return resource.ApplyEach(items, func(i resource.Item[thing]) error { return r.apply(ctx, i.Name, i.Got, i.Want) })
}

func (r rules) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return r.remove(ctx, name) })
}

func (r rules) observe(ctx context.Context, name string) (*thing, error) {
	if r.hidden {
		return nil, fmt.Errorf("iptables is not installed: %w", resource.ErrNoTool)
	}
	return r.things.observe(ctx, name)
}

func (r rules) apply(ctx context.Context, name string, got *thing, want thing) error {
	if r.hidden {
		return resource.ErrNoTool
	}
	return r.things.apply(ctx, name, got, want)
}

func (r rules) remove(ctx context.Context, name string) error {
	if r.hidden {
		return resource.ErrNoTool
	}
	return r.things.remove(ctx, name)
}

// timers are those of a systemd whose time stands still until somebody says so.
type timers struct {
	over bool
	unit string // of the package, which undoes at boot
}

func (m *timers) StartTimer(context.Context, string, time.Duration, []string) error {
	m.over = false
	return nil
}
func (m *timers) StopTimer(context.Context, string) error          { return nil }
func (m *timers) Ticking(context.Context, string) (bool, error)    { return !m.over, nil }
func (m *timers) Enabled(context.Context, string) (string, error)  { return m.unit, nil }
func (m *timers) Active(context.Context, string) (string, error)   { return "active", nil }
func (m *timers) Undoing(context.Context) (bool, error)            { return false, nil }
func (m *timers) Cancel(context.Context, string) error             { return nil }
func (m *timers) Close()                                           {}
func (m *timers) connect(context.Context) (confirm.Manager, error) { return m, nil }

// rig is the command line on a host of things.
type rig struct {
	*things
	*timers
	dir string
	out bytes.Buffer // of the last command

	later time.Duration // how far its clock is ahead
}

// newRig makes an empty host in a directory. It needs root, as whoever gives files
// of a PKI to root does.
func newRig(dir string) (*rig, error) {
	r := &rig{
		things: &things{texts: make(map[string]string), broken: make(map[string]bool)},
		timers: &timers{unit: filepath.Join(dir, "vpnd-rollback.service")}, dir: dir,
	}
	unit := "[Unit]\n"
	for _, name := range []string{"pending.json", "reserve"} {
		unit += "ConditionPathExists=|" + filepath.Join(dir, "state", name) + "\n"
	}
	return r, os.WriteFile(r.unit, []byte(unit), 0o600)
}

func (r *rig) kinds(catalog.Options) resource.Catalog {
	host := kindpki.Host{Root: "/", Clock: func() time.Time { return time.Now().Add(r.later) }, Rand: rand.Reader}
	real := catalog.New(catalog.Options{Root: "/"})
	c := resource.Catalog{
		Kinds:      append(kindpki.Kinds(host), resource.Define[thing]("thing", "", resource.Traits{}, r.things), resource.Define[thing]("rules", "", resource.Traits{}, rules{r.things})),
		Composites: []resource.Composite{resource.Compose[pki.PKI]("pki", "")},
	}
	for _, name := range []string{"directory", "file"} {
		if k, ok := real.Kind(name); ok {
			c.Kinds = append(c.Kinds, k)
		}
	}
	return c
}

// run runs a command, which may die in the middle, and returns its exit status.
func (r *rig) run(args ...string) (code int, killed bool) {
	r.out.Reset()
	a := &app{terminal: terminal{Streams: Streams{In: &bytes.Buffer{}, Out: &r.out, Err: &r.out}}, kinds: r.kinds, systemd: r.connect}
	defer func() {
		if died := recover(); died != nil {
			if died != errKilled {
				panic(died)
			}
			r.steps, killed = 0, true
		}
	}()
	args = append(args, "--config", filepath.Join(r.dir, "vpn.hcl"), "--state-dir", filepath.Join(r.dir, "state"), "--run-dir", filepath.Join(r.dir, "run"))
	return a.run(context.Background(), args), false
}

// write writes the configuration.
func (r *rig) write(text string) error {
	return os.WriteFile(filepath.Join(r.dir, "vpn.hcl"), []byte(text), 0o600)
}

// now is the host of things.
func (r *rig) now() map[string]string { return maps.Clone(r.texts) }

// testDir returns a directory in memory where there is one: what is tested is not
// the disk.
func testDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "vpnd-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
