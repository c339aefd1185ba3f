package link

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// network makes two links with addresses, so that there is somewhere to go.
func network(t *testing.T) {
	t.Helper()
	nettest.Fresh(t)
	for _, args := range []string{
		"link add a0 type veth peer name a1", "link add b0 type veth peer name b1",
		"link set a0 up", "link set a1 up", "link set b0 up", "link set b1 up",
		"addr add 192.0.2.1/24 dev a0", "addr add 198.51.100.1/24 dev b0",
		"addr add 2001:db8:a::1/64 dev a0 nodad", "addr add 2001:db8:b::1/64 dev b0 nodad",
	} {
		ip(t, args)
	}
}

// others are all routes but those that the kernel makes, a moment after the
// link or address that they belong to.
func others(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(ip(t, "route show table all") + ip(t, "-6 route show table all")) {
		if !strings.Contains(line, " proto kernel ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func addr(s string) *netip.Addr { return resource.Ptr(netip.MustParseAddr(s)) }

func TestRouteKeepsTheContract(t *testing.T) {
	p := resource.Ptr[string]
	for name, c := range map[string]resourcetest.Case[Route]{
		"10.1.0.0/16": {
			First:  Route{Via: addr("192.0.2.9")},
			Second: Route{Via: addr("198.51.100.9"), Dev: p("b0"), Metric: resource.Ptr(50)},
		},
		"10.1.0.0/16 table 100": {
			First:  Route{Dev: p("a0"), Table: resource.Ptr(100)},
			Second: Route{Via: addr("198.51.100.9")},
		},
		"10.1.0.0/16 table 4000000000": {
			First:  Route{Dev: p("a0")},
			Second: Route{Dev: p("b0"), Metric: resource.Ptr(4000000000)},
		},
		"default": {
			First:  Route{Via: addr("192.0.2.9"), Metric: resource.Ptr(10)},
			Second: Route{Dev: p("b0"), Metric: resource.Ptr(0)},
		},
		"::/0": {
			First:  Route{Via: addr("2001:db8:a::9")},
			Second: Route{Via: addr("fe80::9"), Dev: p("b0")},
		},
		"2001:db8:c::/48": {
			First:  Route{Via: addr("2001:db8:a::9"), Metric: resource.Ptr(5)},
			Second: Route{Dev: p("b0"), Metric: resource.Ptr(7)},
		},
		"2001:db8:d::/48 table 100": {
			First:  Route{Dev: p("a0")},
			Second: Route{Via: addr("2001:db8:b::9")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			network(t)
			ip(t, "route add 203.0.113.0/24 via 192.0.2.7 table 100")
			ip(t, "-6 route add 2001:db8:e::/48 via 2001:db8:a::7")
			before := others(t)
			c.Name = name
			resourcetest.Conform(t, RouteVerbs{}, c)
			if after := others(t); after != before {
				t.Errorf("other routes changed from\n%s\nto\n%s", before, after)
			}
		})
	}
}

func TestHandMadeRouteIsTakenOverAndGivenBack(t *testing.T) {
	network(t)
	v := RouteVerbs{}
	for name, made := range map[string]string{
		"10.1.0.0/16":     "route add 10.1.0.0/16 via 192.0.2.9",
		"2001:db8:c::/48": "-6 route add 2001:db8:c::/48 dev a0 proto static",
	} {
		ip(t, made)
		show := "route show " + name
		if strings.Contains(name, ":") {
			show = "-6 " + show
		}
		before := ip(t, show)
		prior, err := resourcetest.Observe(context.Background(), v, name)
		if err != nil || prior == nil || v.Marked(name, prior) {
			t.Fatalf("%+v, %v", prior, err)
		}
		apply(t, v, name, Route{Dev: resource.Ptr("b0"), Metric: resource.Ptr(7)})
		if during := ip(t, show); strings.Count(during, "\n") != 1 || !strings.Contains(during, "dev b0 proto 142 ") || !strings.Contains(during, "metric 7") {
			t.Errorf("taken over as %s", during)
		}
		apply(t, v, name, *prior)
		if after := ip(t, show); after != before {
			t.Errorf("was %sgiven back as %s", before, after)
		}
	}
}

func TestRoutesOfOthersAreLeftAlone(t *testing.T) {
	network(t)
	ctx := context.Background()
	v := RouteVerbs{}
	for _, args := range []string{
		"route add default via 192.0.2.9",
		"route add 10.1.0.0/16 via 192.0.2.9 metric 20",
		"route add 10.2.0.0/16 via 192.0.2.9 proto bgp",
		"route add 10.3.0.0/16 nexthop via 192.0.2.9 nexthop via 198.51.100.9",
		"route add blackhole 10.4.0.0/16",
		"route add 10.5.0.0/16 via 192.0.2.9 src 192.0.2.1",
		"route add 10.6.0.0/16 via 192.0.2.9 mtu 1400",
	} {
		ip(t, args)
	}
	before := others(t)
	wish := Route{Via: addr("198.51.100.9")}
	for _, name := range []string{"default", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16", "192.0.2.0/24"} {
		if got, err := resourcetest.Observe(ctx, v, name); got != nil || err != nil {
			t.Errorf("%s is taken for vpnd's: %v, %v", name, show(got), err)
		}
		wish.Metric = resource.Ptr(20)
		if name != "10.1.0.0/16" {
			wish.Metric = nil
		}
		want := "another route to " + name + " with metric "
		err := v.Check(ctx, name, wish)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("checking %s: %v", name, err)
		}
		if err := resourcetest.Apply(ctx, v, name, nil, wish); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("applying %s: %v", name, err)
		}
		if err := resourcetest.Remove(ctx, v, name); err != nil {
			t.Errorf("removing %s: %v", name, err)
		}
		wish.Metric = resource.Ptr(5)
		apply(t, v, name, wish)
		if err := resourcetest.Remove(ctx, v, name); err != nil {
			t.Errorf("removing ours beside %s: %v", name, err)
		}
	}
	if after := others(t); after != before {
		t.Errorf("changed from\n%s\nto\n%s", before, after)
	}
	err := v.Check(ctx, "10.2.0.0/16", Route{Via: addr("198.51.100.9")})
	const text = "another route to 10.2.0.0/16 with metric 0 is there already, made by bgp; remove it, or give this one another metric"
	if err == nil || err.Error() != text {
		t.Errorf("%v, want %s", err, text)
	}
}

func TestRouteThatSomebodyReplacedIsRepaired(t *testing.T) {
	network(t)
	apply(t, RouteVerbs{}, "10.1.0.0/16", Route{Dev: resource.Ptr("a0")})
	ip(t, "route replace 10.1.0.0/16 via 198.51.100.9")
	apply(t, RouteVerbs{}, "10.1.0.0/16", Route{Dev: resource.Ptr("a0")})
	if out := ip(t, "route show 10.1.0.0/16"); out != "10.1.0.0/16 dev a0 proto 142 scope link \n" {
		t.Error(out)
	}
}

func TestRouteThatCannotBeSaysWhatIsMissing(t *testing.T) {
	network(t)
	ip(t, "tuntap add dev tun0 mode tun")
	p := resource.Ptr[string]
	for want, r := range map[string]Route{
		"there is no interface tun1; see that what makes it comes first, for example tun.tun1 in depends_on":                                             {Dev: p("tun1")},
		"adding the route: network is down: the interface tun0 is switched off; set up = true in its block, or wait for what makes it":                   {Dev: p("tun0")},
		"adding the route: network is unreachable: no interface has a network with the next hop 203.0.113.1 in it; give that interface an address first": {Via: addr("203.0.113.1")},
	} {
		err := resourcetest.Apply(context.Background(), RouteVerbs{}, "10.1.0.0/16", nil, r)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestCostOfRoute(t *testing.T) {
	network(t)
	apply(t, RouteVerbs{}, "10.1.0.0/16", Route{Dev: resource.Ptr("a0")})
	got, err := resourcetest.Observe(context.Background(), RouteVerbs{}, "10.1.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got, want *Route
		cost      resource.Effect
	}{
		"new":            {nil, got, resource.None},
		"gone":           {got, nil, resource.Tunnel},
		"same":           {got, got, resource.None},
		"another way":    {got, &Route{Dev: resource.Ptr("b0")}, resource.Tunnel},
		"another metric": {got, &Route{Metric: resource.Ptr(9)}, resource.None},
	} {
		if cost := (RouteVerbs{}).Cost("10.1.0.0/16", c.got, c.want); cost != c.cost {
			t.Errorf("%s costs %s, want %s", name, cost, c.cost)
		}
	}
}

func TestMistakesInRoute(t *testing.T) {
	p := resource.Ptr[string]
	dev := Route{Dev: p("tun0")}
	for _, name := range []string{"default", "::/0", "10.1.0.0/16", "10.1.2.3/32", "default table 100", "2001:db8::/32 table 4294967295"} {
		if found := dev.Validate(name); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	for name, want := range map[string]string{
		"10.1.2.3/16":           `: "10.1.2.3/16" is not how the route is called; write "10.1.0.0/16"` + "\n",
		"0.0.0.0/0":             `: "0.0.0.0/0" is not how the route is called; write "default"` + "\n",
		"10.1.0.0/16 table 254": `: "10.1.0.0/16 table 254" is not how the route is called; write "10.1.0.0/16"` + "\n",
		"10.1.0.0/16 table 05":  `: "10.1.0.0/16 table 05" is not how the route is called; write "10.1.0.0/16 table 5"` + "\n",
		"2001:DB8::/32":         `: "2001:DB8::/32" is not how the route is called; write "2001:db8::/32"` + "\n",
		"10.1.2.3":              `: "10.1.2.3" is no destination of a route; write "10.1.2.3/32"` + "\n",
		"office":                `: "office" is no destination of a route; write it as CIDR, as in "10.1.0.0/16", or default; ::/0 is the default route of IPv6` + "\n",
		"default table main":    `: "main" is no routing table for routes of one's own; write its number, 1 to 4294967295 without 255, as in "default table 100"` + "\n",
		"default table 255":     `: "255" is no routing table for routes of one's own; write its number, 1 to 4294967295 without 255, as in "default table 100"` + "\n",
	} {
		if got := mistakes(dev.Validate(name)); got != want {
			t.Errorf("%s: got %swant %s", name, got, want)
		}
	}
	for want, r := range map[string]Route{
		": the route leads nowhere; give via, dev or both\n":                                                                                   {},
		"dev: \"a b\" is no name of an interface; use letters, digits, dots and dashes, as in tun0 or vpn-office\n":                            {Dev: p("a b")},
		"via: 10.8.0.1 can't be the next hop to 2001:db8::/32: one is IPv4, the other IPv6; give a next hop of the same family, or only dev\n": {Via: addr("10.8.0.1")},
		"via: fe80::1 is link-local and there is no dev; add dev: such an address is only known on one interface\n":                            {Via: addr("fe80::1")},
		"via: fe80::1%eth0 is no next hop; write the address of a router, as in 10.8.0.1; its interface goes into dev\n":                       {Via: addr("fe80::1%eth0")},
		"metric: a metric of -1 is out of range; the lower wins; 0 to 4294967295\n":                                                            {Dev: p("tun0"), Metric: resource.Ptr(-1)},
		"metric: the kernel makes 1024 of the metric 0 of an IPv6 route; write 1024, or leave it out\n":                                        {Dev: p("tun0"), Metric: resource.Ptr(0)},
		"table: the table is 100, but the name of the route says 254; name the route \"2001:db8::/32 table 100\"\n":                            {Dev: p("tun0"), Table: resource.Ptr(100)},
	} {
		if got := mistakes(r.Validate("2001:db8::/32")); got != want {
			t.Errorf("got %swant %s", got, want)
		}
	}
}
