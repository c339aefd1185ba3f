package metrics

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// full returns an exporter with a sample of every metric.
func full() *Exporter {
	e := New(slog.New(slog.DiscardHandler), resource.Catalog{})
	id := resource.ID{Kind: "tun", Name: "tun0"}
	dc := resource.ID{Kind: "ipsec_connection", Name: "dc"}
	odd := "a \"quoted\"\nname \\ of two lines\xff"
	d := status.Drift{ID: id, Reason: "drift"}
	e.Reconciled(status.Pass{Noticed: "event"})
	e.Drifted(d)
	e.Repaired(id, "drift", nil)
	e.Flapped(id)
	e.Update(&status.Status{
		Agent:       status.Agent{Version: "1", Mode: "enforce", Since: time.Unix(1.7e9, 0)},
		Reconciling: status.Reconciling{Reconcile: &status.Pass{Seconds: 0.25}, Apply: &status.Apply{Seconds: 1e-9}},
		Host:        status.Host{Drift: []status.Drift{d}},
		VPNs: status.VPNs{
			Tunnels: []status.Tunnel{
				{ID: id, Block: "tun.tun0", TunnelState: resource.TunnelState{Up: true}},
				{ID: dc, Block: "ipsec_tunnel.dc", TunnelState: resource.TunnelState{Name: "lan", Up: true, Since: time.Unix(1.7e9, 0), Handshake: time.Unix(1.8e9, 0), In: 7}},
				{ID: dc, Block: "ipsec_tunnel.dc", TunnelState: resource.TunnelState{Name: "lan"}}, // two of one name
				{ID: dc, Block: "ipsec_tunnel.dc", TunnelState: resource.TunnelState{Name: "dmz", In: 9}},
				{ID: dc, Block: "ipsec_tunnel.dc", TunnelState: resource.TunnelState{Name: "voice"}, Error: "nobody knows"},
			},
			Servers:      []status.Server{{Block: "openvpn_server.a", Up: true}, {Block: "openvpn_server.b"}, {Block: "openvpn_server.c", Up: true, Error: "nobody knows"}},
			Certificates: []status.Expiry{{ID: resource.ID{Name: "/a.crt"}}, {ID: resource.ID{Name: "/b.crt"}}}, CRLs: []status.Expiry{{ID: resource.ID{Name: "/crl.pem"}}},
		},
		Watched: []string{"holds", odd}, Failing: []status.Failing{{Check: odd}},
	})
	return e
}

// read returns metrics as Prometheus reads them.
func read(t *testing.T, g prometheus.Gatherer) string {
	t.Helper()
	data, err := text(g)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// What promtool check metrics would find fault with, and more.
func TestMetricsAreAsPrometheusReadsThem(t *testing.T) {
	e := full()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if err != nil {
		t.Error(err)
	}
	isName := regexp.MustCompile(`^vpnd_[a-z]+(_[a-z]+)*$`)
	for _, f := range families {
		if !isName.MatchString(f.GetName()) || !strings.HasSuffix(f.GetHelp(), ".") {
			t.Errorf("its name is no name, or its help is no sentence: %s", f)
		}
	}
	text := read(t, e.registry)
	for _, want := range []string{
		`vpnd_tunnel_up{block="tun.tun0",tunnel="tun0"} 1`, `vpnd_tunnel_up{block="ipsec_tunnel.dc",tunnel="dc lan"} 1`, `vpnd_tunnel_up{block="ipsec_tunnel.dc",tunnel="dc dmz"} 0`,
		`vpnd_tunnel_receive_bytes_total{block="ipsec_tunnel.dc",tunnel="dc lan"} 7`, `vpnd_tunnel_transmit_bytes_total{block="ipsec_tunnel.dc",tunnel="dc lan"} 0`,
		`vpnd_tunnel_up_since_timestamp_seconds{block="ipsec_tunnel.dc",tunnel="dc lan"} 1.7e+09`, `vpnd_tunnel_last_handshake_timestamp_seconds{block="ipsec_tunnel.dc",tunnel="dc lan"} 1.8e+09`,
		`vpnd_openvpn_server_up{server="openvpn_server.b"} 0`,
		`vpnd_openvpn_clients{server="openvpn_server.a"} 0`, `vpnd_check_holds{check="holds"} 1`,
		`vpnd_check_holds{check="a \"quoted\"\nname \\ of two lines�"} 0`, "vpnd_reconcile_last_duration_seconds 0.25", "vpnd_apply_last_duration_seconds 1e-09",
		`vpnd_flapping_total{kind="tun"} 1`, `vpnd_crl_not_after_timestamp_seconds{`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	for _, not := range []string{`vpnd_openvpn_clients{server="openvpn_server.c"}`, `tunnel="dc voice"`, `receive_bytes_total{block="ipsec_tunnel.dc",tunnel="dc dmz"}`, `receive_bytes_total{block="tun.tun0"`} {
		if strings.Contains(text, not) {
			t.Errorf("something is said of what nobody could ask, or counts: %s in\n%s", not, text)
		}
	}
}

func TestMetricsOfTheManualAreThere(t *testing.T) {
	manual, err := os.ReadFile("../../packaging/vpnd.8")
	if err != nil {
		t.Fatal(err)
	}
	told := read(t, full().registry)
	names := regexp.MustCompile(`\bvpnd_[a-z_]+`).FindAllString(string(manual), -1)
	for _, name := range names {
		if !strings.Contains(told, "\n"+name+" ") && !strings.Contains(told, "\n"+name+"{") {
			t.Errorf("there is no metric %s", name)
		}
	}
	if len(names) == 0 {
		t.Error("the manual names none")
	}
}

func TestMetricsCountWhatIsUnknown(t *testing.T) {
	e := New(slog.New(slog.DiscardHandler), resource.Catalog{})
	e.Update(&status.Status{Host: status.Host{Unknown: []status.Unknown{{ID: resource.ID{Kind: "file", Name: "/a"}}}}})
	if text := read(t, e.registry); !strings.Contains(text, "\nvpnd_unknown_resources 1\n") {
		t.Error(text)
	}
}
