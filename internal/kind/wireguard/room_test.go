package wireguard

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

// userspace runs the very code of wireguard-go, in this process and in the room,
// so that what is told it goes by its own socket.
type userspace struct {
	testing.TB
	mu  sync.Mutex
	all map[string]func()
}

func (u *userspace) start(_ context.Context, name string) error {
	t, err := tun.CreateTUN(name, device.DefaultMTU)
	if err != nil {
		return err
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	file, err := ipc.UAPIOpen(name)
	if err != nil {
		return err
	}
	l, err := ipc.UAPIListen(name, file)
	if err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.IpcHandle(c)
		}
	}()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.all[name] = func() { l.Close(); d.Close() }
	return nil
}

func (u *userspace) stop(_ context.Context, name string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if end := u.all[name]; end != nil {
		end()
	}
	delete(u.all, name)
	_ = os.Remove(filepath.Join(sockets, name+".sock"))
	return nil
}

// A room has interfaces of WireGuard in user space, keys in files, and a clock.
type room struct {
	testing.TB
	Verbs
	dir   string
	hosts map[string]string // addresses by names
	now   time.Time
	users *userspace
}

func newRoom(t testing.TB) *room {
	nettest.Need(t)
	u := &userspace{TB: t, all: make(map[string]func())}
	r := &room{TB: t, dir: t.TempDir(), hosts: make(map[string]string), now: time.Now(), users: u}
	r.Verbs = Verbs{
		Run:    filepath.Join(t.TempDir(), "run"),
		Open:   func() (Control, error) { return wgctrl.New() },
		Start:  u.start,
		Stop:   u.stop,
		Kernel: func() bool { return false },
		Clock:  func() time.Time { return r.now },
		Lookup: r.lookup,
	}
	t.Cleanup(func() {
		for name := range u.all {
			_ = u.stop(context.Background(), name)
		}
	})
	return r
}

func (r *room) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	if a, ok := r.hosts[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// key writes a new key and its public key, and returns the path of the first.
func (r *room) key(name string) string {
	r.Helper()
	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		r.Fatal(err)
	}
	r.put(name, key.String()+"\n")
	r.put(name+".pub", key.PublicKey().String()+"\n")
	return filepath.Join(r.dir, name)
}

func (r *room) put(name, content string) string {
	r.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
	return path
}

