package metrics

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vpnd/internal/status"
)

// A collector tells what a status says, which is asked for at each scrape. Names
// follow Prometheus: seconds since the epoch, seconds, and _total of what only grows
// while a tunnel is up.
type collector func() status.Status

// Describe sends nothing, for which metrics there are depends on the host.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends every sample.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c()
	t := teller(to)
	t.agent(&s)
	t.reconciling(&s.Reconciling)
	t.host(&s.Host)
	t.checks(s.Watched, s.Failing)
	t.vpns(&s.VPNs)
}

type teller chan<- prometheus.Metric

// gauge sends a sample, which its labels tell from others: name, value, name,
// value.
func (t teller) gauge(name, help string, value float64, labels ...string) {
	t.send(prometheus.GaugeValue, name, help, value, labels)
}

func (t teller) send(of prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, strings.ToValidUTF8(labels[i+1], "\uFFFD"))
	}
	t <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), of, value, values...)
}

// truth sends 1 for yes and 0 for no.
func (t teller) truth(name, help string, yes bool, labels ...string) {
	value := 0.0
	if yes {
		value = 1
	}
	t.gauge(name, help, value, labels...)
}

func (t teller) agent(s *status.Status) {
	t.gauge("vpnd_info", "The running agent.", 1, "version", s.Version, "mode", s.Mode)
	t.gauge("vpnd_start_time_seconds", "When the agent began.", float64(s.Since.Unix()))
	t.truth("vpnd_configuration_valid", "Whether the configuration in the files is valid; where not, the last good one is in force.", s.Configuration.Valid)
	t.gauge("vpnd_resources", "Resources of the active configuration.", float64(s.Configuration.Resources))
}

func (t teller) reconciling(r *status.Reconciling) {
	t.truth("vpnd_reconcile_failed", "Whether the last pass came to nothing.", r.Error != "")
	t.truth("vpnd_waiting", "Whether repairs wait for another vpnd or a package manager.", r.Waiting != "")
	if p := r.Reconcile; p != nil {
		t.gauge("vpnd_reconcile_last_timestamp_seconds", "When the host was compared with the configuration last.", seconds(p.Time))
		t.gauge("vpnd_reconcile_last_duration_seconds", "How long that took, repairs included.", p.Seconds)
	}
	if a := r.Apply; a != nil {
		t.gauge("vpnd_apply_last_timestamp_seconds", "When the agent changed the host last.", seconds(a.Time))
		t.gauge("vpnd_apply_last_duration_seconds", "How long that took.", a.Seconds)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (t teller) host(h *status.Host) {
	t.gauge("vpnd_unknown_resources", "Resources that could not be observed.", float64(len(h.Unknown)))
	t.gauge("vpnd_pending_changes", "Changes that the configuration asks for and that are not done.", float64(len(h.Pending)))
	t.gauge("vpnd_flapping_resources", "Resources that another program changes as often as vpnd repairs them.", float64(len(h.Flapping)))
	suppressed := 0
	if h.Suppressed != nil {
		suppressed = len(h.Suppressed.IDs)
	}
	t.gauge("vpnd_suppressed_resources", "Resources that are not applied again since somebody undid it.", float64(suppressed))
	t.drift(h.Drift)
}

func (t teller) drift(now []status.Drift) {
	byKind := make(map[string]float64)
	for _, d := range now {
		byKind[d.ID.Kind]++
	}
	if len(now) == 0 {
		byKind[""] = 0
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		t.gauge("vpnd_drifted_resources", "Resources that are not as they shall be now.", byKind[kind], "kind", kind)
	}
}

func (t teller) checks(watched []string, failing []status.Failing) {
	t.gauge("vpnd_failing_checks", "Checks of the configuration that do not hold.", float64(len(failing)))
	for _, name := range watched {
		fails := slices.ContainsFunc(failing, func(f status.Failing) bool { return f.Check == name })
		t.truth("vpnd_check_holds", "Whether a check of the configuration holds.", !fails, "check", name)
	}
}

func (t teller) vpns(v *status.VPNs) {
	t.expiries("vpnd_certificate_not_after_timestamp_seconds", "When a certificate runs out.", v.Certificates)
	t.expiries("vpnd_crl_not_after_timestamp_seconds", "When a revocation list runs out.", v.CRLs)
	t.tunnels(v.Tunnels)
	for _, one := range v.Servers {
		t.truth("vpnd_openvpn_server_up", "Whether an OpenVPN server answers.", one.Up, "server", one.Name())
		if one.Error == "" {
			t.gauge("vpnd_openvpn_clients", "Clients that are connected to an OpenVPN server.", float64(len(one.Clients)), "server", one.Name())
		}
	}
}

// tunnels tells of each tunnel that somebody knows of, once: two samples with the same
// labels would be no metrics at all.
func (t teller) tunnels(all []status.Tunnel) {
	type key struct{ block, tunnel string }
	told := make(map[key]bool)
	for _, one := range all {
		k := key{one.Block, one.Called()}
		if told[k] || one.Error != "" {
			continue
		}
		told[k] = true
		labels := []string{"block", k.block, "tunnel", k.tunnel}
		t.truth("vpnd_tunnel_up", "Whether a tunnel is up.", one.Up, labels...)
		if !one.Handshake.IsZero() {
			t.gauge("vpnd_tunnel_last_handshake_timestamp_seconds", "When the keys of a tunnel were last agreed on.", seconds(one.Handshake), labels...)
		}
		if !one.Up || one.Since.IsZero() && one.In|one.Out == 0 { // nobody counts
			continue
		}
		if !one.Since.IsZero() {
			t.gauge("vpnd_tunnel_up_since_timestamp_seconds", "Since when a tunnel is up.", seconds(one.Since), labels...)
		}
		t.send(prometheus.CounterValue, "vpnd_tunnel_receive_bytes_total", "Bytes that came in through a tunnel since it is up.", float64(one.In), labels)
		t.send(prometheus.CounterValue, "vpnd_tunnel_transmit_bytes_total", "Bytes that went out through a tunnel since it is up.", float64(one.Out), labels)
	}
}

func (t teller) expiries(name, help string, all []status.Expiry) {
	for _, e := range all {
		t.gauge(name, help, float64(e.NotAfter.Unix()), "block", e.Block, "path", e.ID.Name)
	}
}
