package failover

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"vpnd/internal/icmp"
	"vpnd/internal/resource"
)

// WatchWishes probes through what carries, keeps the others ready where it may, and kicks
// as soon as something has to move. To keep one ready it establishes an IKE SA that
// carries nothing: that is how it knows whether there is something to move to.
func (v Verbs) WatchWishes(ctx context.Context, wants map[string]*Failover, kick func(resource.Hint)) error {
	v.Memory.keep(wants)
	events := make(map[string]chan struct{}, len(wants))
	var running sync.WaitGroup
	defer running.Wait()
	for name, want := range wants {
		events[name] = make(chan struct{}, 1)
		s := &sentry{verbs: v, name: name, want: *want, past: v.Memory.of(name), kick: kick, event: events[name]}
		running.Go(func() { s.run(ctx) })
	}
	running.Go(func() { v.listen(ctx, events) })
	kick(resource.Hint{})
	<-ctx.Done()
	return nil
}

// listen wakes all sentries for each event of charon, of which there are few.
func (v Verbs) listen(ctx context.Context, events map[string]chan struct{}) {
	for ctx.Err() == nil {
		_ = v.swan().hear(ctx, func() { // charon that was stopped is waited for
			for _, event := range events {
				select {
				case event <- struct{}{}:
				default:
				}
			}
		})
		sleep(ctx, time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// answered says whether one of the addresses answers a probe in that time, and takes
// all of it where none does.
func answered(ctx context.Context, addrs []netip.Addr, through string, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	results := make(chan bool, len(addrs))
	for _, addr := range addrs {
		go func() { results <- icmp.Ping(ctx, addr, through) == nil }()
	}
	for range addrs {
		if <-results {
			return true
		}
	}
	<-ctx.Done() // also where there is no way: the rhythm stays
	return false
}
