package metrics

import (
	"maps"
	"slices"
	"time"

	"vpnd/internal/status"
)

// told returns what a status says. Names follow Prometheus: seconds since the epoch,
// seconds, and _total of what only grows while a tunnel is up.
func told(s *status.Status) families {
	f := make(families)
	f.agent(s)
	f.reconciling(&s.Reconciling)
	f.host(&s.Host)
	f.checks(s.Watched, s.Failing)
	f.vpns(&s.VPNs)
	return f
}

// gauge adds a sample of what goes up and down.
func (f families) gauge(name, help string, value float64, labels ...string) {
	f.add("gauge", name, help, value, labels...)
}

// truth adds 1 for yes and 0 for no.
func (f families) truth(name, help string, yes bool, labels ...string) {
	value := 0.0
	if yes {
		value = 1
	}
	f.gauge(name, help, value, labels...)
}

func (f families) agent(s *status.Status) {
	f.gauge("vpnd_info", "The running agent.", 1, "version", s.Version, "mode", s.Mode)
	f.gauge("vpnd_start_time_seconds", "When the agent began.", float64(s.Since.Unix()))
	f.truth("vpnd_configuration_valid", "Whether the configuration in the files is valid; where not, the last good one is in force.", s.Configuration.Valid)
	f.gauge("vpnd_resources", "Resources of the active configuration.", float64(s.Configuration.Resources))
}

func (f families) reconciling(r *status.Reconciling) {
	f.truth("vpnd_reconcile_failed", "Whether the last pass came to nothing.", r.Error != "")
	f.truth("vpnd_waiting", "Whether repairs wait for another vpnd or a package manager.", r.Waiting != "")
	if p := r.Reconcile; p != nil {
		f.gauge("vpnd_reconcile_last_timestamp_seconds", "When the host was compared with the configuration last.", seconds(p.Time))
		f.gauge("vpnd_reconcile_last_duration_seconds", "How long that took, repairs included.", p.Seconds)
	}
	if a := r.Apply; a != nil {
		f.gauge("vpnd_apply_last_timestamp_seconds", "When the agent changed the host last.", seconds(a.Time))
		f.gauge("vpnd_apply_last_duration_seconds", "How long that took.", a.Seconds)
	}
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (f families) host(h *status.Host) {
	f.gauge("vpnd_unknown_resources", "Resources that could not be observed.", float64(len(h.Unknown)))
	f.gauge("vpnd_pending_changes", "Changes that the configuration asks for and that are not done.", float64(len(h.Pending)))
	f.gauge("vpnd_flapping_resources", "Resources that another program changes as often as vpnd repairs them.", float64(len(h.Flapping)))
	suppressed := 0
	if h.Suppressed != nil {
		suppressed = len(h.Suppressed.IDs)
	}
	f.gauge("vpnd_suppressed_resources", "Resources that are not applied again since somebody undid it.", float64(suppressed))
	f.drift(h.Drift)
}

func (f families) drift(now []status.Drift) {
	byKind := make(map[string]float64)
	for _, d := range now {
		byKind[d.ID.Kind]++
	}
	if len(now) == 0 {
		byKind[""] = 0
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		f.gauge("vpnd_drifted_resources", "Resources that are not as they shall be now.", byKind[kind], "kind", kind)
	}
}

func (f families) checks(watched []string, failing []status.Failing) {
	f.gauge("vpnd_failing_checks", "Checks of the configuration that do not hold.", float64(len(failing)))
	for _, name := range watched {
		fails := slices.ContainsFunc(failing, func(f status.Failing) bool { return f.Check == name })
		f.truth("vpnd_check_holds", "Whether a check of the configuration holds.", !fails, "check", name)
	}
}

func (f families) vpns(v *status.VPNs) {
	f.expiries("vpnd_certificate_not_after_timestamp_seconds", "When a certificate runs out.", v.Certificates)
	f.expiries("vpnd_crl_not_after_timestamp_seconds", "When a revocation list runs out.", v.CRLs)
	f.tunnels(v.Tunnels)
	for _, one := range v.Servers {
		f.truth("vpnd_openvpn_server_up", "Whether an OpenVPN server answers.", one.Up, "server", one.Name())
		if one.Error == "" {
			f.gauge("vpnd_openvpn_clients", "Clients that are connected to an OpenVPN server.", float64(len(one.Clients)), "server", one.Name())
		}
	}
}

// tunnels tells of each tunnel that somebody knows of, once: two samples with the same
// labels would be no metrics at all.
func (f families) tunnels(all []status.Tunnel) {
	type key struct{ block, tunnel string }
	told := make(map[key]bool)
	for _, one := range all {
		k := key{one.Block, one.Called()}
		if told[k] || one.Error != "" {
			continue
		}
		told[k] = true
		labels := []string{"block", k.block, "tunnel", k.tunnel}
		f.truth("vpnd_tunnel_up", "Whether a tunnel is up.", one.Up, labels...)
		if !one.Handshake.IsZero() {
			f.gauge("vpnd_tunnel_last_handshake_timestamp_seconds", "When the keys of a tunnel were last agreed on.", seconds(one.Handshake), labels...)
		}
		if !one.Up || one.Since.IsZero() && one.In|one.Out == 0 { // nobody counts
			continue
		}
		if !one.Since.IsZero() {
			f.gauge("vpnd_tunnel_up_since_timestamp_seconds", "Since when a tunnel is up.", seconds(one.Since), labels...)
		}
		f.add("counter", "vpnd_tunnel_receive_bytes_total", "Bytes that came in through a tunnel since it is up.", float64(one.In), labels...)
		f.add("counter", "vpnd_tunnel_transmit_bytes_total", "Bytes that went out through a tunnel since it is up.", float64(one.Out), labels...)
	}
}

func (f families) expiries(name, help string, all []status.Expiry) {
	for _, e := range all {
		f.gauge(name, help, float64(e.NotAfter.Unix()), "block", e.Block, "path", e.ID.Name)
	}
}
