package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/openvpn/reason"
	"vpnd/internal/resource"
)

// Verbs are those of the kind openvpn_connection.
type Verbs struct {
	// Connect reaches systemd; nil is the function [Connect].
	Connect func(ctx context.Context) (Manager, error)
	// Journal returns what was logged of a unit since, a line each; nil tells nothing.
	Journal func(ctx context.Context, unit string, since time.Time) []string
	// Patience is how long an apply waits for a connection; zero is twenty seconds.
	Patience time.Duration
}

// Normalize asks for what every client is for, unless one is given back as it was.
func (Verbs) Normalize(_ context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	normal := make(map[string]*Connection, len(wants))
	for name, want := range wants {
		w := *want
		w.Connected = resource.Ptr(resource.Or(want.Connected, true))
		normal[name] = &w
	}
	return normal, nil
}

// Observe looks at each beside the others. A client that has no configuration on the host,
// or no unit, is not there; nor, without a wish, one that does not run.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	if len(wants) == 0 {
		return nil, nil
	}
	m, err := v.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	var mu sync.Mutex
	var hands sync.WaitGroup
	seen, failed := make(map[string]*Connection), []error(nil)
	for name, want := range wants {
		hands.Go(func() {
			got, _, err := v.observe(ctx, m, name, want)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = append(failed, &resource.NameError{Name: name, Err: err})
			} else if got != nil {
				seen[name] = got
			}
		})
	}
	hands.Wait()
	return seen, errors.Join(failed...)
}

// words are so many of the last words of a client: some attempts may lie behind each
// other.
const words = 80

// observe looks at one.
func (v Verbs) observe(ctx context.Context, m Manager, name string, want *Connection) (*Connection, finding, error) {
	wished := want != nil
	standing, err := Place(name).standing()
	if err != nil || standing == nil {
		return nil, finding{}, err
	}
	if !wished {
		want = standing
	}
	s, err := v.scene(ctx, m, Place(name), want, words)
	if err != nil || s.state == "" || !wished && s.state == "inactive" {
		return nil, finding{}, err
	}
	f := judge(want, s)
	got := v.tell(ctx, Place(name), want, s, &f)
	return got, f, nil
}

// scene is what can be seen of one; its state is empty where there is no such unit.
func (v Verbs) scene(ctx context.Context, m Manager, p Place, want *Connection, words int) (scene, error) {
	var s scene
	var err error
	if s.state, err = m.ActiveState(ctx, p.Unit()); err != nil {
		return s, fmt.Errorf("asking systemd for %s: %w", p.Unit(), err)
	}
	if s.state == "" || s.state == "inactive" || s.state == "failed" {
		return s, nil
	}
	s.old = p.outdated()
	s.stands, err = openvpn.Stand(ctx, p.Management(), words)
	switch {
	case errors.Is(err, openvpn.ErrDown):
		s.deaf = true
		return s, nil
	case errors.Is(err, openvpn.ErrSilent):
		return s, v.silent(ctx, m, p, &s)
	case err != nil:
		return s, err
	}
	s.device, err = look(resource.Or(want.Dev, ""))
	return s, err
}

// silent says why one does not answer. OpenVPN is at work for nobody while it looks up a
// name or waits for a connection of TCP, which it tells of again and again: one that is
// stopped, or has said nothing for long, hangs.
func (v Verbs) silent(ctx context.Context, m Manager, p Place, s *scene) error {
	pid, err := m.MainPID(ctx, p.Unit())
	if err != nil {
		return err
	}
	switch {
	case stopped(pid):
		s.hangs = true
	case v.Journal != nil && len(v.Journal(ctx, p.Unit(), time.Now().Add(-recent))) > 0:
		s.busy = true
	case served(p.Management()):
		return fmt.Errorf("%w; close that connection to %s", openvpn.ErrSilent, p.Management())
	default:
		s.hangs = true
	}
	return nil
}

// tell makes an observation of what was found, and finds why it is down.
func (v Verbs) tell(ctx context.Context, p Place, want *Connection, s scene, f *finding) *Connection {
	got := &Connection{Connected: &f.connected, Running: resource.Ptr(s.state == "active" && !s.hangs && !s.deaf)}
	got.Dev, got.Peers, got.Routes = want.Dev, want.Peers, want.Routes
	got.Certificate, got.Shield, got.Login = want.Certificate, want.Shield, want.Login
	if at := ends(want); !at.IsZero() {
		got.Expires = resource.Ptr(at.UTC())
	}
	if s.stands != nil && s.stands.State == connected {
		got.Server, got.Addresses = resource.Ptr(Word(s.stands.Peer)), s.stands.Local
		got.Since = &s.stands.Since
		in, out := int(s.stands.In), int(s.stands.Out)
		got.In, got.Out = &in, &out
	}
	if f.connected {
		return got
	}
	if f.why == "" || s.state == "failed" {
		f.why, f.final = v.explain(ctx, p, want, s, time.Now().Add(-recent))
	}
	got.Down = resource.Ptr(because + f.why)
	return got
}

