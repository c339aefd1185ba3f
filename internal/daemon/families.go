package daemon

import (
	"maps"
	"slices"

	"vpnd/internal/metrics"
	"vpnd/internal/status"
)

func gauge(name, help string, samples ...metrics.Sample) metrics.Family {
	return metrics.Family{Name: name, Help: help, Type: "gauge", Samples: samples}
}

func counter(name, help string, samples ...metrics.Sample) metrics.Family {
	return metrics.Family{Name: name, Help: help, Type: "counter", Samples: samples}
}

func value(v float64, labels ...string) metrics.Sample {
	return metrics.Sample{Labels: labels, Value: v}
}

func truth(yes bool, labels ...string) metrics.Sample {
	if yes {
		return value(1, labels...)
	}
	return value(0, labels...)
}

// families returns all figures. Names follow Prometheus: seconds since the epoch,
// seconds, and _total for what only grows.
func (f *figures) families() []metrics.Family {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.status
	families := []metrics.Family{
		gauge("vpnd_info", "The running daemon.", value(1, "version", s.Version, "mode", s.Mode)),
		gauge("vpnd_start_time_seconds", "When the daemon began.", value(float64(s.Since.Unix()))),
		gauge("vpnd_configuration_valid", "Whether the configuration in the files is valid; where not, the last good one is in force.", truth(s.Configuration.Valid)),
		gauge("vpnd_resources", "Resources of the configuration in force.", value(float64(s.Configuration.Resources))),
		gauge("vpnd_look_failed", "Whether the last look at the host failed.", truth(s.Error != "")),
		gauge("vpnd_unknown_resources", "Resources that could not be looked at.", value(float64(len(s.Unknown)))),
		gauge("vpnd_failing_checks", "Checks of the configuration that do not hold.", value(float64(len(s.Failing)))),
		gauge("vpnd_pending_changes", "Changes that the configuration asks for and that are not done.", value(float64(len(s.Pending)))),
		gauge("vpnd_waiting", "Whether repairs wait for another vpnd or a package manager.", truth(s.Waiting != "")),
		gauge("vpnd_held_resources", "Resources that are not applied again since somebody undid it.", value(float64(held(s)))),
		checksHold(s),
		f.driftNow(),
		gauge("vpnd_contended_resources", "Resources that another program changes as often as vpnd repairs them.", value(float64(len(s.Flapping)))),
		counter("vpnd_looks_total", "Looks at the host, by how they came about.", counts(f.looks, "noticed")...),
		counter("vpnd_drift_total", "Drift noticed.", pairs(f.drifts)...),
		counter("vpnd_repairs_total", "Changes made by the daemon.", triples(f.repairs)...),
		counter("vpnd_contentions_total", "Fights with another program.", counts(f.fights, "kind")...),
		expiries("vpnd_certificate_not_after_timestamp_seconds", "When a certificate runs out.", s.Certificates),
		expiries("vpnd_crl_not_after_timestamp_seconds", "When a revocation list runs out.", s.CRLs),
		tunnels(s.Tunnels),
		serversUp(s.Servers),
		clients(s.Servers),
	}
	if s.Reconcile != nil {
		families = append(families,
			gauge("vpnd_last_look_timestamp_seconds", "When the host was looked at last.", value(float64(s.Reconcile.Time.UnixMilli())/1000)),
			gauge("vpnd_last_look_duration_seconds", "How long that took, repairs included.", value(s.Reconcile.Seconds)))
	}
	if s.Apply != nil {
		families = append(families,
			gauge("vpnd_last_apply_timestamp_seconds", "When the daemon changed the host last.", value(float64(s.Apply.Time.UnixMilli())/1000)),
			gauge("vpnd_last_apply_duration_seconds", "How long that took.", value(s.Apply.Seconds)))
	}
	return families
}

func held(s *status.Status) int {
	if s.Suppressed == nil {
		return 0
	}
	return len(s.Suppressed.IDs)
}

func (f *figures) driftNow() metrics.Family {
	byKind := make(map[string]float64)
	for _, d := range f.status.Drift {
		byKind[d.ID.Kind]++
	}
	samples := counts(byKind, "kind")
	if len(samples) == 0 {
		samples = []metrics.Sample{value(0, "kind", "")}
	}
	return gauge("vpnd_drifted_resources", "Resources that are not as they shall be now.", samples...)
}

func counts(m map[string]float64, label string) []metrics.Sample {
	var samples []metrics.Sample
	for _, key := range slices.Sorted(maps.Keys(m)) {
		samples = append(samples, value(m[key], label, key))
	}
	return samples
}

func pairs(m map[[2]string]float64) []metrics.Sample {
	var samples []metrics.Sample
	for key, n := range m {
		samples = append(samples, value(n, "kind", key[0], "reason", key[1]))
	}
	return sorted(samples)
}

func triples(m map[[3]string]float64) []metrics.Sample {
	var samples []metrics.Sample
	for key, n := range m {
		samples = append(samples, value(n, "kind", key[0], "reason", key[1], "result", key[2]))
	}
	return sorted(samples)
}

func sorted(samples []metrics.Sample) []metrics.Sample {
	slices.SortFunc(samples, func(a, b metrics.Sample) int { return slices.Compare(a.Labels, b.Labels) })
	return samples
}

func expiries(name, help string, all []status.Expiry) metrics.Family {
	f := gauge(name, help)
	for _, e := range all {
		f.Samples = append(f.Samples, value(float64(e.NotAfter.Unix()), "block", e.Block, "path", e.ID.Name))
	}
	return f
}

func checksHold(s *status.Status) metrics.Family {
	f := gauge("vpnd_check_holds", "Whether a check of the configuration holds.")
	for _, name := range s.Watched {
		failing := slices.ContainsFunc(s.Failing, func(f status.Failing) bool { return f.Check == name })
		f.Samples = append(f.Samples, truth(!failing, "check", name))
	}
	return f
}

func tunnels(all []status.Tunnel) metrics.Family {
	f := gauge("vpnd_tunnel_up", "Whether the interface of a tunnel is there and up.")
	for _, t := range all {
		f.Samples = append(f.Samples, truth(t.Up, "block", t.Block, "interface", t.ID.Name))
	}
	return f
}

func serversUp(servers []status.Server) metrics.Family {
	f := gauge("vpnd_openvpn_server_up", "Whether an OpenVPN server answers.")
	for _, s := range servers {
		f.Samples = append(f.Samples, truth(s.Up, "server", s.Block))
	}
	return f
}

func clients(servers []status.Server) metrics.Family {
	f := gauge("vpnd_openvpn_clients", "Clients that are connected to an OpenVPN server.")
	for _, s := range servers {
		if s.Error == "" {
			f.Samples = append(f.Samples, value(float64(len(s.Clients)), "server", s.Block))
		}
	}
	return f
}
