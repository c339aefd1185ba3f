package confirm

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"vpnd/internal/config/settings"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// check is one that is tried once, for at most a second.
func check(name string) settings.Check {
	return settings.Check{
		Name: name, Retries: new(int), Interval: new(resource.Duration), Timeout: resource.Ptr(resource.Duration(time.Second)),
	}
}

func command(name string, argv ...string) settings.Check {
	c := check(name)
	c.Command = argv
	return c
}

func TestRun(t *testing.T) {
	nettest.Need(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	shut := "127.0.0.1:1"
	defer l.Close()
	tcp := func(name, address string) settings.Check {
		c := check(name)
		c.TCP = &address
		return c
	}
	ping := func(name, address string) settings.Check {
		c := check(name)
		c.Ping = resource.Ptr(netip.MustParseAddr(address))
		return c
	}
	resolve := func(name, host string) settings.Check {
		c := check(name)
		c.Resolve = &host
		return c
	}
	all := tcp("all", open)
	all.Command = []string{"/bin/false"}
	unit := check("unit")
	unit.Unit = resource.Ptr("ssh.service")
	checks := []settings.Check{
		tcp("open", open), tcp("shut", shut), ping("itself", "127.0.0.1"), ping("itself too", "::1"), ping("nobody", "192.0.2.9"),
		resolve("localhost", "localhost"), resolve("nowhere", "nowhere.invalid"),
		command("true", "/bin/true"), command("why", "/bin/sh", "-c", "printf 'first\\nthe \\033[1mlast\\n' >&2; exit 3"),
		command("mute", "/bin/sh", "-c", "exit 4"), command("missing", "/does/not/exist"),
		command("hangs", "/bin/sh", "-c", "sleep 60 & sleep 60"), unit, all,
	}
	began := time.Now()
	var got strings.Builder
	for _, f := range new(Checker).Run(t.Context(), checks) {
		got.WriteString(f.Check.Name + ": " + f.Err.Error() + "\n")
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s", took)
	}
	lines := strings.Split(strings.TrimSpace(got.String()), "\n")
	want := []string{
		"shut: dial tcp 127.0.0.1:1: connect: connection refused",
		"nobody: 192.0.2.9: ",
		"nowhere: resolving: ",
		"why: /bin/sh: exit status 3",
		"mute: /bin/sh: exit status 4",
		"missing: /does/not/exist: fork/exec /does/not/exist: no such file or directory",
		"hangs: /bin/sh has not ended in time",
		"unit: reaching systemd: ",
		"all: /bin/false: exit status 1",
	}
	if len(lines) != len(want) {
		t.Fatalf("got:\n%s", got.String())
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) || strings.Contains(line, "last") {
			t.Errorf("%q instead of %q", line, want[i])
		}
	}
}

// What needs a moment is given it.
func TestRetries(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	script := `echo >>"$0"; test "$(wc -l <"$0")" -ge 3`
	c := command("third time", "/bin/sh", "-c", script, count)
	*c.Retries = 1
	if failures := new(Checker).Run(t.Context(), []settings.Check{c}); len(failures) != 1 {
		t.Error("it was tried more than twice")
	}
	os.Remove(count)
	*c.Retries = 2
	if failures := new(Checker).Run(t.Context(), []settings.Check{c}); len(failures) != 0 {
		t.Error(failures[0].Err)
	}
	if data, err := os.ReadFile(count); err != nil || len(data) != 3 {
		t.Errorf("%v, %d tries", err, len(data))
	}
}

func TestWhatACommandSaysIsKeptApart(t *testing.T) {
	failures := new(Checker).Run(t.Context(), []settings.Check{command("why", "/bin/sh", "-c", "printf 'first\\nthe \\033[1mlast\\n' >&2; exit 3")})
	var e *CommandError
	if len(failures) != 1 || !errors.As(failures[0].Err, &e) || e.Said != "the  [1mlast" || e.Error() != "/bin/sh: exit status 3" {
		t.Errorf("%+v", failures)
	}
}

func TestTunnelIsUp(t *testing.T) {
	nettest.Need(t)
	c := check("tunnel")
	c.Tunnel = resource.Ptr(settings.Tunnel("tun7"))
	fails := func(want string) {
		t.Helper()
		got := "untried"
		for began := time.Now(); got != want; time.Sleep(20 * time.Millisecond) { // the kernel tells of carriers later
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%q instead of %q", got, want)
			}
			got = ""
			if failures := new(Checker).Run(t.Context(), []settings.Check{c}); len(failures) > 0 {
				got = failures[0].Err.Error()
			}
		}
	}
	fails("there is no interface tun7")
	tun := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "tun7"}, Mode: netlink.TUNTAP_MODE_TUN, Queues: 1, Flags: netlink.TUNTAP_DEFAULTS}
	if err := netlink.LinkAdd(tun); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = netlink.LinkDel(tun) })
	held := tun.Fds[0]
	defer held.Close()
	fails("the interface tun7 is down")
	if err := netlink.LinkSetUp(tun); err != nil {
		t.Fatal(err)
	}
	fails("")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	fails("no program holds the interface tun7 open")
}

// Whoever breaks a round off does not wait for the tries that were left.
func TestRetriesEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := command("never", "/bin/false")
	*c.Retries, *c.Interval = 1000, resource.Duration(time.Hour)
	ended := make(chan []Failure, 1)
	go func() { ended <- new(Checker).Run(ctx, []settings.Check{c}) }()
	select {
	case failures := <-ended:
		if len(failures) != 1 {
			t.Error("it holds")
		}
	case <-time.After(20 * time.Second):
		t.Error("it goes on")
	}
}

func TestACheckThatHangsIsKilledWithItsChildren(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	if failures := new(Checker).Run(t.Context(), []settings.Check{command("hangs", "/bin/sh", "-c", `sleep 100 & echo $! >"$0"; wait`, file)}); len(failures) != 1 {
		t.Fatal("it holds")
	}
	child, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("its child lives on")
		}
	}
}

// A command may say much, of which only the end is kept.
func TestOfWhatACommandSaysTheEndIsKept(t *testing.T) {
	var said tail
	for range 1000 {
		if n, err := said.Write([]byte("again and again\n")); n != 16 || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = said.Write([]byte("at last"))
	if len(said.end) > tailSize || said.line() != "at last" {
		t.Errorf("%d bytes are kept: %q", len(said.end), said.line())
	}
}
