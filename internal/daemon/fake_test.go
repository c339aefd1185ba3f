package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/active"
	"vpnd/internal/catalog"
	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// thing is the shape of a kind whose host is a map.
type thing struct {
	Text *string `vpnd:"text"`
	why  string  // of a tunnel that is down, whatever its text
}

// Tunnels says that a thing of that text is a tunnel that is up.
func (t *thing) Tunnels() []resource.TunnelState {
	return []resource.TunnelState{{Up: *t.Text == "up" && t.why == "", Attached: true, Why: t.why}}
}

// host is a host of things. Whoever changes it calls touch.
type host struct {
	mu      sync.Mutex
	things  map[string]string
	kicks   []func(resource.Hint) // one a kind
	log     []string
	broken  map[string]bool
	slow    time.Duration // how long an Apply takes
	starts  time.Duration // how long that of a unit takes
	looking time.Duration // how long it takes to look at "large"
	looks   int
	seen    map[string]bool   // since somebody cleared it
	cut     map[string]string // tunnels that are down, and why
	hidden  map[string]string // what can't be looked at, and why
	refuses string            // a name
	rejects string            // another one, that its program would not take
	faults  chan error        // what a watcher ends with; of the bubble

	prepares atomic.Bool // it was told that it may
}

func (h *host) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *thing) (*thing, error) { return h.observe(ctx, name) })
}

func (h *host) Apply(ctx context.Context, items []resource.Item[thing]) error {
	return resource.ApplyEach(items, func(i resource.Item[thing]) error { return h.apply(ctx, i.Name, i.Got, i.Want) })
}

func (h *host) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return h.remove(ctx, name) })
}

func (h *host) observe(_ context.Context, name string) (*thing, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if looking := h.looking; name == "large" {
		h.mu.Unlock()
		time.Sleep(looking)
		h.mu.Lock()
	}
	h.looks++
	if h.seen != nil {
		h.seen[name] = true
	}
	if why, ok := h.hidden[name]; ok {
		return nil, errors.New(why)
	}
	text, ok := h.things[name]
	if !ok {
		return nil, nil
	}
	return &thing{Text: &text, why: h.cut[name]}, nil
}

// Normalize refuses what no host would take, and what this one won't.
func (h *host) Normalize(_ context.Context, wants map[string]*thing) (map[string]*thing, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for name, want := range wants {
		if *want.Text == "refused" || name == h.refuses {
			errs = append(errs, &resource.NameError{Name: name, Err: errors.New("the kernel refuses this")})
		}
	}
	return wants, errors.Join(errs...)
}

func (h *host) MayPrepare(may bool) { h.prepares.Store(may) }

func (h *host) apply(ctx context.Context, name string, _ *thing, want thing) error {
	h.mu.Lock()
	slow := h.slow
	if strings.HasSuffix(name, ".service") {
		slow += h.starts
	}
	h.mu.Unlock()
	time.Sleep(slow)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken[name] {
		return errors.New("it is broken")
	}
	h.log = append(h.log, name)
	h.things[name] = *want.Text
	for _, kick := range h.kicks { // its own change is heard as any other
		kick(resource.Hint{Name: name})
	}
	return nil
}

func (h *host) Refresh(_ context.Context, name string, _ thing, _ resource.Effect) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, "restarted:"+name)
	return nil
}

func (h *host) remove(_ context.Context, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.things, name)
	return nil
}

func (h *host) Watch(ctx context.Context, _ []string, kick func(resource.Hint)) error {
	h.mu.Lock()
	h.kicks = append(h.kicks, kick)
	h.mu.Unlock()
	kick(resource.Hint{})
	select {
	case <-ctx.Done():
		return nil
	case err := <-h.faults:
		return err
	}
}

// texts are things that a program reads.
type texts struct{ *host }

func (x texts) Check(_ context.Context, name string, _ thing) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if name == x.rejects {
		return errors.New("its program refuses this")
	}
	return nil
}

// alter changes the host while nobody looks.
func (h *host) alter(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do()
}

// touch is another program at work.
func (h *host) touch(name, text, by string) {
	h.mu.Lock()
	h.things[name] = text
	kicks := h.kicks
	h.mu.Unlock()
	for _, kick := range kicks {
		kick(resource.Hint{Name: name, By: by})
	}
}

func (h *host) text(name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.things[name]
}

func (h *host) looked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.looks
}

func (h *host) took() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := strings.Join(h.log, " ")
	h.log = nil
	return s
}

// notebook is a buffer for several hands.
type notebook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// real has the catalog of vpnd.
var real = Options{Catalog: catalog.New(catalog.Options{Root: "/"})}

// like is a kind that is what the one of that name is, and whose host is a map.
func (h *host) like(kind string) resource.Kind {
	return resource.Define(kind, "", real.Catalog.Traits(kind), h)
}

// rig is an agent on a host of things, in a bubble of synctest: time passes at
// once where everybody waits.
type rig struct {
	*testing.T
	*host
	Options

	mu        sync.Mutex
	cfg       *config.Config
	diags     hcl.Diagnostics
	told      []string
	busy      string
	boots     bool
	hups      chan os.Signal
	logs      notebook
	kickState func()
	kickFiles func()
	end       context.CancelFunc
	ended     chan error
}

