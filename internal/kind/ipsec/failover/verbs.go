package failover

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// Records is the directory for [Verbs] on a host that runs.
const Records = "/var/lib/vpnd/failover"

// Verbs are the verbs of the kind ipsec_failover.
type Verbs struct {
	Records string  // directory of what failovers are about
	Memory  *Memory // of the watcher of this process; nil is for none

	charon charon                                                                              // nil is the host's
	probe  func(ctx context.Context, addrs []netip.Addr, through string, d time.Duration) bool // nil is by ping
}

func (v Verbs) swan() charon {
	if v.charon != nil {
		return v.charon
	}
	return swan(vici.Socket)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// From names the connections: it is applied after them, and follows their changes.
func (Verbs) From(want Failover) []string { return want.Connections }

// Normalize fills in what is left out, and that nothing has to move.
func (Verbs) Normalize(_ context.Context, wants map[string]*Failover) (map[string]*Failover, error) {
	normal := make(map[string]*Failover, len(wants))
	for name, want := range wants {
		normal[name] = filled(*want)
		normal[name].Moves = []string{}
	}
	return normal, nil
}

// Marked says that whatever has a record is vpnd's.
func (Verbs) Marked(string, *Failover) bool { return true }

// Observe says of those that are on record which connection carries, which are well, and
// what has to move by the measure of the wish.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Failover) (map[string]*Failover, error) {
	return resource.ObserveEach(ctx, wants, func(name string, want *Failover) (*Failover, error) {
		got, err := v.recorded(name)
		if err != nil || got == nil {
			return nil, err
		}
		return got, v.stands(ctx, name, resource.Or(want, *got), got)
	})
}

// stands tells how the failover that shall be stands.
func (v Verbs) stands(ctx context.Context, name string, want Failover, got *Failover) error {
	all, there, err := v.candidates(ctx, name, want)
	if err != nil {
		return err
	}
	verdict := judge(all, want.settle())
	got.Moves, got.Well = append([]string{}, verdict.moves...), []string{}
	if len(all) == 0 {
		got.Moves = []string{"to " + want.Connections[0] + ": " + notLoaded}
	}
	for _, c := range all {
		if c.well() {
			got.Well = append(got.Well, c.Name)
		}
	}
	if verdict.carrier != nil {
		got.Moves = append(got.Moves, want.astray(verdict.carrier.Name, there)...)
	}
	got.CarriedBy = resource.Ptr(detour(verdict.carrier, all))
	got.Standing = &ipsec.States{state(verdict.carrier, all)}
	return nil
}

// candidates are the connections of a failover that are loaded, in order of preference,
// and the routes that there are.
func (v Verbs) candidates(ctx context.Context, name string, want Failover) ([]candidate, []way, error) {
	loaded, err := v.swan().look(ctx, want.Connections)
	if err != nil {
		return nil, nil, err
	}
	var there []way
	routed := -1
	if want.routes() {
		if there, err = laid(want.Interfaces); err != nil {
			return nil, nil, err
		}
		routed = want.carries(there)
	}
	past, now := v.Memory.of(name), time.Now()
	var all []candidate
	for i, c := range want.Connections {
		conn, ok := loaded[c]
		switch {
		case !ok:
		case want.routes():
			all = append(all, byRoute(conn, past, i == routed, now))
		default:
			all = append(all, byPolicy(conn, past, now))
		}
	}
	return all, there, nil
}

// byPolicy puts what is known of a connection beside what charon says where the one
// carries that has child SAs. Another is ready where its IKE SA is up.
func byPolicy(c connection, past *past, now time.Time) candidate {
	carries := len(c.installed()) > 0
	p := past.recall(c.Name, carries, now)
	w := candidate{connection: c, carries: carries, failed: p.failed, barred: p.barred, silent: p.silent, since: p.answered, why: p.why}
	if ike := c.established(); ike != nil && !p.stalled {
		w.ready, w.since = true, max(seconds(ike.Established), w.since)
	}
	w.silent = w.silent || p.stalled
	if !carries {
		w.failed = ""
		return w
	}
	for _, child := range c.lacks() {
		w.missing = append(w.missing, "its child SA "+child+" is not there")
	}
	return w
}

