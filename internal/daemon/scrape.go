package daemon

import (
	"context"
	"slices"
	"time"

	"vpnd/internal/metrics"
)

// How long an answer of the servers about who is connected is fresh enough for a
// scrape, and how long a scrape waits for one: each server answers one at a time.
const (
	freshClients = 5 * time.Second
	askClients   = 2 * time.Second
)

// scraped returns all figures with the clients that are connected now. The agent
// itself asks once in an interval, and a graph of that would be a staircase.
func (f *figures) scraped() []metrics.Family {
	f.askAgain()
	return f.families()
}

// askAgain asks the servers who is connected, unless that was done just now.
func (f *figures) askAgain() {
	f.mu.Lock()
	due := time.Since(f.asked) >= freshClients
	if due {
		f.asked = time.Now()
	}
	servers := slices.Clone(f.status.Servers)
	f.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askClients)
	defer cancel()
	for i := range servers {
		servers[i].Ask(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.status.Servers) == len(servers) {
		f.status.Servers = servers
	}
}