func (r *room) public(path string) string {
	r.Helper()
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		r.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// normal is the wish as the engine has it.
func (r *room) normal(name string, want Interface) *Interface {
	r.Helper()
	all, err := r.Normalize(r.Context(), map[string]*Interface{name: &want})
	if err != nil {
		r.Fatal(err)
	}
	return all[name]
}

// diffs tells what is not as wished.
func (r *room) diffs(name string, want Interface) string {
	r.Helper()
	wish := r.normal(name, want)
	var lines []string
	for _, d := range resource.Compare(r.see(name, wish), wish) {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", d.Attribute, d.Before, d.After))
	}
	return strings.Join(lines, "\n")
}

func (r *room) see(name string, wish *Interface) *Interface {
	r.Helper()
	got, err := r.Observe(r.Context(), map[string]*Interface{name: wish})
	if err != nil {
		r.Fatal(err)
	}
	return got[name]
}

func (r *room) make(name string, want Interface) {
	r.Helper()
	if err := r.try(name, want); err != nil {
		r.Fatal(err)
	}
	if left := r.diffs(name, want); left != "" {
		r.Fatalf("it still differs:\n%s", left)
	}
}

func (r *room) try(name string, want Interface) error {
	r.Helper()
	wish := r.normal(name, want)
	return r.Apply(r.Context(), []resource.Item[Interface]{{Name: name, Got: r.see(name, wish), Want: *wish}})
}

func (r *room) device(name string) *wgtypes.Device {
	r.Helper()
	d, err := r.ask(r.Context(), name, Userspace)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// wg changes an interface behind vpnd's back.
func (r *room) wg(name string, c wgtypes.Config) {
	r.Helper()
	control, err := wgctrl.New()
	if err != nil {
		r.Fatal(err)
	}
	defer control.Close()
	if err := control.ConfigureDevice(name, c); err != nil {
		r.Fatal(err)
	}
}

func (r *room) ip(args string) string {
	r.Helper()
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		r.Fatalf("ip %s: %v: %s", args, err, out)
	}
	return string(out)
}

func nets(all ...string) []netip.Prefix {
	list := []netip.Prefix{}
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func p[T any](v T) *T { return &v }

func TestInterfaceKeepsTheContract(t *testing.T) {
	r := newRoom(t)
	a, b := r.key("a"), r.key("b")
	own, other := r.key("own"), r.key("other")
	psk := r.put("psk", "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n")
	resourcetest.Conform(t, r.Verbs, resourcetest.Case[Interface]{
		Name: "wg-of-15-bytes_",
		First: Interface{
			Key: &own, Backend: p(auto), Listen: p(51820), Addresses: nets("10.20.0.1/24", "fd00:20::1/64"), Up: p(true),
			Peers: []Peer{
				{Name: "b", KeyFile: p(b + ".pub"), Networks: nets("10.20.0.3/32", "fd00:20::3/128"), PSKFile: &psk},
				{Name: "a", PublicKey: p(r.public(a)), Endpoint: p("192.0.2.1:51820"), Networks: nets("10.20.0.2/32", "10.9.0.0/16"), Keepalive: p(25 * resource.Duration(time.Second))},
			},
		},
		Second: Interface{
			Key: &other, Backend: p(Userspace), Listen: p(51821), Mark: p(7), MTU: p(1380), Addresses: nets("10.20.0.2/24"), Up: p(false),
			Peers: []Peer{
				{Name: "a", PublicKey: p(r.public(a)), Endpoint: p("[2001:db8::1]:51820"), Networks: nets("10.20.0.2/32")},
				{Name: "c", KeyFile: p(r.key("c") + ".pub"), Networks: nets("10.9.0.0/16")},
			},
		},
	})
}

// The kernel's own data plane keeps the contract as that of wireguard-go does, and is
// what carries the packets where nobody says otherwise.
func TestDebianKernelCarriesWireGuard(t *testing.T) {
	nettest.Kernel(t)
	r := newRoom(t)
	r.Kernel = KernelHas
	a, own := r.key("a"), r.key("own")
	psk := r.put("psk", "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=\n")
	resourcetest.Conform(t, r.Verbs, resourcetest.Case[Interface]{
		Name: "wg0",
		First: Interface{
			Key: &own, Backend: p(auto), Listen: p(51820), Mark: p(7), Addresses: nets("10.20.0.1/24", "fd00:20::1/64"), Up: p(true),
			Peers: []Peer{{Name: "a", KeyFile: p(a + ".pub"), PSKFile: &psk, Endpoint: p("192.0.2.1:51820"), Networks: nets("10.20.0.2/32"), Keepalive: p(25 * second)}},
		},
		Second: Interface{Key: &own, Backend: p(Kernel), Listen: p(51821), MTU: p(1380), Addresses: nets("10.20.0.1/24"), Up: p(true), Peers: []Peer{}},
	})
	if is, err := link.Interfaces(); err != nil || is["wg0"].Type != "" {
		t.Errorf("left: %+v, %v", is["wg0"], err)
	}
	want := r.twoPeers()
	r.hosts["vpn.example.com"] = "192.0.2.7"
	r.make("wg0", want)
	if is, err := link.Interfaces(); err != nil || is["wg0"].Type != "wireguard" {
		t.Errorf("it is carried by %+v, %v", is["wg0"], err)
	}
	if err := r.Remove(t.Context(), []string{"wg0"}); err != nil {
		t.Error(err)
	}
}
