package link

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestTunKeepsTheContract(t *testing.T) {
	p := resource.Ptr[string]
	for name, c := range map[string]resourcetest.Case[Tun]{
		"mode, owner and queues": {
			First:  Tun{Mode: p("tun"), Addresses: prefixes("10.8.0.1/24"), Up: resource.Ptr(true)},
			Second: Tun{Mode: p("tap"), MTU: resource.Ptr(1400), User: p("65534"), Group: p("nogroup"), MultiQueue: resource.Ptr(true)},
		},
		"addresses of one network, of which the first is the primary": {
			First:  Tun{Addresses: prefixes("10.8.0.1/24", "fd00::1/64", "10.9.0.1/24"), Up: resource.Ptr(true)},
			Second: Tun{Addresses: prefixes("fd00::1/80", "10.8.0.3/24", "10.8.0.2/24", "169.254.1.1/30"), MTU: resource.Ptr(1300)},
		},
		"off, with addresses that going off takes away": {
			First:  Tun{Addresses: prefixes("fd00::1/64"), User: p("root"), Up: resource.Ptr(true)},
			Second: Tun{Addresses: prefixes("fd00::1/64"), Group: p("4242"), Up: resource.Ptr(false)},
		},
		"without addresses": {
			First:  Tun{},
			Second: Tun{Addresses: prefixes("10.8.0.1/24"), Up: resource.Ptr(true)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.Fresh(t)
			c.Name = "tun-of-15-bytes"
			resourcetest.Conform(t, TunVerbs{}, c)
		})
	}
}

