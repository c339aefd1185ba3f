package internal_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/catalog"
	"vpnd/internal/config"
	"vpnd/internal/config/explain"
	"vpnd/internal/daemon"
	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// Name is the shape of a kind that vpnd does not have: a line of /etc/hosts.
type Name struct {
	Address *string `vpnd:"address,required" doc:"address that the name stands for"`
}

// hostNames are its verbs, all there is to it.
type hostNames struct{ hosts string }

func (n hostNames) lines() ([]string, error) {
	data, err := os.ReadFile(n.hosts)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.Collect(strings.Lines(string(data))), err
}

func (n hostNames) Observe(ctx context.Context, wants map[string]*Name) (map[string]*Name, error) {
	lines, err := n.lines()
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *Name) (*Name, error) {
		for _, line := range lines {
			if words := strings.Fields(line); len(words) == 2 && words[1] == name {
				return &Name{Address: &words[0]}, nil
			}
		}
		return nil, nil
	})
}

func (n hostNames) Apply(ctx context.Context, items []resource.Item[Name]) error {
	return resource.ApplyEach(items, func(i resource.Item[Name]) error {
		return n.write(i.Name, *i.Want.Address+" "+i.Name+"\n")
	})
}

func (n hostNames) Remove(_ context.Context, all []string) error {
	return resource.RemoveEach(all, func(name string) error { return n.write(name, "") })
}

// write puts a line in the place of that of the name.
func (n hostNames) write(name, line string) error {
	lines, err := n.lines()
	if err != nil {
		return err
	}
	rest := slices.DeleteFunc(lines, func(l string) bool { return strings.HasSuffix(l, " "+name+"\n") })
	return os.WriteFile(n.hosts, []byte(strings.Join(rest, "")+line), 0o644)
}

func TestNewKindConforms(t *testing.T) {
	resourcetest.Conform(t, hostNames{filepath.Join(t.TempDir(), "hosts")}, resourcetest.Case[Name]{
		Name: "vpn.example", First: Name{Address: resource.Ptr("10.8.0.1")}, Second: Name{Address: resource.Ptr("10.8.0.2")},
	})
}

// newcomer is a host whose catalog has one kind more.
type newcomer struct {
	*testing.T
	hosts, dir string
	catalog    resource.Catalog
}

func newNewcomer(t *testing.T) *newcomer {
	n := &newcomer{T: t, hosts: filepath.Join(t.TempDir(), "hosts"), dir: t.TempDir()}
	n.catalog = catalog.New(catalog.Options{Root: t.TempDir()})
	n.catalog.Image = false
	n.catalog.Kinds = append(n.catalog.Kinds, resource.Define("name", "A line of /etc/hosts. Its label is the name.", resource.Traits{}, hostNames{n.hosts})) // the one line
	n.put("127.0.0.1 localhost\n")
	n.ok(os.WriteFile(filepath.Join(n.dir, "vpnd.hcl"), []byte("name \"vpn.example\" {\n  address = \"10.8.0.1\"\n}\n"), 0o600))
	return n
}

func (n *newcomer) ok(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

func (n *newcomer) put(text string) { n.Helper(); n.ok(os.WriteFile(n.hosts, []byte(text), 0o644)) }

// becomes waits until the file says that.
func (n *newcomer) becomes(want string) {
	n.Helper()
	var got []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got, _ = os.ReadFile(n.hosts); string(got) == want {
			return
		}
	}
	n.Fatalf("it says %q instead of %q", got, want)
}

func (n *newcomer) load() (*config.Config, hcl.Diagnostics) {
	return config.Load(config.Source{Paths: []string{filepath.Join(n.dir, "vpnd.hcl")}, StateDir: n.dir + "/state"}, n.catalog, "1.0.0")
}

// A kind is one package and one line of the catalogue: language, plan, apply, the
// agent, status, the reference and the way back know it then.
func TestANewKindChangesNothingElse(t *testing.T) {
	n := newNewcomer(t)
	if text, err := explain.Text(n.catalog, "name"); err != nil || !strings.Contains(text, "address that the name stands for") {
		t.Errorf("explained: %v\n%s", err, text)
	}
	cfg, diags := n.load()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	n.keep()
	n.converge(cfg.Desired, "Nothing to do")
	n.put("127.0.0.1 localhost\n")
	n.converge(cfg.Desired, "Plan: 1 to create.")
	n.converge(resource.Desired{Absent: []resource.ID{{Kind: "name", Name: "vpn.example"}}}, "Plan: 1 to remove.")
	n.becomes("127.0.0.1 localhost\n")
}

// converge makes a wish true, as vpnd apply does.
func (n *newcomer) converge(d resource.Desired, summary string) {
	n.Helper()
	unlock, err := state.Lock(n.Context(), n.dir+"/state")
	n.ok(err)
	defer unlock()
	store, err := state.Open(n.dir + "/state")
	n.ok(err)
	defer store.Close()
	e := &engine.Engine{Catalog: n.catalog, Store: store, Now: time.Now}
	p, err := e.Plan(n.Context(), d)
	n.ok(err)
	if got := report.Summary(p); !strings.HasPrefix(got, summary) {
		n.Errorf("the plan: %s", got)
	}
	n.ok(e.Apply(n.Context(), p).Failed())
}

// keep has an agent make what the files ask for, repair what somebody changes, and tell of it.
func (n *newcomer) keep() {
	n.Helper()
	ctx, stop := context.WithCancel(n.Context())
	defer stop()
	hup, ended := make(chan os.Signal, 1), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{Catalog: n.catalog, Load: n.load, StateDir: n.dir + "/state", RunDir: n.dir + "/run", Version: "1.0.0", Log: slog.New(slog.DiscardHandler), Reload: hup})
	}()
	n.becomes("127.0.0.1 localhost\n10.8.0.1 vpn.example\n")
	n.repaired(0)
	n.put("127.0.0.1 localhost\n10.9.9.9 vpn.example\n")
	hup <- os.Interrupt
	n.becomes("127.0.0.1 localhost\n10.8.0.1 vpn.example\n")
	n.repaired(1)
	stop()
	n.ok(<-ended)
}

// repaired waits until the status tells of so many repairs.
func (n *newcomer) repaired(want int) {
	n.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s, err := status.Read(n.dir + "/run"); err == nil && s != nil && len(s.Recent) == want && len(s.Drift) == 0 && s.Reconcile != nil {
			return
		}
	}
	n.Fatalf("nobody tells of %d repairs", want)
}
