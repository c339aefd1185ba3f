package failover

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

// routed is a failover between two interfaces of a network namespace of the test's own.
// The kernel has no xfrm interfaces here: the ends of a cable stand for them.
func routed(t *testing.T) (*world, Verbs, Failover) {
	nettest.Fresh(t)
	cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "ipsec0"}, PeerName: "ipsec1"}
	if err := netlink.LinkAdd(cable); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ipsec0", "ipsec1"} {
		link, err := netlink.LinkByName(name)
		if err == nil {
			err = netlink.LinkSetUp(link)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld("a", "b")
	for _, name := range []string{"a", "b"} {
		if err := w.initiate(t.Context(), name, name, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := Failover{
		Connections: []string{"a", "b"}, Mode: resource.Ptr(route), Interfaces: []string{"ipsec0", "ipsec1"},
		Networks: []netip.Prefix{netip.MustParsePrefix("172.31.0.0/16"), netip.MustParsePrefix("2001:db8:31::/48")}, Moves: []string{},
	}
	return w, Verbs{Records: t.TempDir(), Memory: new(Memory), charon: w}, want
}

// table are the routes that are not the kernel's own.
func table(t *testing.T) string {
	t.Helper()
	all, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range all {
		link, err := net.InterfaceByIndex(r.LinkIndex)
		if err != nil || r.Protocol == 2 { // kernel
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s %d", prefixOf(r), link.Name, r.Priority))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func look(t *testing.T, v Verbs, want *Failover) (*Failover, error) {
	seen, err := v.Observe(t.Context(), map[string]*Failover{"vpc": want})
	return seen["vpc"], err
}

const (
	byFirst = `172.31.0.0/16 ipsec0 100
172.31.0.0/16 ipsec1 101
2001:db8:31::/48 ipsec0 100
2001:db8:31::/48 ipsec1 101`
	bySecond = `172.31.0.0/16 ipsec0 101
172.31.0.0/16 ipsec1 100
2001:db8:31::/48 ipsec0 101
2001:db8:31::/48 ipsec1 100`
)

func TestRoutesLeadToWhatCarries(t *testing.T) {
	w, v, want := routed(t)
	moves := func() []string {
		t.Helper()
		got, err := look(t, v, &want)
		if err != nil {
			t.Fatal(err)
		}
		if got == nil {
			return []string{"it is not there"}
		}
		return got.Moves
	}
	apply := func(words, routes string) {
		t.Helper()
		if got := strings.Join(moves(), "; "); got != words {
			t.Errorf("it says %q instead of %q", got, words)
		}
		if err := resourcetest.Apply(t.Context(), v, "vpc", nil, want); err != nil {
			t.Fatal(err)
		}
		if got := table(t); got != routes {
			t.Errorf("routes:\n%s\ninstead of\n%s", got, routes)
		}
		if left := moves(); len(left) > 0 {
			t.Errorf("it is still to say %q", left)
		}
	}
	apply("it is not there", byFirst)
	past := v.Memory.of("vpc")
	past.fail("a", "no answer", time.Minute, time.Now())
	apply("from peer of a to peer of b: no answer", bySecond)
	past.answer("a", time.Now()) // not for long enough
	apply("", bySecond)
	past.tunnels["a"].until, past.tunnels["a"].since = time.Time{}, time.Now().Add(-time.Minute)
	apply("from peer of b back to peer of a: it has been well for 1m0s", byFirst)
	w.set("a", func(p *peer) { clear(p.sas[0].Children) })
	apply("from peer of a to peer of b: it has no child SA", bySecond)
	w.set("b", func(p *peer) { clear(p.sas[0].Children) })
	apply("", bySecond)
}

// What somebody else routed stays, and what vpnd did goes with the block, whoever takes
// it away.
func TestRemovesRoutes(t *testing.T) {
	_, v, want := routed(t)
	link, err := netlink.LinkByName("ipsec0")
	if err != nil {
		t.Fatal(err)
	}
	_, theirs, _ := net.ParseCIDR("172.30.0.0/16")
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: theirs, Scope: netlink.SCOPE_LINK}); err != nil {
		t.Fatal(err)
	}
	before := table(t)
	if err := resourcetest.Apply(t.Context(), v, "vpc", nil, want); err != nil {
		t.Fatal(err)
	}
	if err := unroute([]way{{want.Networks[0], "ipsec0", 100}}); err != nil {
		t.Fatal(err)
	}
	got, err := look(t, v, &want)
	if err != nil || !slices.Contains(got.Moves, "to peer of a: nothing carries") {
		t.Errorf("a route that is missing: %q, %v", got.Moves, err)
	}
	other := Verbs{Records: v.Records, charon: v.charon}
	if got, err := resourcetest.Observe(t.Context(), other, "vpc"); err != nil || got == nil {
		t.Errorf("without a wish there is %v, %v", got, err)
	}
	if err := resourcetest.Remove(t.Context(), other, "vpc"); err != nil {
		t.Fatal(err)
	}
	if after := table(t); after != before {
		t.Errorf("there is left:\n%s", after)
	}
	if got, err := resourcetest.Observe(t.Context(), other, "vpc"); err != nil || got != nil {
		t.Errorf("afterwards there is %v, %v", got, err)
	}
}