func apply[T any](t *testing.T, v resource.Verbs[T], name string, want T) {
	t.Helper()
	got, err := resourcetest.Observe(context.Background(), v, name)
	if err == nil {
		err = resourcetest.Apply(context.Background(), v, name, got, want)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// OpenVPN as user nobody opens the interface with these flags; see its tun.c.
func TestProcessLikeOpenVPNCanAttach(t *testing.T) {
	nettest.Fresh(t)
	apply(t, TunVerbs{}, "tun0", Tun{User: resource.Ptr("nobody"), Addresses: prefixes("10.8.0.1/24"), Up: resource.Ptr(true)})
	if out := ip(t, "-d link show tun0"); !strings.Contains(out, "user nobody ") || strings.Contains(out, "user nobody group") || !strings.Contains(out, "pi off") {
		t.Errorf("a group or packet information is on that wasn't asked for: %s", out)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("tun0")
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		t.Fatalf("attaching: %v", err)
	}
	before, err := resourcetest.Observe(context.Background(), TunVerbs{}, "tun0")
	if err != nil {
		t.Fatal(err)
	}
	const want = `mode=tun addresses=[10.8.0.1/24] mtu=1500 up=true user=nobody group= multi_queue=false alias=vpnd`
	if show(before) != want {
		t.Errorf("with a process attached it is %s, want %s", show(before), want)
	}
}

func TestOnlyTunsOfOursAreTouched(t *testing.T) {
	nettest.Fresh(t)
	ctx := context.Background()
	ip(t, "link add veth0 type veth peer name veth1")
	ip(t, "tuntap add dev tun7 mode tun")
	v := TunVerbs{}
	const taken = "there is an interface veth0 already, and it is no tun or tap but a veth; choose another name"
	k := resource.Define("tun", "", resource.Traits{}, v)
	seen := k.Observe(ctx, map[string]any{"veth0": nil, "tun7": nil, "tun8": nil})
	if err := seen["veth0"].Err; err == nil || err.Error() != taken {
		t.Errorf("observing a veth: %v", err)
	}
	if seen["tun7"].Got == nil || seen["tun7"].Err != nil || seen["tun8"] != (resource.Observation{}) {
		t.Errorf("observing others beside it: %+v", seen)
	}
	if err := resourcetest.Remove(ctx, v, "veth0"); err == nil || err.Error() != taken {
		t.Errorf("removing a veth: %v", err)
	}
	if err := resourcetest.Remove(ctx, v, "tun7"); err == nil || err.Error() != "the interface lacks the alias vpnd, so somebody else made it; if nobody needs it, remove it with: ip link delete dev tun7" {
		t.Errorf("removing a tun of somebody else: %v", err)
	}
	if err := resourcetest.Apply(ctx, v, "veth0", nil, Tun{}); err == nil {
		t.Error("made a tun where a veth is")
	}
	ip(t, "link show veth0")
}

func TestTunThatWasTakenOverIsGivenBackAsItWas(t *testing.T) {
	nettest.Fresh(t)
	ip(t, "tuntap add dev tun7 mode tap user nobody")
	ip(t, "addr add 10.1.0.1 peer 10.1.0.2 dev tun7")
	was := ip(t, "-d -o addr show tun7")
	got, err := resourcetest.Observe(context.Background(), TunVerbs{}, "tun7")
	if err != nil {
		t.Fatal(err)
	}
	if (TunVerbs{}).Marked("tun7", got) {
		t.Error("taken for vpnd's own")
	}
	apply(t, TunVerbs{}, "tun7", Tun{Mode: resource.Ptr("tun"), Addresses: prefixes("10.2.0.1/24")})
	apply(t, TunVerbs{}, "tun7", *got)
	back, err := resourcetest.Observe(context.Background(), TunVerbs{}, "tun7")
	if err != nil || !resource.Equal(got, back) {
		t.Errorf("was %s (%s), is %s, %v", show(got), was, show(back), err)
	}
}

func TestRoutesOutliveTheirTun(t *testing.T) {
	nettest.Fresh(t)
	apply(t, TunVerbs{}, "tun7", Tun{Up: resource.Ptr(true), Addresses: prefixes("10.1.0.1/24", "fd00:1::1/64")})
	ip(t, "route add 10.8.0.0/16 dev tun7 proto 142")
	ip(t, "route add 10.9.0.0/16 via 10.1.0.9 metric 7 table 100")
	ip(t, "route add 10.10.0.0/16 dev tun7 src 10.1.0.1")
	ip(t, "-6 route add fd00:9::/64 via fd00:1::9")
	all := func() string {
		return strings.ReplaceAll(ip(t, "route show table all")+ip(t, "-6 route show fd00:9::/64"), " linkdown", "")
	}
	// The kernel adds what belongs to an address of IPv6 a little later.
	settled := func(so func(routes string) bool) string {
		routes := all()
		for end := time.Now().Add(5 * time.Second); !so(routes) && time.Now().Before(end); routes = all() {
			time.Sleep(10 * time.Millisecond)
		}
		return routes
	}
	before := settled(func(routes string) bool { return strings.Contains(routes, "local fd00:1::1 ") })
	for _, want := range []Tun{
		{Mode: resource.Ptr("tap")},
		{User: resource.Ptr("nobody"), Addresses: prefixes("10.1.0.1/24", "10.2.0.1/24", "fd00:1::1/64")},
	} {
		apply(t, TunVerbs{}, "tun7", want)
	}
	apply(t, TunVerbs{}, "tun7", Tun{Addresses: prefixes("10.1.0.1/24", "fd00:1::1/64"), Mode: resource.Ptr("tun")})
	if after := settled(func(routes string) bool { return routes == before }); after != before {
		t.Errorf("the routes were\n%sand are\n%s", before, after)
	}
	apply(t, TunVerbs{}, "tun7", Tun{Addresses: prefixes("10.3.0.1/24")})
	if after := all(); !strings.Contains(after, "10.8.0.0/16") || strings.Contains(after, "10.10.0.0/16") {
		t.Errorf("without the address that one of them came from, the routes are\n%s", after)
	}
}

func TestUnknownUserIsNamed(t *testing.T) {
	nettest.Fresh(t)
	err := resourcetest.Apply(context.Background(), TunVerbs{}, "tun0", nil, Tun{User: resource.Ptr("nobodyknows")})
	if err == nil || err.Error() != `there is no user "nobodyknows"; create it first, or give a number` {
		t.Error(err)
	}
	if _, err := os.Stat("/sys/class/net/tun0"); err == nil {
		t.Error("left half an interface behind")
	}
}

func TestCostOfTun(t *testing.T) {
	p := resource.Ptr[string]
	got := &Tun{Mode: p("tun"), Addresses: prefixes("10.8.0.1/24"), MTU: resource.Ptr(1500), Up: resource.Ptr(true), User: p(""), Group: p(""), MultiQueue: resource.Ptr(false), Alias: p(Mark)}
	for name, c := range map[string]struct {
		got, want *Tun
		cost      resource.Effect
	}{
		"new":              {nil, got, resource.None},
		"gone":             {got, nil, resource.Restart},
		"same":             {got, got, resource.None},
		"another mode":     {got, &Tun{Mode: p("tap")}, resource.Restart},
		"another user":     {got, &Tun{User: p("nobody")}, resource.Restart},
		"off":              {got, &Tun{Up: resource.Ptr(false)}, resource.Restart},
		"one address more": {got, &Tun{Addresses: prefixes("10.8.0.1/24", "10.9.0.1/24")}, resource.None},
		"another address":  {got, &Tun{Addresses: prefixes("10.9.0.1/24")}, resource.Tunnel},
		"another mtu":      {got, &Tun{MTU: resource.Ptr(1400)}, resource.None},
	} {
		if cost := (TunVerbs{}).Cost("tun0", c.got, c.want); cost != c.cost {
			t.Errorf("%s costs %s, want %s", name, cost, c.cost)
		}
	}
}

func TestMistakesInTun(t *testing.T) {
	p := resource.Ptr[string]
	for name, good := range map[string]Tun{
		"tun0":            {Mode: p("tun"), Addresses: prefixes("10.8.0.1/24", "fd00::1/64"), MTU: resource.Ptr(1280), User: p("nobody"), Group: p("65534")},
		"tun-of-15-bytes": {MTU: resource.Ptr(68)},
	} {
		if found := good.Validate(name); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
	bad := Tun{
		Mode: p("layer2"), MTU: resource.Ptr(67), User: p("no body"),
		Addresses: prefixes("10.8.0.1/24", "10.8.0.1/24", "fe80::1/64", "0.0.0.0/0", "::ffff:10.0.0.1/120", "fd00::1/64"),
	}
	const want = `: "tunnel-of-the-office" has 20 bytes, and the name of an interface may have 15; use letters, digits, dots and dashes, as in tun0 or vpn-office
mode: "layer2" is no mode; write tun for layer 3 or tap for layer 2
mtu: an mtu of 67 is out of the range 68 to 65535; a tunnel over the internet has 1400 to 1500
user: "no body" is no user; give its name or number, or leave the line out
addresses: 10.8.0.1/24 is there twice; keep one of them
addresses: fe80::1/64 is link-local, and the kernel gives each interface one of those by itself; leave it out
addresses: 0.0.0.0/0 is no address of an interface; write an address and its prefix length, as in 10.8.0.1/24
addresses: ::ffff:10.0.0.1/120 is no address of an interface; write an address and its prefix length, as in 10.8.0.1/24
addresses: fd00::1/64 can't be used with an mtu of 67, since IPv6 needs 1280; raise mtu to 1280 or more, or leave the IPv6 addresses out
`
	if got := mistakes(bad.Validate("tunnel-of-the-office")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"", ".", "..", "a/b", "a b", "a:b", "tun%d", "tun\n", "tün"} {
		if len((&Tun{}).Validate(name)) == 0 {
			t.Errorf("%q passes for a name", name)
		}
	}
}
