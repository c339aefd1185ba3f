package failover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// A world is a charon and its peers, in memory.
type world struct {
	mu    sync.Mutex
	peers map[string]*peer // by connection
	ids   int
	wake  []func()
}

// A peer is what a connection leads to.
type peer struct {
	dead      bool // it is not to be reached
	childless bool // it lets an IKE SA stand without child SAs
	refuses   bool // it is there, and lets nobody in
	mute      bool // nothing comes back through its child SA
	sas       []vici.SA
	since     map[string]time.Time // of the IKE SAs
	in, out   uint64
	tries     int
	heard     time.Time // something came in the last time
}

func newWorld(names ...string) *world {
	w := &world{peers: make(map[string]*peer)}
	for _, name := range names {
		w.peers[name] = &peer{childless: true, since: make(map[string]time.Time)}
	}
	return w
}

func (w *world) look(_ context.Context, names []string) (map[string]connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]connection)
	for _, name := range names {
		p := w.peers[name]
		c := connection{Name: name, Peer: "peer of " + name, Children: []string{name}}
		for _, sa := range p.sas {
			sa.Established = int(time.Since(p.since[sa.ID]).Seconds())
			if p.dead && sa.State == "ESTABLISHED" && time.Since(p.heard) > 10*time.Second {
				sa.TasksActive = []string{"IKE_DPD"}
			}
			sa.Children = maps.Clone(sa.Children)
			for key, child := range sa.Children {
				child.BytesIn, child.BytesOut = p.in, p.out
				sa.Children[key] = child
			}
			c.SAs = append(c.SAs, sa)
		}
		all[name] = c
	}
	return all, nil
}

func (w *world) initiate(ctx context.Context, name, child string, within time.Duration) error {
	w.mu.Lock()
	p := w.peers[name]
	p.tries++
	i := slices.IndexFunc(p.sas, func(sa vici.SA) bool { return sa.State == "ESTABLISHED" })
	switch {
	case p.dead:
		if i < 0 {
			w.add(p, "CONNECTING")
		}
		w.mu.Unlock()
		sleep(ctx, within)
		return vici.ErrSilent
	case p.refuses || child == "" && !p.childless:
		w.mu.Unlock()
		return errors.New("it refuses")
	}
	p.sas = slices.DeleteFunc(p.sas, func(sa vici.SA) bool { return sa.State == "CONNECTING" })
	if i < 0 {
		w.add(p, "ESTABLISHED")
		i = len(p.sas) - 1
	}
	if child != "" {
		w.ids++
		p.sas[i].Children[strconv.Itoa(w.ids)] = vici.SAOut{ID: strconv.Itoa(w.ids), Name: child, State: "INSTALLED"}
	}
	w.mu.Unlock()
	w.news()
	return nil
}

func (w *world) add(p *peer, state string) {
	w.ids++
	id := strconv.Itoa(w.ids)
	p.sas, p.since[id] = append(p.sas, vici.SA{ID: id, State: state, Children: make(map[string]vici.SAOut)}), time.Now()
}

func (w *world) endIKE(_ context.Context, id string) error {
	w.mu.Lock()
	for _, p := range w.peers {
		p.sas = slices.DeleteFunc(p.sas, func(sa vici.SA) bool { return sa.ID == id })
	}
	w.mu.Unlock()
	w.news()
	return nil
}

func (w *world) endChild(_ context.Context, id string) error {
	w.mu.Lock()
	for _, p := range w.peers {
		for i := range p.sas {
			delete(p.sas[i].Children, id)
		}
	}
	w.mu.Unlock()
	w.news()
	return nil
}

func (w *world) hear(ctx context.Context, heard func()) error {
	w.mu.Lock()
	w.wake = append(w.wake, heard)
	w.mu.Unlock()
	heard()
	<-ctx.Done()
	return nil
}