func bubble(t *testing.T, test func(r *rig)) {
	t.Helper()
	dir := t.TempDir() // outside, or its cleanup would be the bubble's
	synctest.Test(t, func(t *testing.T) {
		r := &rig{T: t, host: &host{things: map[string]string{}, broken: map[string]bool{}}, hups: make(chan os.Signal, 1)}
		r.wish(map[string]string{"a": "1", "b": "1"})
		r.Options = Options{
			Catalog: resource.Catalog{Kinds: []resource.Kind{
				resource.Define("thing", "", resource.Traits{}, texts{r.host}), r.like("chain"), r.like("unit"), r.like("sysctl"), r.like("tun"),
			}},
			Load:     func() (*config.Config, hcl.Diagnostics) { r.mu.Lock(); defer r.mu.Unlock(); return r.cfg, r.diags },
			StateDir: dir + "/state", RunDir: dir + "/run", Version: "1",
			Log:    slog.New(slog.NewTextHandler(&r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Reload: r.hups,
			Paths:  []string{dir + "/etc"},
			Service: Service{
				Tell:    func(s string) { r.mu.Lock(); r.told = append(r.told, s); r.mu.Unlock() },
				Booting: func(context.Context) bool { r.mu.Lock(); defer r.mu.Unlock(); return r.boots },
				Alive:   3 * time.Minute,
			},
			Host: Host{
				Busy: func() string { r.mu.Lock(); defer r.mu.Unlock(); return r.busy },
				Files: func(ctx context.Context, paths []string, kick func()) error {
					r.mu.Lock()
					if paths[0] == dir+"/etc/" {
						r.kickFiles = kick
					} else {
						r.kickState = kick
					}
					r.mu.Unlock()
					kick()
					<-ctx.Done()
					return nil
				},
			},
		}
		test(r)
		r.stop()
	})
}

// wish makes the files ask for things: kind/name to text, thing being the kind
// where none is given.
func (r *rig) wish(texts map[string]string, set ...func(*settings.Settings)) {
	cfg := &config.Config{}
	for name, text := range texts {
		id := resource.ID{Kind: "thing", Name: name}
		if kind, rest, ok := strings.Cut(name, ":"); ok {
			id = resource.ID{Kind: kind, Name: rest}
		}
		cfg.Desired.Present = append(cfg.Desired.Present, resource.Resource{
			ID: id, Want: &thing{Text: &text}, Owners: []resource.Owner{{Block: resource.ID{Kind: "block", Name: "b"}}},
		})
	}
	slices.SortFunc(cfg.Desired.Present, func(a, b resource.Resource) int { return a.ID.Compare(b.ID) })
	for _, s := range set {
		s(&cfg.Settings)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg, r.diags = cfg, nil
}

// edited has the agent hear that the files were edited, and tell of it.
func (r *rig) edited() {
	r.mu.Lock()
	kick := r.kickFiles
	r.mu.Unlock()
	kick()
	r.rest()
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.end, r.ended = cancel, make(chan error, 1)
	ended := r.ended
	go func() { ended <- Run(ctx, r.Options) }()
	r.rest()
}

func (r *rig) stop() {
	r.Helper()
	if r.end == nil {
		return
	}
	r.end()
	r.end = nil
	if err := <-r.ended; err != nil {
		r.Error(err)
	}
}

// rest lets the agent come to rest after what happened.
func (r *rig) rest() { time.Sleep(2 * time.Second); synctest.Wait() }

func (r *rig) reload() {
	r.hups <- os.Interrupt
	r.rest()
}

func (r *rig) status() *status.Status {
	r.Helper()
	s, err := status.Read(r.RunDir)
	if err != nil || s == nil {
		r.Fatalf("no status: %v", err)
	}
	return s
}

// want wants things to be so on the host.
func (r *rig) want(texts map[string]string) {
	r.Helper()
	for name, text := range texts {
		if got := r.text(name); got != text {
			r.Errorf("%s is %q instead of %q\n%s", name, got, text, r.logs.String())
		}
	}
}

// choose changes what the rig tells the agent.
func (r *rig) choose(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

func (r *rig) logged(words string) int { return strings.Count(r.logs.String(), words) }

func (r *rig) everTold(words string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.told, "\n"), words)
}

// activate makes a configuration active, or what took part of it, as vpnd apply does.
func activate(store *state.Store, cfg *config.Config, took map[resource.ID]bool) error {
	w, err := active.Next(store, cfg, took)
	if err != nil {
		return err
	}
	return active.Activate(store, w, time.Now())
}

// as does what another vpnd would, under the lock. Who is to hold that longer is
// handed its end.
func (r *rig) as(do func(e *engine.Engine) error, longer ...func(unlock func())) {
	r.Helper()
	unlock, err := state.Lock(r.Context(), r.StateDir)
	if err != nil {
		r.Fatal(err)
	}
	for _, hold := range longer {
		hold(unlock)
	}
	if len(longer) == 0 {
		defer unlock()
	}
	store, err := state.Open(r.StateDir)
	if err != nil {
		r.Fatal(err)
	}
	defer store.Close()
	if err := do(&engine.Engine{Catalog: r.Catalog, Store: store, Now: time.Now}); err != nil {
		r.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kickState != nil {
		r.kickState()
	}
}

// observe has the files ask for nothing but looks.
func observe(s *settings.Settings) { s.Mode = resource.Ptr("observe") }