// byRoute does the same where all have child SAs and packets are routed to one of them.
// One without can't be had.
func byRoute(c connection, past *past, carries bool, now time.Time) candidate {
	p := past.recall(c.Name, carries, now)
	w := candidate{connection: c, carries: carries, ready: len(c.installed()) > 0, failed: p.failed, barred: p.barred, since: p.answered, why: p.why}
	w.silent = !w.ready
	if w.failed == "" && !w.ready {
		w.failed = "it has no child SA"
	}
	if w.failed == "" {
		if ike := c.established(); ike != nil && w.since == 0 {
			w.since = seconds(ike.Established)
		}
	}
	return w
}

// detour says what carries in the place of the preferred one, and why; nothing where
// that one carries.
func detour(carrier *candidate, all []candidate) string {
	if carrier == nil || carrier.Name == all[0].Name {
		return ""
	}
	words := carrier.peer() + " and not by " + all[0].peer()
	if all[0].why != "" {
		words += ": " + all[0].why
	}
	return words
}

// astray names the routes that are missing or lead elsewhere though what carries stays.
func (f Failover) astray(carrier string, there []way) []string {
	if !f.routes() {
		return nil
	}
	var words []string
	for _, w := range f.ways(slices.Index(f.Connections, carrier)) {
		if !slices.Contains(there, w) {
			words = append(words, "to "+w.to.String()+" through "+w.through+": the route is not there")
		}
	}
	return words
}

const notLoaded = "strongSwan does not run, or has loaded none of the connections"

// state is how what carries stands, or why nothing does.
func state(carrier *candidate, all []candidate) resource.TunnelState {
	if len(all) == 0 {
		return resource.TunnelState{Why: notLoaded}
	}
	if carrier == nil {
		why := "nothing carries"
		for _, c := range all {
			if c.silent {
				why += "; no answer from " + c.peer()
			}
		}
		return resource.TunnelState{Why: why}
	}
	s := resource.TunnelState{Up: carrier.failed == "", Attached: true, Why: carrier.failed, Peer: carrier.peer()}
	now := time.Now().UTC()
	for _, child := range carrier.installed() {
		s.In, s.Out = s.In+child.BytesIn, s.Out+child.BytesOut
		s.Local, s.Remote = append(s.Local, child.LocalTS...), append(s.Remote, child.RemoteTS...)
		if up := now.Add(-seconds(child.InstallTime)).Truncate(time.Second); s.Since.IsZero() || up.Before(s.Since) {
			s.Since = up
		}
		if rekey := now.Add(seconds(child.RekeyTime)).Truncate(time.Second); child.RekeyTime > 0 && (s.Rekey.IsZero() || rekey.Before(s.Rekey)) {
			s.Rekey = rekey
		}
	}
	return s
}

// Apply moves the traffic of each to the best connection.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Failover]) error {
	return resource.ApplyEach(items, func(i resource.Item[Failover]) error {
		if err := v.keep(i.Name, i.Want); err != nil {
			return err
		}
		if i.Want.routes() {
			all, there, err := v.candidates(ctx, i.Name, i.Want)
			if err != nil {
				return err
			}
			return i.Want.reroute(judge(all, i.Want.settle()), there)
		}
		all, err := v.atRest(ctx, i.Name, i.Want)
		if err == nil && len(all) == 0 {
			err = errors.New(notLoaded)
		}
		if err != nil {
			return err
		}
		return v.move(ctx, v.Memory.of(i.Name), judge(all, i.Want.settle()), all)
	})
}

// reroute routes to the first of the targets, or as before where there is none.
func (f Failover) reroute(v verdict, there []way) error {
	carrier := 0
	switch {
	case len(v.targets) > 0:
		carrier = slices.Index(f.Connections, v.targets[0].Name)
	case v.carrier != nil:
		carrier = slices.Index(f.Connections, v.carrier.Name)
	}
	return lay(f.ways(carrier), there)
}

// Remove takes the routes away that there are. Connections go with their own blocks.
func (v Verbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error {
		r, err := v.recorded(name)
		if err != nil || r == nil {
			return err
		}
		there, err := laid(r.Interfaces)
		if err != nil {
			return err
		}
		if err := unroute(there); err != nil {
			return err
		}
		return v.forget(name)
	})
}

func (f Failover) settle() time.Duration { return time.Duration(resource.Or(f.Settle, settle)) }

func (f Failover) routes() bool { return resource.Or(f.Mode, policy) == route }
