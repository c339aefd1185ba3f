package nettest

import (
	"net"
	"os/exec"
	"strings"
	"testing"
)

// Run runs a program that is none of vpnd's, as somebody else on the host would,
// and returns the number of its process.
func Run(t testing.TB, input, line string) int {
	t.Helper()
	argv := strings.Fields(line)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
	return cmd.Process.Pid
}

// Serve listens, has each who connects answered and then let go, and returns where.
func Serve(t testing.TB, network, address string, answer func(net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); answer(conn) }()
		}
	}()
	return l.Addr()
}

// Packets sends three of them to a port of discard(9) where nobody listens.
func Packets(t testing.TB, address string) {
	t.Helper()
	conn, err := net.Dial("udp", net.JoinHostPort(address, "9"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 {
		_, _ = conn.Write([]byte("x")) // refused, once the answer to the one before is there
	}
}
