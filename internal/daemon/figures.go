package daemon

import (
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/metrics"
	"vpnd/internal/status"
)

// figures are what Prometheus is told. The server reads them from goroutines of
// its own.
type figures struct {
	mu      sync.Mutex
	status  status.Status
	asked   time.Time             // the servers, who is connected, by a scrape; zero where the status is newer
	looks   map[string]float64    // by how they came about
	drifts  map[[2]string]float64 // by kind and reason
	repairs map[[3]string]float64 // by kind, reason and result
	fights  map[string]float64    // by kind

	settings settings.Metrics
	server   *metrics.Server
	failed   string // why nobody listens
}

func newFigures() *figures {
	return &figures{looks: make(map[string]float64), drifts: make(map[[2]string]float64), repairs: make(map[[3]string]float64), fights: make(map[string]float64)}
}

func (f *figures) looked(l status.Pass) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks[l.Noticed]++
}

func (f *figures) drifted(d status.Drift) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drifts[[2]string{d.ID.Kind, string(d.Reason)}]++
}

func (f *figures) repaired(kind string, reason engine.Reason, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	result := "success"
	if err != nil {
		result = "failure"
	}
	f.repairs[[3]string{kind, string(reason), result}]++
}

func (f *figures) contended(kind string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fights[kind]++
}

// update takes over what the status says, and writes the text file.
func (f *figures) update(s *status.Status) {
	f.mu.Lock()
	f.status, f.asked = *s, time.Time{}
	f.status.Drift, f.status.Flapping, f.status.Pending = slices.Clone(s.Drift), slices.Clone(s.Flapping), slices.Clone(s.Pending)
	f.status.Failing = slices.Clone(s.Failing)
	path := f.settings.Textfile
	f.mu.Unlock()
	if path != nil {
		// The folder is node_exporter's. Where it is missing, so is whoever would read this.
		if text, err := metrics.Text(f.families()); err == nil {
			_ = atomic.Write("/", atomic.File{Path: *path, Data: text, Mode: 0o644, UID: os.Geteuid(), GID: os.Getegid()})
		}
	}
}

// set says where figures are to be had from now on.
func (f *figures) set(m *settings.Metrics, log *slog.Logger) {
	now := settings.Metrics{}
	if m != nil {
		now = *m
	}
	f.mu.Lock()
	before := f.settings
	f.settings = now
	f.mu.Unlock()
	if !same(before.Listen, now.Listen) {
		f.close()
	}
	f.serve(log)
}

// serve begins to listen where that is wished and was not possible before, as
// while another program has the port. The journal tells of that once. Only the
// agent's goroutine calls it.
func (f *figures) serve(log *slog.Logger) {
	if f.server != nil || f.settings.Listen == nil {
		return
	}
	server, err := metrics.Listen(*f.settings.Listen, f.scraped)
	switch {
	case err == nil && f.failed != "":
		log.Info("metrics are to be had")
	case err != nil && f.failed != err.Error():
		log.Error("metrics are not to be had; vpnd tries again at each look of the interval", "error", err)
	}
	f.server, f.failed = server, ""
	if err != nil {
		f.server, f.failed = nil, err.Error()
	}
}

func same(a, b *string) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

func (f *figures) close() {
	if f.server != nil {
		_ = f.server.Close()
	}
	f.server, f.failed = nil, ""
}
