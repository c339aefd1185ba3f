package process

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) {
	nettest.Taken("VPND_TEST_TUN", attach)
	nettest.Main(m)
}

// attach opens a tun, which its process then has.
func attach(name string) (tun any, err error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	return fd, unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
}

// A tun of a container is none of this host's, also where it has the name of one.
func TestWhoIsAttachedToATun(t *testing.T) {
	nettest.Need(t)
	for where, flags := range map[string]uintptr{"here": 0, "in another network": unix.CLONE_NEWNET} {
		end := nettest.Hold(t, "VPND_TEST_TUN", "tun-of-both", syscall.SysProcAttr{Cloneflags: flags})
		if held := Attached("tun-of-both"); (len(held) == 1) != (flags == 0) {
			t.Errorf("%s it is held by %v", where, held)
		}
		end()
	}
}

func TestWhoHoldsASocket(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	for transport, at := range map[string]string{"tcp": tcp.Addr().String(), "udp": udp.LocalAddr().String()} {
		all := Listening(transport)
		i := slices.IndexFunc(all, func(s Socket) bool { return s.At.String() == at })
		if i < 0 {
			t.Errorf("%s %s does not listen", transport, at)
			continue
		}
		held := Holding([]string{all[i].Link})[all[i].Link]
		if len(held) != 1 || held[0].PID != os.Getpid() || held[0].Name == "" || !strings.HasPrefix(held[0].String(), held[0].Name+" (process ") {
			t.Errorf("%s is held by %v", transport, held)
		}
	}
	if len(Holding(nil)) > 0 {
		t.Error("nothing is held by somebody")
	}
}

func TestNobodyIsAttachedToWhatIsNotThere(t *testing.T) {
	if held := Attached("no-such-tun"); len(held) > 0 {
		t.Error(held)
	}
}

func TestNothingRunsOfAUnitThatIsNotThere(t *testing.T) {
	if Running(func(unit string) bool { return unit == "no-such.service" || unit == "" }) {
		t.Error("a process is of a unit that there is not")
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:04AA":                         "127.0.0.1:1194",
		"00000000000000000000000001000000:0016": "[::1]:22",
		"0000000000000000FFFF00000100007F:0016": "127.0.0.1:22",
		"nonsense":                              "invalid AddrPort",
		"":                                      "invalid AddrPort",
	} {
		if got := Address(text).String(); got != want {
			t.Errorf("%s: %s instead of %s", text, got, want)
		}
	}
}

func TestUnitOf(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/nginx.service\n":                                 "nginx.service",
		"0::/system.slice/system-openvpn.slice/openvpn@a.service/worker\n": "openvpn@a.service",
		"0::/init.scope\n": "init.scope",
		"12:pids:/system.slice/a.service\n1:name=systemd:/system.slice/b.service\n": "b.service",
		"0::/user.slice\n": "",
		"0::/\n":           "",
		"":                 "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "cgroup"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := unitOf(dir); got != want {
			t.Errorf("%q: %q instead of %q", text, got, want)
		}
	}
}
