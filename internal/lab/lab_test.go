package lab_test

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
)

// TestMain lets the test binary play the process that is killed, see
// TestKilledOwner.
func TestMain(m *testing.M) {
	if os.Getenv(playOwner) != "" {
		beOwner()
		return
	}
	m.Run()
}

func TestTwoHosts(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	a, b := labtest.Host(t, l, "a"), labtest.Host(t, l, "b")
	t.Logf("booted in %s and %s", a.BootTime(), b.BootTime())
	link(t, l, a, "192.0.2.1/24", b, "192.0.2.2/24")
	for h, addr := range map[*lab.Host]string{a: "2001:db8::1/64", b: "2001:db8::2/64"} {
		if err := h.Address("eth0", netip.MustParsePrefix(addr)); err != nil {
			t.Fatal(err)
		}
	}
	for _, addr := range []string{"192.0.2.2", "2001:db8::2"} {
		labtest.Run(t, a, "ping", "-c1", "-W2", addr)
	}
	if name := labtest.Run(t, b, "uname", "-n"); name != "b\n" {
		t.Errorf("b is called %q", name)
	}
}

// What a host of each release runs, by which tests know what they are about.
func TestReleases(t *testing.T) {
	t.Parallel()
	runs := map[string]string{lab.Bookworm: "12 5.9.8", lab.Trixie: "13 6.0.1"}
	labtest.OnEach(t, func(t *testing.T, release string) {
		l := labtest.Of(t, release)
		a, b := labtest.Host(t, l, "a"), labtest.Host(t, l, "b")
		t.Logf("booted in %s and %s", a.BootTime(), b.BootTime())
		link(t, l, a, "192.0.2.1/24", b, "192.0.2.2/24")
		labtest.Run(t, a, "ping", "-c1", "-W2", "192.0.2.2")
		const script = `. /etc/os-release; echo "$VERSION_ID $(dpkg-query -W -f '${Version}' strongswan-swanctl | sed 's/-.*//')"`
		if got := strings.TrimSpace(labtest.Run(t, a, "sh", "-c", script)); got != runs[release] {
			t.Errorf("%s runs %q, want %q", release, got, runs[release])
		}
		for _, unit := range []string{"ssh", "strongswan"} {
			if state := labtest.Run(t, a, "systemctl", "is-active", unit); state != "active\n" {
				t.Errorf("%s is %q", unit, state)
			}
		}
	})
}

func TestUnknownRelease(t *testing.T) {
	labtest.New(t) // skips without root
	if _, err := lab.New(t.Context(), lab.Options{Release: "buster"}); err == nil || !strings.Contains(err.Error(), `"buster", only of bookworm or trixie`) {
		t.Errorf("a lab of an unknown release says %v", err)
	}
}

// Who asked for room for one host has one at a time.
func TestNoMoreHostsThanThereIsRoomFor(t *testing.T) {
	t.Parallel()
	l := labtest.For(t, 1, lab.Bookworm)
	a := labtest.Host(t, l, "a")
	if _, err := l.Host(t.Context(), "b"); err == nil || !strings.Contains(err.Error(), "1 hosts are up, and the lab has room for 1") {
		t.Errorf("a second host says %v", err)
	}
	if err := a.Cut(); err != nil {
		t.Fatal(err)
	}
	labtest.Host(t, l, "c")
}

func TestUnits(t *testing.T) {
	t.Parallel()
	h := labtest.Host(t, labtest.New(t), "a")
	write(t, h, "/etc/systemd/system/hello.service", "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/touch /root/stopped\n")
	labtest.Run(t, h, "systemctl", "start", "hello")
	if state := labtest.Run(t, h, "systemctl", "is-active", "hello"); state != "active\n" {
		t.Errorf("hello is %q", state)
	}
	labtest.Run(t, h, "systemctl", "stop", "hello")
	read(t, h, "/root/stopped")
	labtest.Run(t, h, "systemd-run", "--on-active=100ms", "--timer-property=AccuracySec=1ms", "touch", "/root/fired")
	eventually(t, "the transient timer fires", func() bool {
		_, err := h.ReadFile("/root/fired")
		return err == nil
	})
	if owner := labtest.Run(t, h, "busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetNameOwner", "s", "org.freedesktop.systemd1"); !strings.HasPrefix(owner, "s ") {
		t.Errorf("D-Bus says %q of who systemd is", owner)
	}
}

