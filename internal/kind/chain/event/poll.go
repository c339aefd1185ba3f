package event

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"time"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/resource"
)

// How often the legacy tables are looked at: where vpnd has its rules there, and
// where only others have, of which people are told. 10,000 rules cost a few
// milliseconds.
const (
	Often  = 2 * time.Second
	seldom = 30 * time.Second
)

// poll hints when a rule of the legacy tables has changed.
func (w Watcher) poll(ctx context.Context, begin func(), kick func(resource.Hint)) error {
	seed := maphash.MakeSeed()
	last, err := kernel.Fingerprints(seed)
	begin()
	for err == nil {
		own := false
		timer, stop := alarm(pause(w.Legacy, len(last)))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-w.Writers.Events():
			own = true
		case <-timer:
		}
		stop()
		var now map[string]uint64
		if now, err = kernel.Fingerprints(seed); err == nil && !own && !maps.Equal(now, last) {
			kick(resource.Hint{})
		}
		last = now
	}
	return fmt.Errorf("reading the legacy tables: %w", err)
}

// pause is how long until the legacy tables are looked at again, 0 where vpnd
// writes elsewhere and there are none, so that nobody wakes up for nothing. Who
// makes the first one then is found out by the next look at everything.
func pause(ours bool, tables int) time.Duration {
	switch {
	case ours && tables > 0:
		return Often
	case ours || tables > 0:
		return seldom
	default:
		return 0
	}
}

// alarm is a timer, one that never goes off for 0.
func alarm(d time.Duration) (<-chan time.Time, func() bool) {
	if d == 0 {
		return nil, func() bool { return true }
	}
	t := time.NewTimer(d)
	return t.C, t.Stop
}
