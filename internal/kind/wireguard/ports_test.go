package wireguard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/nettest"
	"vpnd/internal/process"
	"vpnd/internal/resource"
)

// Two interfaces change their ports by one apply, whichever is made first.
func TestPortsChangePlaces(t *testing.T) {
	changePlaces(newRoom(t))
}

// As they do in the kernel.
func TestDebianKernelPortsChangePlaces(t *testing.T) {
	nettest.Kernel(t)
	r := newRoom(t)
	r.Kernel = KernelHas
	changePlaces(r)
}

func changePlaces(r *room) {
	r.Helper()
	at := func(name string, port int) Interface {
		return Interface{Key: p(r.dir + "/" + name), Backend: p(auto), Listen: &port, Up: p(true), Peers: []Peer{}}
	}
	for name, port := range map[string]int{"wg0": 51820, "wg1": 51821, "wg2": 51822} {
		r.key(name)
		r.make(name, at(name, port))
		r.Cleanup(func() { _ = r.Remove(r.Context(), []string{name}) })
	}
	for _, moves := range [][3]int{{51821, 51820, 51822}, {51820, 51822, 51821}, {51822, 51821, 51830}} {
		for i, name := range []string{"wg0", "wg1", "wg2"} {
			if err := r.try(name, at(name, moves[i])); err != nil {
				r.Errorf("to %v: %s: %v", moves, name, err)
			}
		}
		for i, name := range []string{"wg0", "wg1", "wg2"} {
			if left := r.diffs(name, at(name, moves[i])); left != "" {
				r.Errorf("to %v: %s: %s", moves, name, left)
			}
		}
	}
}

// An interface that somebody else made keeps its port, as one does that is to keep it.
func TestNobodyElseMakesRoom(t *testing.T) {
	r := newRoom(t)
	if err := r.users.start(t.Context(), "wg9"); err != nil {
		t.Fatal(err)
	}
	r.ip("link set wg9 up")
	r.wg("wg9", wgtypes.Config{ListenPort: p(51999), PrivateKey: p(wgtypes.Key{8})})
	r.listening(51999)
	want := Interface{Key: p(r.key("own")), Backend: p(auto), Listen: p(51999), Up: p(true)}
	off := want
	off.Up = p(false)
	for _, one := range []Interface{want, off} {
		if err := r.try("wg8", one); err == nil || !strings.Contains(err.Error(), "the port is taken") {
			t.Errorf("it listens where another one does: %v", err)
		}
	}
	if d := r.device("wg9"); d.ListenPort != 51999 {
		t.Errorf("what is not vpnd's was moved to port %d", d.ListenPort)
	}
	moves := resource.Prospect{Coming: map[resource.ID]resource.Arrival{{Kind: "wireguard_interface", Name: "wg9"}: {}}}
	is, err := link.Interfaces()
	if err != nil || is["wg9"].Alias == link.Mark {
		t.Fatal(is["wg9"], err)
	}
	if _, made := is["wg8"]; made {
		t.Error("what could hear nothing was made")
	}
	if m := r.port(t.Context(), "wg8", want, moves); m == nil {
		t.Error("the port of one that is taken over is free")
	}
}

// listening waits until somebody has the port: a program of WireGuard takes it once it has
// noticed that its interface is on.
func (r *room) listening(port uint16) {
	r.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if slices.ContainsFunc(process.Listening("udp"), func(s process.Socket) bool { return s.At.Port() == port }) {
			return
		}
	}
	r.Fatalf("nobody listens at port %d", port)
}
