package ssh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Verbs are those of the kind ssh_forward.
type Verbs struct {
	// Connect reaches systemd; nil is the function [Connect].
	Connect func(ctx context.Context) (Manager, error)
	// Journal returns what was logged of a unit since, a line each; nil tells nothing.
	Journal func(ctx context.Context, unit string, since time.Time) []string
	// Probes are remembered over many looks; nil tries the ports at each.
	Probes *Probes
	// Patience is how long an apply waits for a tunnel; zero is twenty seconds.
	Patience time.Duration
}

// Normalize asks for what every tunnel is for.
func (Verbs) Normalize(_ context.Context, wants map[string]*Forward) (map[string]*Forward, error) {
	normal := make(map[string]*Forward, len(wants))
	for name, want := range wants {
		w := *want
		w.Answers = resource.Ptr(true)
		normal[name] = &w
	}
	return normal, nil
}

// Observe looks at the sockets of the host once. Without a wish it goes by the
// configuration that stands there; a tunnel whose unit is not on the host is not there.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Forward) (map[string]*Forward, error) {
	if len(wants) == 0 {
		return nil, nil
	}
	h, err := v.host(ctx)
	if err != nil {
		return nil, err
	}
	defer h.manager.Close()
	return resource.ObserveTogether(wants, func(name string, want *Forward) (*Forward, error) {
		got, _, err := v.observe(ctx, h, name, want)
		return got, err
	})
}

// A host is what all tunnels of one look have in common.
type host struct {
	manager Manager
	sockets []socket
	paths   map[string]bool
	names   *atomic.Names
}

func (v Verbs) host(ctx context.Context) (h host, err error) {
	if h.sockets, err = sockets(); err != nil {
		return h, err
	}
	if h.paths, err = unixSockets(); err != nil {
		return h, err
	}
	if h.names, err = atomic.ReadNames("/"); err != nil {
		return h, err
	}
	h.manager, err = v.connect(ctx)
	return h, err
}

// scene is what can be seen of one tunnel; its state is empty where there is no such
// unit.
func (h host) scene(ctx context.Context, want *Forward) (scene, error) {
	s := scene{uid: -1, sockets: h.sockets, paths: h.paths}
	var err error
	if s.state, err = h.manager.State(ctx, resource.Or(want.Unit, "")); err != nil {
		return s, fmt.Errorf("asking systemd for %s: %w", resource.Or(want.Unit, ""), err)
	}
	if uid, err := h.names.UID(resource.Or(want.User, "")); err == nil {
		s.uid = uid
	}
	if info, err := os.Stat(resource.Or(want.Control, "")); err == nil {
		s.admitted = info.ModTime()
	}
	return s, nil
}

// observe looks at one. The finding is what its sockets say, before its ports are
// tried.
func (v Verbs) observe(ctx context.Context, h host, name string, want *Forward) (*Forward, finding, error) {
	if want == nil {
		standing, err := Place(name).standing()
		if err != nil || standing == nil {
			return nil, finding{}, err
		}
		want = standing
	}
	s, err := h.scene(ctx, want)
	if err != nil || s.state == "" {
		return nil, finding{}, err
	}
	f := judge(want, s)
	return v.tell(ctx, name, want, s, f), f, nil
}

// tell makes an observation of what was found.
func (v Verbs) tell(ctx context.Context, name string, want *Forward, s scene, f finding) *Forward {
	got := &Forward{Answers: &f.answers, Running: resource.Ptr(s.state == "active")}
	got.Locals, got.Dynamic, got.Remote, got.Peer = want.Locals, want.Dynamic, want.Remote, want.Peer
	down, beyond := "", ""
	if f.answers {
		down, beyond = v.probe(ctx, name, want, f, s.admitted)
		f.answers = down == ""
		got.Since = resource.Ptr(s.admitted.UTC().Truncate(time.Second))
		got.In, got.Out = &f.control.in, &f.control.out
	} else if down, _ = explain(v.said(ctx, want, time.Now().Add(-recent)), v.tale(want)); down == "" {
		down = f.why
	}
	if f.control.state != 0 {
		got.Address = resource.Ptr(Word(f.control.remote.String()))
	}
	if down != "" {
		got.Down = resource.Ptr(because + down)
	}
	if beyond != "" {
		got.Beyond = &beyond
	}
	return got
}

// recent is how far back the last words of ssh may lie.
const recent = 2 * time.Minute

func (v Verbs) said(ctx context.Context, want *Forward, since time.Time) []string {
	if v.Journal == nil {
		return nil
	}
	return v.Journal(ctx, resource.Or(want.Unit, ""), since)
}

// tale is what a person has to know to put the peer right.
func (v Verbs) tale(want *Forward) tale {
	t := tale{peer: resource.Or(want.Peer, "")}
	if want.PublicKey != nil {
		t.file = strings.TrimSuffix(*want.PublicKey, ".pub")
		data, _ := atomic.ReadFile("/", *want.PublicKey, 64<<10)
		t.key = strings.TrimSpace(string(data))
	}
	return t
}