func (w *world) news() {
	w.mu.Lock()
	wake := slices.Clone(w.wake)
	w.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

// traffic has a packet go out by what carries each second, and an answer come in where
// it is well.
func (w *world) traffic(ctx context.Context) {
	for ; ctx.Err() == nil; sleep(ctx, time.Second) {
		for _, name := range w.carriers() {
			w.set(name, func(p *peer) {
				if p.out += 100; !p.dead && !p.mute {
					p.in += 100
				}
			})
		}
	}
}

// set changes a peer.
func (w *world) set(name string, change func(*peer)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.peers[name]
	in, dead := p.in, p.dead
	if change(p); p.in != in || p.dead != dead {
		p.heard = time.Now()
	}
}

// carriers are the connections with child SAs.
func (w *world) carriers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name, p := range w.peers {
		for _, sa := range p.sas {
			if len(sa.Children) > 0 {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// probe answers where what carries is well.
func (w *world) probe(ctx context.Context, _ []netip.Addr, _ string, within time.Duration) bool {
	carriers := w.carriers()
	w.mu.Lock()
	answers := len(carriers) > 0 && !w.peers[carriers[0]].dead && !w.peers[carriers[0]].mute
	if answers {
		w.peers[carriers[0]].in += 84
	}
	w.mu.Unlock()
	if !answers {
		sleep(ctx, within)
	}
	return answers
}

// A player is an agent with one failover.
type player struct {
	*testing.T
	*world
	verbs Verbs
	want  Failover
	moves []string // what it did, in words
	begun time.Time
}

func play(t *testing.T, w *world, probe ...string) *player {
	p := &player{T: t, world: w, begun: time.Now()}
	p.verbs = Verbs{Records: t.TempDir(), Memory: new(Memory), charon: w, probe: w.probe}
	p.verbs.MayPrepare(true)
	p.want = Failover{Connections: []string{"a", "b"}, Moves: []string{}}
	for _, addr := range probe {
		p.want.Probe = append(p.want.Probe, netip.MustParseAddr(addr))
	}
	kicks := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		kick := func(resource.Hint) { kicks <- struct{}{} }
		if err := p.verbs.WatchWishes(ctx, map[string]*Failover{"vpc": &p.want}, kick); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-kicks:
				p.pass(ctx)
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return p
}

// pass is what an agent does when it was kicked.
func (p *player) pass(ctx context.Context) {
	wants := map[string]*Failover{"vpc": &p.want}
	got, err := p.verbs.Observe(ctx, wants)
	if err != nil {
		p.Error(err)
		return
	}
	if got["vpc"] != nil {
		if len(got["vpc"].Moves) == 0 {
			return
		}
		p.mu.Lock()
		p.moves = append(p.moves, got["vpc"].Moves...)
		p.mu.Unlock()
	}
	if err := p.verbs.Apply(ctx, []resource.Item[Failover]{{Name: "vpc", Got: got["vpc"], Want: p.want}}); err != nil {
		p.Log(err)
	}
}

// becomes waits until these connections alone carry, and returns how long that took.
func (p *player) becomes(within time.Duration, carriers ...string) time.Duration {
	p.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		took := time.Since(begun)
		if slices.Equal(p.carriers(), carriers) {
			return took
		}
		if took > within {
			p.Fatalf("after %s %q carry and not %q; moves: %q", took, p.carriers(), carriers, p.moves)
		}
	}
}

// stays wants these connections to carry all that time.
func (p *player) stays(long time.Duration, carriers ...string) {
	p.Helper()
	for begun := time.Now(); time.Since(begun) < long; time.Sleep(max(100*time.Millisecond, long/5000)) {
		if !slices.Equal(p.carriers(), carriers) {
			p.Fatalf("after %s %q carry and not %q; moves: %q", time.Since(begun), p.carriers(), carriers, p.moves)
		}
	}
}

func (p *player) moved() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.moves)
}

func (p *player) said(want ...string) {
	p.Helper()
	if got := p.moved(); !slices.Equal(got, want) {
		p.Errorf("moves: %s", fmt.Sprintf("%q instead of %q", got, want))
	}
}
