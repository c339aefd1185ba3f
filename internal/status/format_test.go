package status

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// Programs read these names; one that changes is another format.
func TestNamesOfTheFormat(t *testing.T) {
	id, now := resource.ID{Kind: "file", Name: "/a"}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := Status{
		Agent:       Agent{FormatVersion: FormatVersion, Stopped: true, Booting: true, MetricsError: "x"},
		Reconciling: Reconciling{Reconcile: &Pass{}, Next: now, Waiting: "x", Error: "x", Apply: &Apply{}},
		Host: Host{
			Drift: []Drift{{ID: id}}, Pending: []Pending{{ID: id}}, Unknown: []Unknown{{ID: id}}, Recent: []Drift{{ID: id}},
			Flapping: []Flap{{ID: id}}, Suppressed: &Suppression{}, Unconfirmed: &Unconfirmed{}, FailClosed: []resource.ID{id}, Notes: []string{"x"},
		},
		VPNs:    VPNs{Certificates: []Expiry{{ID: id}}, CertificatesInAll: 1, CRLs: []Expiry{{ID: id}}, Tunnels: []Tunnel{{ID: id}}, Servers: []Server{{}}},
		Watched: []string{"x"}, Failing: []Failing{{}},
	}
	data, err := json.Marshal(s)
	var told map[string]any
	if err == nil {
		err = json.Unmarshal(data, &told)
	}
	if err != nil {
		t.Fatal(err)
	}
	const want = "apply booting certificates certificates_in_all checks configuration crls drift error fail_closed failing_checks flapping format_version metrics_error " +
		"mode next notes openvpn_servers pending pid ready recent reconcile since stopped suppressed tunnels unconfirmed unknown version waiting"
	if got := strings.Join(slices.Sorted(maps.Keys(told)), " "); got != want || told["format_version"] != "2.0" {
		t.Errorf("format %s: %s", told["format_version"], got)
	}
	outcomes := []Outcome{Repaired, Failed, Reported, Suppressed, Flapping, Waits, UnderWay, Unobserved, Protected}
	if got := outcomes; !slices.Equal(got, []Outcome{"repaired", "failed", "reported", "suppressed", "flapping", "waits", "under way", "unknown", "protected"}) {
		t.Errorf("outcomes: %q", got)
	}
}