// Apply waits until tunnels are up. One that nobody dials is started, and one that
// looks alive and is not is restarted, once. systemd dials anew by itself whatever
// ssh gives up on.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Forward]) error {
	return resource.ApplyTogether(items, func(item resource.Item[Forward]) error { return v.await(ctx, item.Name, item.Want) })
}

// patience is how long a tunnel is waited for: two attempts, and the pause between
// them.
const patience = 20 * time.Second

func (v Verbs) await(ctx context.Context, name string, want Forward) error {
	limit := v.Patience
	if limit == 0 {
		limit = patience
	}
	begun, restarted := time.Now(), false
	if made, err := v.makeRoom(ctx, name, &want); err != nil {
		return err
	} else if made { // it has failed before, and waits
		if err := v.restart(ctx, resource.Or(want.Unit, "")); err != nil {
			return err
		}
	}
	for {
		got, f, err := v.look(ctx, name, &want)
		if err != nil {
			return err
		}
		if got == nil {
			return fmt.Errorf("there is no unit %s on this host", resource.Or(want.Unit, ""))
		}
		if *got.Answers {
			return nil
		}
		if f.stale && !restarted {
			restarted = true
			if err := v.restart(ctx, resource.Or(want.Unit, "")); err != nil {
				return err
			}
		}
		why, final := explain(v.said(ctx, &want, begun), v.tale(&want))
		refuses := f.answers // by itself it is up
		if final || refuses || why != "" && time.Since(begun) > limit/2 || time.Since(begun) > limit {
			if why != "" { // it is newer
				got.Down = resource.Ptr(because + why)
			}
			return fmt.Errorf("the tunnel is down %s", resource.Or(got.Down, ""))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// look observes one by itself.
func (v Verbs) look(ctx context.Context, name string, want *Forward) (*Forward, finding, error) {
	h, err := v.host(ctx)
	if err != nil {
		return nil, finding{}, err
	}
	defer h.manager.Close()
	return v.observe(ctx, h, name, want)
}

func (v Verbs) restart(ctx context.Context, unit string) error {
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Restart(ctx, unit); err != nil {
		return fmt.Errorf("restarting %s: %w", unit, err)
	}
	return nil
}

// Refresh has the tunnel dialled anew, which then reads what it rests on.
func (v Verbs) Refresh(ctx context.Context, name string, want Forward, how resource.Effect) error {
	if how <= resource.Rebuild {
		return nil
	}
	if _, err := v.makeRoom(ctx, name, &want); err != nil {
		return err
	}
	if err := v.restart(ctx, resource.Or(want.Unit, "")); err != nil {
		return err
	}
	return v.await(ctx, name, want)
}

// Since returns when the tunnel was last dialled with success. One that is down may be
// reading its files just now.
func (Verbs) Since(_ context.Context, name string) (time.Time, error) {
	info, err := os.Stat(Place(name).Control())
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now(), nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Remove does nothing: a tunnel goes with its unit.
func (Verbs) Remove(context.Context, []string) error { return nil }

// An agent looks that often whether tunnels are up, which costs it one look at the
// sockets of the host; and every so many times why one is down, and whether its ports
// lead anywhere.
const (
	interval = 5 * time.Second
	thorough = 6
)

// WatchWishes looks at the tunnels every few seconds and tells of those that went
// down or came back; and now and then of those that are down, since one may have come
// back and gone down between two looks.
func (v Verbs) WatchWishes(ctx context.Context, wants map[string]*Forward, kick func(resource.Hint)) error {
	bound := func(look func(context.Context, map[string]*Forward) (map[string]notice.Glance, error)) func(context.Context) (map[string]notice.Glance, error) {
		return func(ctx context.Context) (map[string]notice.Glance, error) { return look(ctx, wants) }
	}
	return notice.Patrol(ctx, interval, []notice.Look{{Every: 1, At: bound(v.alive)}, {Every: thorough, At: bound(v.states), Again: true}},
		func(name string) { kick(resource.Hint{Name: name}) })
}

// alive tells of each whether its sockets say that it is up.
func (v Verbs) alive(ctx context.Context, wants map[string]*Forward) (map[string]notice.Glance, error) {
	h, err := v.host(ctx)
	if err != nil {
		return nil, err
	}
	defer h.manager.Close()
	all := make(map[string]notice.Glance, len(wants))
	for name, want := range wants {
		s, err := h.scene(ctx, want)
		if err != nil {
			return nil, err
		}
		all[name] = notice.Glance{Up: s.state != "" && judge(want, s).answers}
	}
	return all, nil
}

// states tells of each how it stands.
func (v Verbs) states(ctx context.Context, wants map[string]*Forward) (map[string]notice.Glance, error) {
	seen, err := v.Observe(ctx, wants)
	all := make(map[string]notice.Glance, len(wants))
	for name := range wants {
		all[name] = notice.Glance{} // also of what is not there
	}
	for name, got := range seen {
		all[name] = notice.Glance{Up: *got.Answers, Words: resource.Or(got.Down, "") + resource.Or(got.Beyond, "")}
	}
	return all, err
}
