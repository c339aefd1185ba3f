// Package metrics has Prometheus told how the agent and its host are: over HTTP to
// those who scrape them on this host, or in a file for node_exporter. What a status
// says is told as it says it; counters are what the agent counts here.
package metrics

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"vpnd/internal/atomic"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// An Exporter is what Prometheus is told. Those who scrape read it from goroutines
// of their own; all methods are for the agent's.
type Exporter struct {
	log      *slog.Logger
	kinds    resource.Catalog // by which tunnels are looked at
	registry *prometheus.Registry
	passes   *prometheus.CounterVec
	drifts   *prometheus.CounterVec
	repairs  *prometheus.CounterVec
	flaps    *prometheus.CounterVec

	mu     sync.Mutex
	status status.Status
	asked  time.Time // servers and tunnels, by a scrape; zero where the status is newer

	settings settings.Metrics
	server   *server
	failed   string // why nobody listens
}

// New returns an exporter that tells nobody yet. It tells of vpnd and of nothing
// else: what the runtime of Go does is of no use to who keeps a VPN.
func New(log *slog.Logger, kinds resource.Catalog) *Exporter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	e := &Exporter{
		log: log, kinds: kinds, registry: prometheus.NewRegistry(),
		passes:  counter("vpnd_reconcile_total", "Passes in which the host was compared with the configuration, by how they came about.", "noticed"),
		drifts:  counter("vpnd_drift_total", "Drift noticed.", "kind", "reason"),
		repairs: counter("vpnd_repairs_total", "Changes made by the agent.", "kind", "reason", "result"),
		flaps:   counter("vpnd_flapping_total", "Resources that began to flap, since another program changes them as often as they are repaired.", "kind"),
	}
	e.registry.MustRegister(e.passes, e.drifts, e.repairs, e.flaps, collector(e.current))
	return e
}

func (e *Exporter) current() status.Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
}

// Reconciled counts a pass.
func (e *Exporter) Reconciled(p status.Pass) { e.passes.WithLabelValues(p.Noticed).Inc() }

// Drifted counts a drift.
func (e *Exporter) Drifted(d status.Drift) {
	e.drifts.WithLabelValues(d.ID.Kind, string(d.Reason)).Inc()
}

// Flapped counts a resource that begins to flap.
func (e *Exporter) Flapped(id resource.ID) { e.flaps.WithLabelValues(id.Kind).Inc() }

// Repaired counts a change, and whether it worked.
func (e *Exporter) Repaired(id resource.ID, reason string, err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	e.repairs.WithLabelValues(id.Kind, reason, result).Inc()
}

// Update takes over what the status says, and writes the text file.
func (e *Exporter) Update(s *status.Status) {
	e.mu.Lock()
	e.status, e.asked = *s, time.Time{}
	e.status.Drift, e.status.Failing = slices.Clone(s.Drift), slices.Clone(s.Failing)
	e.mu.Unlock()
	if path := e.settings.Textfile; path != nil {
		// The directory is node_exporter's. Where it is missing, so is whoever would read this.
		if text, err := text(e.registry); err == nil {
			_ = atomic.Write("/", atomic.File{Path: *path, Data: text, Mode: 0o644, UID: os.Geteuid(), GID: os.Getegid()})
		}
	}
}

// text returns all metrics in the text format of Prometheus.
func text(g prometheus.Gatherer) ([]byte, error) {
	families, err := g.Gather()
	var b bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), err
}

// Set says where metrics are to be had from now on; nil is nowhere.
func (e *Exporter) Set(m *settings.Metrics) {
	now := settings.Metrics{}
	if m != nil {
		now = *m
	}
	before := e.settings
	e.settings = now
	if !resource.Equal(before.Listen, now.Listen) {
		e.Close()
	}
	e.Listen()
}

// Listen begins to answer where that is wished and was not possible before, as
// while another program has the port. The log tells of that once.
func (e *Exporter) Listen() {
	if e.server != nil || e.settings.Listen == nil {
		return
	}
	server, err := listen(*e.settings.Listen, prometheus.GathererFunc(e.scrape), headTime)
	switch {
	case err == nil && e.failed != "":
		e.log.Info("metrics are to be had")
	case err != nil && e.failed != err.Error():
		e.log.Error("metrics are not to be had; vpnd tries again at each pass of the interval", "error", err)
	}
	e.server, e.failed = server, ""
	if err != nil {
		e.server, e.failed = nil, err.Error()
	}
}

// Failed says why nobody is answered although that is wished; empty where all is
// well.
func (e *Exporter) Failed() string { return e.failed }

// Close ends answering.
func (e *Exporter) Close() {
	if e.server != nil {
		_ = e.server.close()
	}
	e.server, e.failed = nil, ""
}
