package metrics

import (
	"context"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// How long an answer of the servers about who is connected is fresh enough for a
// scrape, and how long a scrape waits for one: each server answers one at a time.
const (
	freshClients = 5 * time.Second
	askClients   = 2 * time.Second
)

// scrape returns all metrics with the clients that are connected now. The agent
// itself asks once in an interval, and a graph of that would be a staircase.
func (e *Exporter) scrape() ([]*dto.MetricFamily, error) {
	e.askAgain()
	return e.registry.Gather()
}

// askAgain asks the servers who is connected, unless that was done just now.
func (e *Exporter) askAgain() {
	e.mu.Lock()
	due := time.Since(e.asked) >= freshClients
	if due {
		e.asked = time.Now()
	}
	servers := slices.Clone(e.status.Servers)
	e.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askClients)
	defer cancel()
	for i := range servers {
		servers[i].Ask(ctx)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.status.Servers) == len(servers) {
		e.status.Servers = servers
	}
}
