package confirm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vishvananda/netns"

	"vpnd/internal/nettest"
)

// TestMain keeps the first thread to itself: one that a test took into another
// network namespace would be what /proc/self speaks of.
func TestMain(m *testing.M) {
	runtime.LockOSThread()
	nettest.Main(m)
}

// sequence is a probe that fails where the word has an x, over and over from
// the last letter on.
func sequence(name, word string) Probe {
	i := -1
	return Probe{Name: name, Try: func(context.Context) error {
		i = min(i+1, len(word)-1)
		if word[i] == 'x' {
			return errors.New("lost")
		}
		return nil
	}}
}

func TestWatch(t *testing.T) {
	for word, want := range map[string]string{
		"......":      "5s",
		"x.....":      "5s",
		"xx.xx.":      "5s",
		"xxx":         "2s a lost",
		"..xxx":       "4s a lost",
		".....x.":     "6s",
		".....xxx":    "7s a lost",
		".x.x.x.x.x.": "6s",
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			err := Watch(t.Context(), []Probe{sequence("b", "."), sequence("a", word)})
			got := time.Since(began).String()
			if err != nil {
				got += " a lost"
				if want := "before the apply a, and now not: lost"; err.Error() != want {
					t.Errorf("%q instead of %q", err, want)
				}
			}
			if got != want {
				t.Errorf("%s: %s instead of %s", word, got, want)
			}
		})
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := Watch(ctx, []Probe{sequence("a", ".")}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 1500*time.Millisecond {
			t.Error(err, time.Since(began))
		}
	})
}

func TestWorking(t *testing.T) {
	var names []string
	for _, p := range Working(t.Context(), []Probe{sequence("works", "."), sequence("slow", "x."), sequence("fails", "x")}) {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); got != "works slow" {
		t.Error(got)
	}
}

// A probe that hangs takes no longer than one may.
func TestTryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		errs := try(t.Context(), []Probe{{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}})
		if errs[0] == nil || time.Since(began) != tryTime {
			t.Error(errs, time.Since(began))
		}
	})
}

// far is another host, in a network namespace, on a link.
type far struct{ t *testing.T }

func newFar(t *testing.T) far {
	nettest.Need(t)
	f := far{t}
	f.ip("netns add far")
	f.ip("link add near0 type veth peer name far0 netns far")
	f.ip("addr add 192.0.2.2/24 dev near0")
	f.ip("-6 addr add 2001:db8::2/64 dev near0 nodad")
	f.ip("link set near0 up")
	f.ip("-n far addr add 192.0.2.1/24 dev far0")
	f.ip("-n far -6 addr add 2001:db8::1/64 dev far0 nodad")
	f.ip("-n far link set far0 up")
	t.Cleanup(func() {
		f.ip("link del near0")
		f.ip("netns del far")
	})
	for _, addr := range []string{"192.0.2.1", "2001:db8::1"} {
		for range 10 { // a link that has just come up may lose packets
			if try(t.Context(), []Probe{pingProbe("far", netip.MustParseAddr(addr))})[0] == nil {
				break
			}
		}
	}
	return f
}

func (f far) ip(args string) {
	f.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		f.t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// cut takes the other host off the link.
func (f far) cut() { f.t.Helper(); f.ip("-n far link set far0 down") }

func names(probes []Probe) string {
	var b strings.Builder
	for _, p := range probes {
		fmt.Fprintln(&b, p.Name)
	}
	return b.String()
}

func TestGateways(t *testing.T) {
	f := newFar(t)
	if got := gateways(); len(got) > 0 {
		t.Errorf("without a default route: %s", names(got))
	}
	f.ip("route add default via 192.0.2.1")
	f.ip("-6 route add default via 2001:db8::1")
	f.ip("route add 198.51.100.0/24 via 192.0.2.77")
	probes := gateways()
	want := "the gateway 192.0.2.1 answered a ping\nthe gateway 192.0.2.1 was there on its link\n" +
		"the gateway 2001:db8::1 answered a ping\nthe gateway 2001:db8::1 was there on its link\n"
	if got := names(probes); got != want {
		t.Errorf("got:\n%s", got)
	}
	if works := names(Working(t.Context(), probes)); works != want {
		t.Errorf("of these work:\n%s", works)
	}
	f.cut()
	began := time.Now()
	if err := Watch(t.Context(), probes); err == nil || !strings.Contains(err.Error(), "answered a ping, and now not") {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("noticed after %s", took)
	}
	// A gateway that answers no pings is missed on its link.
	missed := false
	for bound := time.Now().Add(15 * time.Second); !missed && time.Now().Before(bound); time.Sleep(100 * time.Millisecond) {
		missed = try(t.Context(), probes[1:2])[0] != nil
	}
	if !missed {
		t.Error("the neighbour is not missed")
	}
}

// listen opens a listener on the other host.
func (f far) listen() net.Listener {
	f.t.Helper()
	var l net.Listener
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends in that namespace
		ns, err := netns.GetFromName("far")
		if err == nil {
			err = errors.Join(netns.Set(ns), ns.Close())
		}
		if err == nil {
			l, err = net.Listen("tcp", "192.0.2.1:0")
		}
		done <- err
	}()
	if err := <-done; err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { l.Close() })
	return l
}