// Two hosts in one control group stop each other's units, or fail to stop
// their own.
func TestControlGroupsApart(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	a, b := labtest.Host(t, l, "a"), labtest.Host(t, l, "b")
	for _, h := range []*lab.Host{a, b} {
		labtest.Run(t, h, "systemd-run", "--unit=same", "sleep", "infinity")
	}
	labtest.Run(t, a, "systemctl", "stop", "same")
	if state := labtest.Run(t, b, "systemctl", "is-active", "same"); state != "active\n" {
		t.Errorf("after it was stopped on a, the unit is %q on b", state)
	}
}

// A network of three hosts, and a route through one of them.
func TestNetworks(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	router, near, far := labtest.Host(t, l, "router"), labtest.Host(t, l, "near"), labtest.Host(t, l, "far")
	join := func(network string, h *lab.Host, ifname, addr string) {
		t.Helper()
		if err := l.Join(network, h, ifname, netip.MustParsePrefix(addr)); err != nil {
			t.Fatal(err)
		}
	}
	join("office", router, "eth0", "10.0.0.1/24")
	join("office", near, "eth0", "10.0.0.2/24")
	join("internet", router, "eth1", "203.0.113.1/24")
	join("internet", far, "eth0", "203.0.113.2/24")
	for h, via := range map[*lab.Host]string{near: "10.0.0.1", far: "203.0.113.1"} {
		if err := h.Route(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr(via)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := near.Run(t.Context(), "ping", "-c1", "-W1", "203.0.113.2"); err == nil {
		t.Error("a fresh host forwards")
	}
	labtest.Run(t, router, "sysctl", "-w", "net.ipv4.ip_forward=1")
	labtest.Run(t, near, "ping", "-c1", "-W2", "203.0.113.2")
}

// What a reboot keeps and what it doesn't.
func TestRestart(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	a, b := labtest.Host(t, l, "a"), labtest.Host(t, l, "b")
	link(t, l, a, "192.0.2.1/24", b, "192.0.2.2/24")
	if err := a.Route(netip.MustParsePrefix("198.51.100.0/24"), netip.MustParseAddr("192.0.2.2")); err != nil {
		t.Fatal(err)
	}
	for name, stop := range map[string]func(context.Context) error{
		"stop":     a.Stop,
		"cut":      func(context.Context) error { return a.Cut() },
		"poweroff": func(ctx context.Context) error { return within(ctx, a, "poweroff") },
		"reboot":   func(ctx context.Context) error { return within(ctx, a, "reboot") },
	} {
		t.Run(name, func(t *testing.T) {
			write(t, a, "/etc/kept", name)
			write(t, a, "/run/lost", name)
			labtest.Run(t, a, "sysctl", "-w", "net.ipv4.ip_forward=1")
			labtest.Run(t, a, "iptables", "-N", "LOST")
			began := time.Now()
			if err := stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("down after %s", time.Since(began))
			if got := read(t, b, "/sys/class/net/eth0/carrier"); got != "0\n" {
				t.Errorf("with its neighbour down, b has the carrier %q", got)
			}
			if err := a.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Logf("up after %s", a.BootTime())
			if got := read(t, a, "/etc/kept"); got != name {
				t.Errorf("the file on disk holds %q", got)
			}
			if _, err := a.ReadFile("/run/lost"); err == nil {
				t.Error("a file in /run was kept")
			}
			if got := labtest.Run(t, a, "sysctl", "-n", "net.ipv4.ip_forward"); got != "0\n" {
				t.Errorf("net.ipv4.ip_forward is %q", got)
			}
			if got := labtest.Run(t, a, "iptables-save"); strings.Contains(got, "LOST") {
				t.Errorf("the firewall was kept:\n%s", got)
			}
			if got := labtest.Run(t, a, "ip", "route", "get", "198.51.100.1"); !strings.Contains(got, "via 192.0.2.2") {
				t.Errorf("the route was lost: %s", got)
			}
			labtest.Run(t, a, "ping", "-c1", "-W2", "192.0.2.2")
			labtest.Run(t, b, "ping", "-c1", "-W2", "192.0.2.1")
		})
	}
}

// within ends the host from within and waits.
func within(ctx context.Context, h *lab.Host, how string) error {
	if _, err := h.Run(ctx, "systemctl", how); err != nil {
		return err
	}
	return h.Wait(ctx)
}

// Neither during a lab nor after it is there a mount or a link of it on the
// machine, and after it no process, control group or directory.
func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	l := labtest.New(t)
	links := linkNames(t)
	a, b := labtest.Host(t, l, "a"), labtest.Host(t, l, "b")
	link(t, l, a, "192.0.2.1/24", b, "192.0.2.2/24")
	labtest.Run(t, a, "setsid", "sh", "-c", "sleep 1000 >/dev/null 2>&1 &")
	dir := filepath.Dir(filepath.Dir(a.Console()))
	pids := []int{a.PID(), b.PID()}
	if n := len(processes(t, dir)); n < 10 {
		t.Errorf("two hosts have but %d processes, which can't be", n)
	}
	assertNoMounts(t, dir)
	if got := linkNames(t); !slices.Equal(got, links) {
		t.Errorf("links on the machine were %q and are %q", links, got)
	}
	began := time.Now()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("closed in %s", time.Since(began))
	assertGone(t, dir, pids)
	if got := linkNames(t); !slices.Equal(got, links) {
		t.Errorf("links on the machine were %q and are %q", links, got)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := l.Host(t.Context(), "c"); err == nil {
		t.Error("a closed lab boots hosts")
	}
	if err := a.Start(t.Context()); err == nil {
		t.Error("a host of a closed lab boots")
	}
}

func link(t *testing.T, l *lab.Lab, a *lab.Host, addrA string, b *lab.Host, addrB string) {
	t.Helper()
	if err := l.Link(a, "eth0", netip.MustParsePrefix(addrA), b, "eth0", netip.MustParsePrefix(addrB)); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, h *lab.Host, path, text string) {
	t.Helper()
	if err := h.WriteFile(t.Context(), path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, h *lab.Host, path string) string {
	t.Helper()
	data, err := h.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s until %s", what)
		}
	}
}

// linkNames are the machine's links of the types that a lab makes.
func linkNames(t *testing.T) []string {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range links {
		if l.Type() == "veth" || l.Type() == "bridge" {
			names = append(names, l.Attrs().Name)
		}
	}
	return names
}

// processes are those in the control groups of the lab in dir.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, file := range files {
		groups, _ := os.ReadFile(file) // or the process has just ended
		if strings.Contains(string(groups), "vpnd-lab-"+filepath.Base(dir)) {
			in = append(in, filepath.Dir(file))
		}
	}
	return in
}

func assertNoMounts(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		t.Errorf("the machine has mounts of the lab:\n%s", mounts)
	}
}

func assertGone(t *testing.T, dir string, pids []int) {
	t.Helper()
	if left := processes(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("the init process %d is alive", pid)
		}
	}
	assertNoMounts(t, dir)
	groups, _ := filepath.Glob("/sys/fs/cgroup/*/vpnd-lab-" + filepath.Base(dir) + "*")
	if len(groups) > 0 {
		t.Errorf("control groups are left: %q", groups)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}
