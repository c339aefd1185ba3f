package nettest

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m, "/mnt") }

func TestRoomIsEmptyButForLoopback(t *testing.T) {
	Need(t)
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if link.Flags&net.FlagUp != 0 && link.Name != "lo" {
			t.Errorf("%s is up in the room", link.Name)
		}
	}
	conn, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("loopback is not up: %v", err)
	}
	conn.Close()
	for _, directory := range []string{"/run", "/mnt"} {
		entries, err := os.ReadDir(directory)
		if err != nil || len(entries) > 0 {
			t.Errorf("%s holds %v, %v; want it empty", directory, entries, err)
		}
	}
}

func TestFreshIsAnotherNetworkForTheTestAndItsPrograms(t *testing.T) {
	Need(t)
	room := network(t)
	t.Run("fresh", func(t *testing.T) {
		Fresh(t)
		if here := network(t); here == room {
			t.Errorf("still in %s", here)
		}
		program, err := exec.Command("readlink", "/proc/self/ns/net").Output()
		if err != nil {
			t.Fatal(err)
		}
		if here := network(t); strings.TrimSpace(string(program)) != here {
			t.Errorf("a program runs in %s, the test in %s", program, here)
		}
	})
	if back := network(t); back != room {
		t.Errorf("the tests are in %s afterwards, were in %s", back, room)
	}
}

func TestMachineItselfIsRefused(t *testing.T) {
	Need(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "VPND_NETTEST is set, but the net namespace is that of the parent; unset it") {
		t.Errorf("%v: %s", err, out)
	}
}

func network(t *testing.T) string {
	t.Helper()
	link, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return link
}
