package connection

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vpnd/internal/kind/openvpn"
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

// Normalize asks for what every client is for.
func (Verbs) Normalize(_ context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	normal := make(map[string]*Connection, len(wants))
	for name, want := range wants {
		w := *want
		w.Running, w.Connected = resource.Ptr(true), resource.Ptr(true)
		normal[name] = &w
	}
	return normal, nil
}

// Observe looks at each beside the others. A client that has no configuration on the host
// or no unit, or that does not run, is not there: so one that was made here is ended when
// its block goes.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Connection) (map[string]*Connection, error) {
	if len(wants) == 0 {
		return nil, nil
	}
	m, err := v.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return resource.ObserveTogether(wants, func(name string, want *Connection) (*Connection, error) {
		got, _, err := v.observe(ctx, m, name, want)
		return got, err
	})
}

// words are so many of the last words of a client: some attempts may lie behind each
// other.
const words = 80

// observe looks at one. Of one that does not run it finds that only a start helps.
func (v Verbs) observe(ctx context.Context, m Manager, name string, want *Connection) (*Connection, finding, error) {
	standing, err := Place(name).standing()
	if err != nil || standing == nil {
		return nil, finding{}, err
	}
	if want == nil {
		want = standing
	}
	s, err := v.scene(ctx, m, Place(name), want, words)
	if err != nil || s.state == "" {
		return nil, finding{}, err
	}
	f := judge(want, s)
	if s.state == "inactive" {
		return nil, f, nil
	}
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
	got := &Connection{Connected: &f.connected, Running: resource.Ptr(s.state != "inactive" && s.state != "failed")}
	got.Dev, got.Peers, got.Routes = want.Dev, want.Peers, want.Routes
	got.Accept = want.Accept
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
		if why, final := v.explain(ctx, p, want, s, time.Now().Add(-recent)); why != "" {
			f.why, f.final = why, final
		}
	}
	if f.why == "" {
		f.why = "it is being started, and says nothing so far"
	}
	got.Down = resource.Ptr(because + f.why)
	return got
}

// recent is how far back the last words of a process that ended may lie.
const recent = 2 * time.Minute
