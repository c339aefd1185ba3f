package sysctl

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

const kernel = "/proc/sys"

// host returns verbs on the real kernel, in a network of its own, and an empty
// root for the files.
func host(t *testing.T) Verbs {
	t.Helper()
	nettest.Need(t)
	return Verbs{Root: image(t).Root, Proc: kernel}
}

func image(t *testing.T) Verbs {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"/etc/sysctl.d", "/usr/lib/sysctl.d", "/usr/lib/systemd"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, "/usr/lib/systemd/systemd-sysctl", "")
	return Verbs{Root: root}
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wish(value string) Sysctl { return Sysctl{Value: &value} }

// ours are verbs to which a key is there when vpnd has a file for it, since
// the kernel always has it: so its life can be told as that of any other thing.
type ours struct{ Verbs }

func (o ours) Observe(ctx context.Context, wants map[string]*Sysctl) (map[string]*Sysctl, error) {
	all, err := o.Verbs.Observe(ctx, wants)
	for name, got := range all {
		if !o.Marked(name, got) {
			delete(all, name)
		}
	}
	return all, err
}

func TestConform(t *testing.T) {
	cases := map[string]resourcetest.Case[Sysctl]{
		"a switch":   {Name: "net.ipv4.ip_forward", First: wish("1"), Second: wish("0")},
		"numbers":    {Name: "net.ipv4.tcp_rmem", First: wish("4096  131072\t6291456"), Second: wish("4096 65536 1000000")},
		"a list":     {Name: "net.ipv4.ip_local_reserved_ports", First: wish("8080,9148-9150"), Second: wish("500")},
		"slashes":    {Name: "net/ipv6/conf/lo/accept_ra", First: wish("2"), Second: wish("0")},
		"a loopback": {Name: "net.ipv4.conf.lo.rp_filter", First: wish("1"), Second: wish("2")},
	}
	for title, c := range cases {
		t.Run(title, func(t *testing.T) { resourcetest.Conform(t, ours{host(t)}, c) })
		t.Run(title+" of an image", func(t *testing.T) { resourcetest.Conform(t, image(t), c) })
	}
}

// look observes a key that must be there.
func look(t *testing.T, v Verbs, name string) *Sysctl {
	t.Helper()
	got, err := resourcetest.Observe(t.Context(), v, name)
	if err != nil || got == nil {
		t.Fatalf("observing %s: %v, %v", name, got, err)
	}
	return got
}

// apply normalises and applies wishes in one go, given as key and value.
func apply(t *testing.T, v Verbs, wishes ...[2]string) error {
	t.Helper()
	var items []resource.Item[Sysctl]
	for _, w := range wishes {
		normal, err := v.Normalize(t.Context(), map[string]*Sysctl{w[0]: {Value: &w[1]}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := resourcetest.Observe(t.Context(), v, w[0])
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, resource.Item[Sysctl]{Name: w[0], Got: got, Want: *normal[w[0]]})
	}
	return v.Apply(t.Context(), items)
}

func TestEarlierValueComesBack(t *testing.T) {
	v, name := host(t), "net.ipv4.ip_default_ttl"
	before := look(t, v, name)
	if *before.Boot != "" || *before.Value == "" {
		t.Fatalf("%+v", resource.Describe(before))
	}
	if err := apply(t, v, [2]string{name, "77"}); err != nil {
		t.Fatal(err)
	}
	after := look(t, v, name)
	if *after.Value != "77" || *after.Boot != "77" {
		t.Errorf("%+v", resource.Describe(after))
	}
	if err := resourcetest.Apply(t.Context(), v, name, after, *before); err != nil {
		t.Fatal(err)
	}
	if again := look(t, v, name); !resource.Equal(before, again) {
		t.Errorf("%+v", resource.Describe(again))
	}
	if files, err := os.ReadDir(filepath.Join(v.Root, "etc/sysctl.d")); err != nil || len(files) > 0 {
		t.Errorf("left behind: %v %v", files, err)
	}
}

// Turning ip_forward resets keys of all interfaces: what is wished for them
// must hold when all is done, whatever the order.
func TestForwardingDoesNotUndoOthers(t *testing.T) {
	v := host(t)
	for _, on := range []string{"1", "0", "1"} {
		wishes := [][2]string{
			{"net.ipv4.conf.all.accept_redirects", on},
			{"net.ipv4.conf.default.forwarding", map[string]string{"1": "0", "0": "1"}[on]},
			{"net.ipv4.conf.lo.forwarding", map[string]string{"1": "0", "0": "1"}[on]},
			{"net.ipv4.ip_forward", on},
		}
		if err := apply(t, v, wishes...); err != nil {
			t.Fatal(err)
		}
		for _, w := range wishes {
			if got := look(t, v, w[0]); *got.Value != w[1] {
				t.Errorf("with ip_forward %s, %s is %s instead of %s", on, w[0], *got.Value, w[1])
			}
		}
	}
}

func TestKeyOfInterface(t *testing.T) {
	v, name := host(t), "net.ipv4.conf.vpn/7.rp_filter"
	if got, err := resourcetest.Observe(t.Context(), v, name); got != nil || err != nil {
		t.Fatalf("%v %v", got, err)
	}
	err := apply(t, v, [2]string{name, "2"})
	if want := "there is no interface vpn.7 now; it must be there first, so let this block depend on the one that makes it"; err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if got := look(t, v, name); *got.Boot != "2" || *got.Value != "" {
		t.Errorf("%+v", resource.Describe(got))
	}
	link := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "vpn.7"}, Mode: netlink.TUNTAP_MODE_TUN}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = netlink.LinkDel(link) })
	if err := apply(t, v, [2]string{name, "2"}); err != nil {
		t.Fatal(err)
	}
	if got := look(t, v, name); *got.Value != "2" {
		t.Errorf("%+v", resource.Describe(got))
	}
	data, err := os.ReadFile(filepath.Join(v.Root, "etc/sysctl.d/zz-vpnd-net.ipv4.conf.vpn~7.rp_filter.conf"))
	want := "# Made by vpnd for sysctl[\"net.ipv4.conf.vpn/7.rp_filter\"]; edits are undone. Change /etc/vpnd instead.\nnet.ipv4.conf.vpn/7.rp_filter = 2\n"
	if err != nil || string(data) != want {
		t.Errorf("%q %v", data, err)
	}
}