// The kernel tells whether the client of an SSH session acknowledges what it is
// sent; here the client is the other host.
func TestSession(t *testing.T) {
	f := newFar(t)
	l := f.listen()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s := sessionOf(conn)
	t.Setenv("SSH_CONNECTION", fmt.Sprintf("%s %d %s %d", s.peer.Addr(), s.peer.Port(), s.local.Addr(), s.local.Port()))
	if err := s.alive(); err != nil {
		t.Errorf("idle: %v", err)
	}
	said(t, conn)
	if err := s.alive(); err != nil {
		t.Errorf("at work: %v", err)
	}
	f.cut()
	if err := s.alive(); err != nil {
		t.Errorf("nothing was sent since the cut, and so nothing is known: %v", err)
	}
	said(t, conn)
	began := time.Now()
	for s.alive() == nil && time.Since(began) < 5*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.alive(); err == nil || !strings.Contains(err.Error(), "does not acknowledge") {
		t.Errorf("cut: %v", err)
	}
	t.Logf("noticed after %s", time.Since(began).Round(10*time.Millisecond))
	f.ip("-n far link set far0 up")
	for s.alive() != nil && time.Since(began) < 15*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.alive(); err != nil {
		t.Errorf("joined again: %v", err)
	}
	if _, err := client.Read(make([]byte, 100)); err != nil { // or its end would be a reset
		t.Fatal(err)
	}
	client.Close()
	for s.alive() == nil && time.Since(began) < 20*time.Second {
		time.Sleep(50 * time.Millisecond)
	}
	if err := s.alive(); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("closed by the client: %v", err)
	}
	conn.Close()
	if err := s.alive(); err == nil || !strings.Contains(err.Error(), "gone") && !strings.Contains(err.Error(), "closed") {
		t.Errorf("gone: %v", err)
	}
}

func sessionOf(conn net.Conn) session {
	addr := func(a net.Addr) netip.AddrPort {
		p := a.(*net.TCPAddr).AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return session{peer: addr(conn.RemoteAddr()), local: addr(conn.LocalAddr())}
}

func said(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte("working ...")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
}

// A server that listens on both families at once has its IPv4 connections in
// the table of IPv6.
func TestSessionOverBothFamilies(t *testing.T) {
	for listen, dial := range map[string]string{"::": "127.0.0.1", "::1": "::1", "127.0.0.1": "127.0.0.1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(listen, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		conn, err := net.Dial("tcp", net.JoinHostPort(dial, port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if err := sessionOf(server).alive(); err != nil {
			t.Errorf("%s by %s: %v", listen, dial, err)
		}
	}
}

func TestParseSession(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7 50000 192.0.2.1 22":           "192.0.2.7:50000 192.0.2.1:22",
		"::ffff:192.0.2.7 50000 192.0.2.1 22":    "192.0.2.7:50000 192.0.2.1:22",
		"fe80::1%eth0 50000 fe80::2%eth0 22":     "[fe80::1%eth0]:50000 [fe80::2%eth0]:22",
		"":                                       "",
		"192.0.2.7 50000 192.0.2.1":              "",
		"UNKNOWN 65535 UNKNOWN 65535":            "",
		"192.0.2.7 500000 192.0.2.1 22":          "",
		"192.0.2.7 50000 192.0.2.1 22 and so on": "",
	} {
		s, ok := parseSession(text)
		got := ""
		if ok {
			got = fmt.Sprint(s.peer, s.local)
		}
		if got != want {
			t.Errorf("%q: %q instead of %q", text, got, want)
		}
	}
}

// sudo takes the environment away; the shell before it still has it.
func TestSessionOfAParent(t *testing.T) {
	if os.Getenv("VPND_TEST_SESSION") != "" {
		s, ok := sshSession()
		fmt.Printf("session %v %v\n", s.peer, ok)
		return
	}
	cmd := exec.Command("/bin/sh", "-c", `env -u SSH_CONNECTION -u VPND_NETTEST VPND_TEST_SESSION=1 "$0" -test.run '^TestSessionOfAParent$'; exit $?`, os.Args[0])
	cmd.Env = append(os.Environ(), "SSH_CONNECTION=192.0.2.7 50000 192.0.2.1 22")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "session 192.0.2.7:50000 true") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSSHServer(t *testing.T) {
	for answer, want := range map[string]string{"SSH-2.0-OpenSSH_9.2\r\n": "", "HTTP/1.1 400": "does not speak SSH", "": "says nothing"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := l.Accept(); err == nil {
				_, _ = conn.Write([]byte(answer))
				conn.Close()
			}
		}()
		err = try(t.Context(), []Probe{sshProbe(l.Addr().(*net.TCPAddr).AddrPort())})[0]
		l.Close()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", answer, err)
		}
	}
}
