package metrics

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vpnd/internal/status"
)

// crowd is a management socket of a server to which as many are connected.
func crowd(t *testing.T, connected *atomic.Int32) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "socket")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, ">INFO:OpenVPN Management Interface Version 5\r\n")
			for s := bufio.NewScanner(conn); s.Scan() && !strings.HasPrefix(s.Text(), "status"); {
			}
			fmt.Fprint(conn, "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tConnected Since\r\n")
			for i := range connected.Load() {
				fmt.Fprintf(conn, "CLIENT_LIST\tc%d\t203.0.113.1:1\t10.8.0.2\tnow\r\n", i)
			}
			fmt.Fprint(conn, "END\r\n")
			_ = conn.Close()
		}
	}()
	return socket
}

// A scrape tells who is connected now, and not at the last pass.
func TestScrapeIsFresh(t *testing.T) {
	var connected atomic.Int32
	e := New(slog.New(slog.DiscardHandler))
	e.Update(&status.Status{VPNs: status.VPNs{Servers: []status.Server{{Block: "openvpn_server.x", Socket: crowd(t, &connected), Up: true}}}})
	scrape := func(want int32) {
		t.Helper()
		if text := read(t, prometheus.GathererFunc(e.scrape)); !strings.Contains(text, fmt.Sprintf("vpnd_openvpn_clients{server=\"openvpn_server.x\"} %d\n", want)) {
			t.Errorf("not %d clients in\n%s", want, text)
		}
	}
	connected.Store(2)
	scrape(2)
	connected.Store(3)
	scrape(2) // asked just now: a server serves one at a time
	e.asked = e.asked.Add(-freshClients - time.Second)
	scrape(3)
}