func TestErrorsOfTheKernel(t *testing.T) {
	v := host(t)
	for _, c := range []struct{ name, value, want string }{
		{"net.ipv4.ip_forward", "maybe", `the kernel does not accept "maybe"`},
		{"net.ipv4.ip_default_ttl", "0x40", `the kernel made "64" of "0x40"; if that is meant, write it so`},
		{"net.ipv4.no_such_key", "1", "the kernel has no such key; check its spelling, or load the module that brings it"},
	} {
		if err := apply(t, v, [2]string{c.name, c.value}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := resourcetest.Observe(t.Context(), v, "net.ipv4.conf"); err == nil || err.Error() != "this is a group of keys and no key; name one of those in it" {
		t.Error(err)
	}
}

func TestOneBadKeyDoesNotStopTheOthers(t *testing.T) {
	v := host(t)
	err := apply(t, v, [2]string{"net.ipv4.no_such_key", "1"}, [2]string{"net.ipv4.ip_default_ttl", "65"})
	named, general := resource.Split(err)
	if general != nil || len(named) != 1 || named["net.ipv4.no_such_key"] == nil {
		t.Errorf("%v", err)
	}
	if got := look(t, v, "net.ipv4.ip_default_ttl"); *got.Value != "65" {
		t.Errorf("%+v", resource.Describe(got))
	}
}

func TestEditedBootFileIsDrift(t *testing.T) {
	v, name := image(t), "net.ipv4.ip_forward"
	file := "/etc/sysctl.d/zz-vpnd-0-net.ipv4.ip_forward.conf"
	for _, edit := range []string{"net.ipv4.ip_forward = 1\n", bootText(name, "1") + "net.ipv4.tcp_syncookies = 0\n", ""} {
		if err := apply(t, v, [2]string{name, "1"}); err != nil {
			t.Fatal(err)
		}
		put(t, v.Root, file, edit)
		if got, err := resourcetest.Observe(t.Context(), v, name); err != nil || got != nil {
			t.Errorf("%q passes for ours: %v %v", edit, got, err)
		}
	}
	// A link in its place is replaced, and where it leads nothing changes.
	put(t, v.Root, "/etc/other", "precious")
	path := filepath.Join(v.Root, file)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../other", path); err != nil {
		t.Fatal(err)
	}
	if err := apply(t, v, [2]string{name, "1"}); err != nil {
		t.Fatal(err)
	}
	if got := look(t, v, name); *got.Boot != "1" {
		t.Errorf("%+v", resource.Describe(got))
	}
	if data, _ := os.ReadFile(filepath.Join(v.Root, "etc/other")); string(data) != "precious" {
		t.Errorf("%q", data)
	}
}

func TestMissingDirectoryIsSaid(t *testing.T) {
	v := Verbs{Root: t.TempDir()}
	err := apply(t, v, [2]string{"net.ipv4.ip_forward", "1"})
	if err == nil || err.Error() != `the directory /etc/sysctl.d does not exist; declare directory "/etc/sysctl.d", or install systemd or procps` {
		t.Error(err)
	}
}

// TestForwardingIsGivenBackWhole switches forwarding on and gives it back as an
// earlier observation says: what the kernel changed along with it comes back
// too, and what somebody set meanwhile stays.
func TestForwardingIsGivenBackWhole(t *testing.T) {
	v := host(t)
	nettest.Fresh(t)
	hardened, meant, meanwhile := "net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.lo.forwarding", "net.ipv4.conf.default.accept_redirects"
	for key, value := range map[string]string{hardened: "0", meant: "1"} {
		if err := v.set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	prior, err := resourcetest.Observe(context.Background(), v, "net.ipv4.ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	if err := resourcetest.Apply(context.Background(), v, "net.ipv4.ip_forward", prior, wish("1")); err != nil {
		t.Fatal(err)
	}
	if err := v.set(meanwhile, "1"); err != nil {
		t.Fatal(err)
	}
	now, err := resourcetest.Observe(context.Background(), v, "net.ipv4.ip_forward")
	if err != nil {
		t.Fatal(err)
	}
	if err := resourcetest.Apply(context.Background(), v, "net.ipv4.ip_forward", now, *prior); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"net.ipv4.ip_forward": "0", hardened: "0", meant: "1", meanwhile: "1"} {
		if got, err := v.read(key); err != nil || got != want {
			t.Errorf("%s = %s, %v, want %s", key, got, err, want)
		}
	}
}

func TestWithoutTheKernelsFilesNobodyKnowsWhatItHolds(t *testing.T) {
	v := image(t)
	v.Proc = filepath.Join(t.TempDir(), "unmounted")
	got, err := resourcetest.Observe(context.Background(), v, "net.ipv4.ip_forward")
	if got != nil && *got.Value != "" || err == nil || !strings.Contains(err.Error(), "mount /proc") {
		t.Errorf("%+v, %v", got, err)
	}
}
