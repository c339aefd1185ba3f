package metrics

import (
	"context"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"vpnd/internal/status"
)

// How long what servers and tunnels said is fresh enough for a scrape, and how long a
// scrape waits for that: each server answers one at a time.
const (
	fresh   = 5 * time.Second
	askTime = 2 * time.Second
)

// scrape returns all metrics with the clients that are connected now, and tunnels as
// they stand. The agent itself asks once in an interval, and a graph of that would be
// a staircase.
func (e *Exporter) scrape() ([]*dto.MetricFamily, error) {
	e.askAgain()
	return e.registry.Gather()
}

// askAgain asks servers and tunnels, unless that was done just now.
func (e *Exporter) askAgain() {
	e.mu.Lock()
	due := time.Since(e.asked) >= fresh
	if due {
		e.asked = time.Now()
	}
	asked := status.VPNs{Servers: slices.Clone(e.status.Servers), Tunnels: e.status.Tunnels}
	e.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	asked.Ask(ctx, e.kinds)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.status.Servers) == len(asked.Servers) {
		e.status.Servers = asked.Servers
	}
	if !e.asked.IsZero() { // else a pass has looked since
		e.status.Tunnels = asked.Tunnels
	}
}
