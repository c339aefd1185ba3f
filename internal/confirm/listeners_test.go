package confirm

import (
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// serve listens, and says words to whoever comes.
func serve(t *testing.T, at, words string) netip.AddrPort {
	t.Helper()
	at4 := nettest.Serve(t, "tcp", at, func(conn net.Conn) {
		_, _ = conn.Write([]byte(words))
		_, _ = io.Copy(io.Discard, conn) // until they go
	}).(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at4.Addr().Unmap(), at4.Port())
}

func find(t *testing.T, at string) (found []Listener) {
	t.Helper()
	for _, l := range Listeners() {
		if l.At == netip.MustParseAddrPort(at) {
			found = append(found, l)
		}
	}
	return found
}

func port(a netip.AddrPort) string { _, p, _ := net.SplitHostPort(a.String()); return p }

func TestListeners(t *testing.T) {
	newFar(t)
	here, everywhere := serve(t, "192.0.2.2:0", ""), serve(t, "[::]:0", "")
	serve(t, "127.0.0.1:0", "")
	for at, link := range map[string]string{
		here.String(): "near0", "192.0.2.2:" + port(everywhere): "", "[2001:db8::2]:" + port(everywhere): "",
	} {
		found := find(t, at)
		if len(found) != 1 || found[0].Link != link || len(found[0].Units) == 0 || found[0].name == "" {
			t.Errorf("%s: %+v", at, found)
		}
	}
	if all := Listeners(); len(all) != 3 {
		t.Errorf("%+v", all)
	}
}

// A service is missed where a rule keeps its port, where it is gone, and where
// it only takes connections and no longer speaks.
func TestServiceProbes(t *testing.T) {
	newFar(t)
	silent, speaks := serve(t, "192.0.2.2:0", ""), serve(t, "192.0.2.2:0", "hello\n")
	probes := serviceProbes(t.Context(), []Listener{{At: silent}, {At: speaks, name: "greeter"}})
	for i, err := range try(t.Context(), probes) {
		if err != nil {
			t.Errorf("%s: %v", probes[i].Name, err)
		}
	}
	if want := "greeter on " + speaks.String() + " answered"; probes[1].Name != want {
		t.Errorf("%q instead of %q", probes[1].Name, want)
	}
	rule := strings.Fields("INPUT -p tcp --dport " + port(silent) + " -j DROP")
	iptables := func(how string) {
		t.Helper()
		if out, err := exec.Command("iptables", append([]string{"-w", how}, rule...)...).CombinedOutput(); err != nil {
			t.Fatalf("iptables: %v: %s", err, out)
		}
	}
	iptables("-A")
	if errs := try(t.Context(), probes); errs[0] == nil || errs[1] != nil || !strings.Contains(errs[0].Error(), "--no-probes") {
		t.Errorf("behind a rule: %v", errs)
	}
	iptables("-D")

	if err := try(t.Context(), []Probe{Listener{At: silent}.probe(true)})[0]; err == nil || !strings.Contains(err.Error(), "no longer speaks") {
		t.Errorf("mute: %v", err)
	}
	if err := try(t.Context(), []Probe{Listener{At: netip.AddrPortFrom(silent.Addr(), 9)}.probe(false)})[0]; err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("gone: %v", err)
	}
}
