package link

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

func TestWhateverHappensToATunIsHeard(t *testing.T) {
	nettest.Fresh(t)
	ip(t, "tuntap add other mode tun")
	ear := noticetest.Listen(t, TunVerbs{}, "tun0", "tun1")
	for _, args := range []string{
		"tuntap add tun0 mode tun", "link set tun0 up", "link set tun0 mtu 1400", "link set tun0 alias mine",
		"addr add 10.8.0.1/24 dev tun0", "addr del 10.8.0.1/24 dev tun0", "-6 addr add fd00::1/64 dev tun0",
		"link set tun0 down", "link set tun0 name else", "link set else name tun0", "link del tun0",
	} {
		ear.Settle()
		ip(t, args)
		if h := ear.Next(); h.Name != "tun0" {
			t.Errorf("%s: %+v", args, h)
		}
	}
	ip(t, "tuntap add tun0 mode tun")
	ear.Settle()
	ip(t, "link set tun0 name tun1")
	ear.Hear("tun1")
	ear.Quiet(func() {
		ip(t, "link set other up")
		ip(t, "addr add 10.9.0.1/24 dev other")
		ip(t, "tuntap add tun00 mode tun")
		ip(t, "link del other")
	})
}

func TestWhateverHappensToARouteIsHeard(t *testing.T) {
	network(t)
	ear := noticetest.Listen(t, RouteVerbs{}, "10.1.0.0/16", "default", "fd01::/16", "10.1.0.0/16 table 300")
	for _, c := range []struct{ args, name string }{
		{"route add 10.1.0.0/16 via 192.0.2.9", "10.1.0.0/16"},
		{"route replace 10.1.0.0/16 via 198.51.100.9", "10.1.0.0/16"},
		{"route del 10.1.0.0/16", "10.1.0.0/16"},
		{"route add default via 192.0.2.9", "default"},
		{"-6 route add fd01::/16 via 2001:db8:a::9", "fd01::/16"},
		{"route add 10.1.0.0/16 table 300 dev a0", "10.1.0.0/16 table 300"},
		{"route del 10.1.0.0/16 table 300", "10.1.0.0/16 table 300"},
	} {
		ear.Settle()
		ip(t, c.args)
		if h := ear.Next(); h.Name != c.name {
			t.Errorf("%s: %+v", c.args, h)
		}
	}
	ear.Quiet(func() {
		ip(t, "route add 10.2.0.0/16 via 192.0.2.9")
		ip(t, "route add 10.1.0.0/17 via 192.0.2.9")
		ip(t, "route add 10.1.0.0/16 table 301 via 192.0.2.9")
	})
}

// The kernel says nothing about IPv4 routes that go with their interface.
func TestARouteThatGoesWithItsInterfaceIsHeard(t *testing.T) {
	for _, args := range []string{"link set a0 down", "link del a0", "addr flush dev a0"} {
		t.Run(args, func(t *testing.T) {
			network(t)
			ip(t, "route add 10.1.0.0/16 via 192.0.2.9")
			ear := noticetest.Listen(t, RouteVerbs{}, "10.1.0.0/16")
			ear.Quiet(func() { ip(t, "link set b0 down"); ip(t, "link set b0 up"); ip(t, "link set a0 mtu 1400") })
			ip(t, args)
			ear.Next()
			ear.Settle()
			ip(t, "link set b0 down") // an interface that comes back may let the route be made
			ip(t, "link set b0 up")
			ear.Next()
		})
	}
}

func TestNewInterfacesAreNoNewsWhereAllRoutesStand(t *testing.T) {
	network(t)
	ip(t, "route add 10.1.0.0/16 via 192.0.2.9")
	ear := noticetest.Listen(t, RouteVerbs{}, "10.1.0.0/16")
	ear.Quiet(func() {
		ip(t, "link add c0 type veth peer name c1")
		ip(t, "link set c0 up")
		ip(t, "addr add 203.0.113.1/24 dev c0")
		ip(t, "link del c0")
	})
}

// TestWhoChangedARouteIsNamed holds the writer for a moment, since the kernel
// only gives its number.
func TestWhoChangedARouteIsNamed(t *testing.T) {
	network(t)
	ear := noticetest.Listen(t, RouteVerbs{}, "10.1.0.0/16")
	ear.Settle()
	cmd := exec.Command("ip", "-batch", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, "route add 10.1.0.0/16 via 192.0.2.9")
	fmt.Fprintln(in, "route show "+strings.Repeat(" ", 1<<16)) // more than it reads at once
	h := ear.Next()
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := (resource.Hint{Name: "10.1.0.0/16", By: fmt.Sprintf("ip (process %d)", cmd.Process.Pid)}); h != want {
		t.Errorf("got %+v, want %+v", h, want)
	}
	ear.Settle()
	want := Route{Via: resource.Ptr(netip.MustParseAddr("198.51.100.9"))}
	apply(t, RouteVerbs{}, "10.1.0.0/16", want)
	if h := ear.Next(); h.By != "" {
		t.Errorf("vpnd itself is taken for %s", h.By)
	}
}

func TestAnIdleNetworkWakesNobody(t *testing.T) {
	network(t)
	noticetest.Idle(t, RouteVerbs{}, "10.1.0.0/16")
	noticetest.Idle(t, TunVerbs{}, "tun0")
}

func TestLinksAndRoutesAreHeardAtOnce(t *testing.T) {
	t.Run("address", func(t *testing.T) {
		network(t)
		ear := noticetest.Listen(t, TunVerbs{}, "a0")
		ear.Delay(20, 50*time.Millisecond, func(i int) { ip(t, fmt.Sprintf("addr add 10.8.%d.1/32 dev a0", i)) })
	})
	t.Run("route", func(t *testing.T) {
		network(t)
		ear := noticetest.Listen(t, RouteVerbs{}, "10.1.0.0/16")
		ear.Delay(20, 50*time.Millisecond, func(i int) { ip(t, fmt.Sprintf("route replace 10.1.0.0/16 via 192.0.2.%d", 10+i)) })
	})
}