// recent is how far back the last words of a process that ended may lie.
const recent = 2 * time.Minute

// explain says why one is down that nothing can be seen of: by what it said itself, or,
// where it does not run, by what the journal has of it.
func (v Verbs) explain(ctx context.Context, p Place, want *Connection, s scene, since time.Time) (why string, final bool) {
	t := reason.Tale{
		Peers: want.Peers, Shield: resource.Or(want.Shield, ""), Login: resource.Or(want.Login, false),
		Certificate: resource.Or(want.Certificate, ""), Ends: ends(want), Now: time.Now(),
	}
	if s.stands != nil {
		t.State, t.Answered, t.Log = s.stands.State, s.stands.Answered, s.stands.Log
	} else if v.Journal != nil {
		t.Log = v.Journal(ctx, p.Unit(), since)
	}
	return reason.Explain(t)
}

// ends is when its certificate runs out, the zero time where that can't be told.
func ends(want *Connection) time.Time {
	if want.Certificate == nil {
		return time.Time{}
	}
	data, err := atomic.ReadFile("/", *want.Certificate, maxConfig)
	if err != nil {
		return time.Time{}
	}
	return openvpn.Ends(data)
}

// Apply waits until clients are connected. One that nobody runs is started, one that
// looks alive and is not is restarted, once, and routes that are gone are added. OpenVPN
// dials anew by itself.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Connection]) error {
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	var hands sync.WaitGroup
	errs := make([]error, len(items))
	for i, item := range items {
		hands.Go(func() {
			if err := v.apply(ctx, m, item.Name, item.Want); err != nil {
				errs[i] = &resource.NameError{Name: item.Name, Err: err}
			}
		})
	}
	hands.Wait()
	return errors.Join(errs...)
}

// apply makes one connected, unless it gives back one that did not run.
func (v Verbs) apply(ctx context.Context, m Manager, name string, want Connection) error {
	if resource.Or(want.Connected, true) {
		return v.await(ctx, m, name, want)
	}
	if resource.Or(want.Running, true) {
		return nil
	}
	return stop(ctx, m, name)
}

func stop(ctx context.Context, m Manager, name string) error {
	if err := m.StopUnit(ctx, Place(name).Unit()); err != nil {
		return fmt.Errorf("stopping %s: %w", Place(name).Unit(), err)
	}
	return nil
}

// patience is how long a connection is waited for.
const patience = 20 * time.Second

// settle is how long a process has to open its management socket.
const settle = 3 * time.Second

func (v Verbs) await(ctx context.Context, m Manager, name string, want Connection) error {
	limit := v.Patience
	if limit == 0 {
		limit = patience
	}
	begun, restarted := time.Now(), false
	for {
		got, f, err := v.observe(ctx, m, name, &want)
		switch {
		case err != nil:
			return err
		case got == nil:
			return fmt.Errorf("there is no unit %s on this host", Place(name).Unit())
		case f.connected:
			return nil
		case f.lacking != nil:
			if err := add(*want.Dev, f.lacking); err != nil {
				return err
			}
		case f.stale && !restarted && !(f.opening && time.Since(begun) < settle):
			restarted = true
			if err := m.RestartUnit(ctx, Place(name).Unit()); err != nil {
				return fmt.Errorf("restarting %s: %w", Place(name).Unit(), err)
			}
		}
		if since := time.Since(begun); since > limit || f.final && since > limit/2 {
			return fmt.Errorf("the tunnel is down %s", resource.Or(got.Down, ""))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// Refresh has the client started anew, which then reads what it rests on.
func (v Verbs) Refresh(ctx context.Context, name string, want Connection, how resource.Effect) error {
	if how <= resource.Rebuild {
		return nil
	}
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.RestartUnit(ctx, Place(name).Unit()); err != nil {
		return fmt.Errorf("restarting %s: %w", Place(name).Unit(), err)
	}
	return v.await(ctx, m, name, want)
}

// Since returns when the client was started: its socket is made then. One that does not
// run may be reading its files just now.
func (Verbs) Since(_ context.Context, name string) (time.Time, error) {
	info, err := os.Stat(Place(name).Management())
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now(), nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Remove ends clients: their unit is that of the package, and stays.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return resource.RemoveEach(names, func(name string) error { return stop(ctx, m, name) })
}

// Cost is what those notice who are at the other end.
func (Verbs) Cost(string, *Connection, *Connection) resource.Effect { return resource.Tunnel }
