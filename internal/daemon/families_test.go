package daemon

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpnd/internal/metrics"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// full returns figures with a sample of every family.
func full() *figures {
	f := newFigures()
	id := resource.ID{Kind: "tun", Name: "tun0"}
	odd := "a \"quoted\"\nname \\ of two lines"
	d := status.Drift{ID: id, Reason: "drift"}
	f.looked(status.Pass{Noticed: "event"})
	f.drifted(d)
	f.repaired("tun", "drift", nil)
	f.contended("tun")
	f.status = status.Status{
		Agent:       status.Agent{Version: "1", Mode: "enforce", Since: time.Unix(1.7e9, 0)},
		Reconciling: status.Reconciling{Reconcile: &status.Pass{Seconds: 0.25}, Apply: &status.Apply{Seconds: 1e-9}},
		Host:        status.Host{Drift: []status.Drift{d}},
		VPNs: status.VPNs{
			Tunnels:      []status.Tunnel{{ID: id, Block: "tun.tun0", Up: true}},
			Servers:      []status.Server{{Block: "openvpn_server.a", Up: true}, {Block: "openvpn_server.b"}, {Block: "openvpn_server.c", Up: true, Error: "nobody knows"}},
			Certificates: []status.Expiry{{ID: resource.ID{Name: "/a.crt"}}, {ID: resource.ID{Name: "/b.crt"}}}, CRLs: []status.Expiry{{ID: resource.ID{Name: "/crl.pem"}}},
		},
		Watched: []string{"holds", odd}, Failing: []status.Failing{{Check: odd}},
	}
	return f
}

// text returns figures as Prometheus reads them.
func text(t *testing.T, families []metrics.Family) string {
	t.Helper()
	data, err := metrics.Text(families)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var (
	isFamily = regexp.MustCompile(`^vpnd_[a-z]+(_[a-z]+)*$`)
	isSample = regexp.MustCompile(`^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\["\\n])*",?)+\})? (\S+)$`)
)

// What promtool check metrics would find fault with.
func TestFiguresAreAsPrometheusReadsThem(t *testing.T) {
	var family, kind string
	seen := make(map[string]bool)
	text := text(t, full().families())
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.SplitN(line, " ", 4)
		switch {
		case words[0] == "#" && words[1] == "HELP":
			family = words[2]
			if !isFamily.MatchString(family) || seen[family] || len(words) < 4 || !strings.HasSuffix(words[3], ".") {
				t.Errorf("its name is no name, it is there twice, or its help is no sentence: %s", line)
			}
		case words[0] == "#" && words[1] == "TYPE":
			kind = words[3]
			if words[2] != family || kind != "gauge" && kind != "counter" || (kind == "counter") != strings.HasSuffix(family, "_total") {
				t.Errorf("its type does not go with its name: %s", line)
			}
			if unit := regexp.MustCompile(`_(ms|minutes|hours|days|milliseconds|timestamp)$`); unit.MatchString(family) {
				t.Errorf("its unit is none of the base units: %s", line)
			}
		default:
			m := isSample.FindStringSubmatch(line)
			if m == nil || m[1] != family || seen["sample "+m[1]+m[2]] {
				t.Errorf("it is no sample, not of %s, or there twice: %s", family, line)
				continue
			}
			if _, err := strconv.ParseFloat(m[3], 64); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			seen["sample "+m[1]+m[2]] = true
		}
		seen[family] = true
	}
	for _, want := range []string{
		`vpnd_tunnel_up{block="tun.tun0",interface="tun0"} 1`, `vpnd_openvpn_server_up{server="openvpn_server.b"} 0`,
		`vpnd_openvpn_clients{server="openvpn_server.a"} 0`, `vpnd_check_holds{check="holds"} 1`,
		`vpnd_check_holds{check="a \"quoted\"\nname \\ of two lines"} 0`, "vpnd_last_look_duration_seconds 0.25", "vpnd_last_apply_duration_seconds 1e-09",
		`vpnd_contentions_total{kind="tun"} 1`, `vpnd_crl_not_after_timestamp_seconds{`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, `vpnd_openvpn_clients{server="openvpn_server.c"}`) {
		t.Error("it is said how many clients a server has that nobody could ask")
	}
}

func TestFiguresOfTheManualAreThere(t *testing.T) {
	manual, err := os.ReadFile("../../packaging/vpnd.8")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\bvpnd_[a-z_]+`).FindAllString(string(manual), -1)
	for _, name := range names {
		if !strings.Contains(text(t, full().families()), "\n"+name) {
			t.Errorf("there is no figure %s", name)
		}
	}
	if len(names) == 0 {
		t.Error("the manual names none")
	}
}
