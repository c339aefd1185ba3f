package sysctl

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

func do(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

func TestEveryWayToWriteAKeyIsHeard(t *testing.T) {
	v := host(t)
	do(t, "echo 0 > /proc/sys/net/ipv4/ip_forward; ip tuntap add tun3 mode tun")
	t.Cleanup(func() { do(t, "ip link del tun3; echo 0 > /proc/sys/net/ipv4/ip_forward") })
	names := []string{
		"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.tun3.send_redirects", "net.ipv4.conf.tun3.forwarding",
		"net.ipv4.conf.default.rp_filter", "net.ipv4.ip_local_port_range",
	}
	ear := noticetest.Listen(t, v, names...)
	for _, c := range []struct{ line, name string }{
		{"echo 1 > /proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward"},
		{"echo 0 > /proc/sys/net/ipv4/conf/all/forwarding", "net.ipv4.ip_forward"}, // the other name
		{"sysctl -qw net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.forwarding"},
		{"sysctl -qw net.ipv4.conf.tun3.send_redirects=0", "net.ipv4.conf.tun3.send_redirects"},
		{"sysctl -qw net.ipv4.conf.tun3.forwarding=1", "net.ipv4.conf.tun3.forwarding"},
		{"sysctl -qw net.ipv4.conf.default.rp_filter=2", "net.ipv4.conf.default.rp_filter"},
		{"sysctl -qw net.ipv4.ip_local_port_range='1025 65000'", "net.ipv4.ip_local_port_range"},
	} {
		ear.Settle()
		do(t, c.line)
		ear.Hear(c.name)
	}
	ear.Quiet(func() {
		do(t, "sysctl -a >/dev/null 2>&1; sysctl -qw net.ipv4.conf.lo.send_redirects=0 net.ipv4.ip_default_ttl=63")
		do(t, "ip tuntap add tun4 mode tun; ip link del tun4")
	})
}

// The kernel resets keys of all interfaces with that of forwarding, and says so
// of none of them.
func TestForwardingConcernsEveryKeyOfItsFamily(t *testing.T) {
	v := host(t)
	do(t, "echo 0 > /proc/sys/net/ipv4/ip_forward") // what is there already changes nothing
	t.Cleanup(func() { do(t, "echo 0 > /proc/sys/net/ipv4/ip_forward") })
	ear := noticetest.Listen(t, v, "net.ipv4.conf.lo.accept_redirects")
	ear.Settle()
	do(t, "echo 1 > /proc/sys/net/ipv4/ip_forward")
	ear.Next()
	ear.Quiet(func() { do(t, "sysctl -qw net.ipv6.conf.all.forwarding=1; sysctl -qw net.ipv6.conf.all.forwarding=0") })
}

// Another mount of /proc has other inodes: inotify is blind, netlink is not.
func TestAWriteThroughAnotherProcIsHeard(t *testing.T) {
	v := host(t)
	do(t, "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.lo.rp_filter=0") // what is there already changes nothing
	ear := noticetest.Listen(t, v, "net.ipv4.ip_forward", "net.ipv4.conf.lo.rp_filter")
	ear.Settle()
	const other = "/run/other-proc" // of this room, and gone with it
	do(t, "mkdir "+other+" && mount -t proc proc "+other)
	t.Cleanup(func() { do(t, "umount "+other+"; echo 0 > /proc/sys/net/ipv4/ip_forward") })
	do(t, "echo 1 > "+other+"/sys/net/ipv4/ip_forward")
	ear.Next()
	ear.Settle()
	do(t, "echo 1 > "+other+"/sys/net/ipv4/conf/lo/rp_filter")
	ear.Hear("net.ipv4.conf.lo.rp_filter")
}

func TestAnInterfaceMadeAnewBringsItsKeys(t *testing.T) {
	v := host(t)
	const v4, v6 = "net.ipv4.conf.tun5.send_redirects", "net.ipv6.conf.tun5.accept_ra"
	ear := noticetest.Listen(t, v, v4, v6)
	for range 2 {
		ear.Settle()
		do(t, "ip tuntap add tun5 mode tun && ip link set tun5 up")
		ear.Hear("") // it listens to the new ones
		for _, name := range []string{v4, v6} {
			ear.Settle()
			do(t, "sysctl -qw "+name+"=0")
			ear.Hear(name)
		}
		ear.Settle()
		do(t, "ip link del tun5")
		ear.Hear(v4)
	}
}

func TestFilesForTheBootAreHeard(t *testing.T) {
	const key = "net.ipv4.ip_forward"
	for name, v := range map[string]Verbs{"host": host(t), "image": image(t)} {
		t.Run(name, func(t *testing.T) {
			if err := v.Apply(t.Context(), []resource.Item[Sysctl]{{Name: key, Want: Sysctl{Boot: resource.Ptr("1")}}}); err != nil {
				t.Fatal(err)
			}
			ear := noticetest.Listen(t, v, key)
			ear.Settle()
			put(t, v.Root, bootFile(key), "edited")
			ear.Hear(key)
			ear.Settle()
			if err := os.Remove(filepath.Join(v.Root, bootFile(key))); err != nil {
				t.Fatal(err)
			}
			ear.Hear(key)
			for _, file := range []string{"/etc/sysctl.conf", "/etc/sysctl.d/99-theirs.conf", "/usr/lib/sysctl.d/99-theirs.conf"} {
				ear.Settle()
				put(t, v.Root, file, "net.ipv4.ip_forward = 0\n")
				if h := ear.Next(); h != (resource.Hint{}) {
					t.Errorf("%s: %+v", file, h)
				}
			}
		})
	}
}

func TestAnIdleKernelWakesNobody(t *testing.T) {
	noticetest.Idle(t, host(t), "net.ipv4.ip_forward", "net.ipv4.conf.lo.send_redirects")
}

func TestKeysAreHeardAtOnce(t *testing.T) {
	v := host(t)
	for key, value := range map[string]string{"net.ipv4.ip_forward": "%d", "net.ipv4.conf.lo.send_redirects": "%d"} {
		t.Run(strings.ReplaceAll(key, "/", "."), func(t *testing.T) {
			ear := noticetest.Listen(t, v, key)
			ear.Delay(20, 50*time.Millisecond, func(i int) {
				if err := os.WriteFile(filepath.Join(kernel, fileOf(key)), fmt.Appendf(nil, value, i%2), 0); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
