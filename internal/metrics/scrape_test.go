package metrics

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vpnd/internal/resource"
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
	e := New(slog.New(slog.DiscardHandler), resource.Catalog{})
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
	e.asked = e.asked.Add(-fresh - time.Second)
	scrape(3)
}

// pipe is the shape of a kind of tunnels that are up while somebody says so.
type pipe struct {
	Up *bool `vpnd:"up"`
}

func (p *pipe) Tunnels() []resource.TunnelState { return []resource.TunnelState{{Up: *p.Up}} }

type pipes struct{ up func() bool }

func (p pipes) Observe(ctx context.Context, wants map[string]*pipe) (map[string]*pipe, error) {
	return resource.ObserveEach(ctx, wants, func(string, *pipe) (*pipe, error) { return &pipe{Up: resource.Ptr(p.up())}, nil })
}

func (pipes) Apply(context.Context, []resource.Item[pipe]) error { return errors.New("it only looks") }

func (pipes) Remove(context.Context, []string) error { return errors.New("it only looks") }

// piped is an exporter that knows of one such tunnel.
func piped(up func() bool) *Exporter {
	e := New(slog.New(slog.DiscardHandler), resource.Catalog{Kinds: []resource.Kind{resource.Define[pipe]("pipe", "", resource.Traits{View: resource.Tunnels}, pipes{up})}})
	e.Update(&status.Status{VPNs: status.VPNs{Tunnels: []status.Tunnel{{ID: resource.ID{Kind: "pipe", Name: "a"}, Block: "pipe.a"}}}})
	return e
}

// A scrape tells how tunnels stand now, and does not look again at once.
func TestScrapeLooksAtTunnels(t *testing.T) {
	var up atomic.Bool
	up.Store(true)
	e := piped(up.Load)
	scrape := func(want int) {
		t.Helper()
		if text := read(t, prometheus.GathererFunc(e.scrape)); !strings.Contains(text, fmt.Sprintf("vpnd_tunnel_up{block=\"pipe.a\",tunnel=\"a\"} %d\n", want)) {
			t.Errorf("not %d in\n%s", want, text)
		}
	}
	scrape(1)
	up.Store(false)
	scrape(1)
	e.asked = e.asked.Add(-fresh - time.Second)
	scrape(0)
}

// What a pass has found out while a scrape looked is newer than what that saw: a tunnel
// that has gone with its block is not told of again.
func TestScrapeGivesWayToAPass(t *testing.T) {
	var e *Exporter
	e = piped(func() bool { e.Update(&status.Status{}); return true })
	if text := read(t, prometheus.GathererFunc(e.scrape)); strings.Contains(text, "vpnd_tunnel_up") {
		t.Errorf("a tunnel that has gone is told of:\n%s", text)
	}
}
