package lab

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// resting is how many inotify(7) instances a host holds once it is up, with an agent of
// vpnd on it.
const resting = 10

// places are for the hosts that labs of this process have up at a time. Whoever needs
// several takes them at once and in turn, so that nobody keeps some and waits for more
// while others do the same.
type places struct {
	mu      sync.Mutex
	all     int // 0: not counted yet
	free    int
	waiting []*turn
}

// A turn is of somebody who waits.
type turn struct {
	places int
	taken  chan struct{}
}

// taken are those of this process.
var taken places

// take waits for n places, or for all where there are fewer, and returns how many it
// took.
func (p *places) take(ctx context.Context, n int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	p.mu.Lock()
	if p.all == 0 {
		p.all = room(limit())
		p.free = p.all
	}
	w := &turn{min(n, p.all), make(chan struct{})}
	p.waiting = append(p.waiting, w)
	p.serve()
	p.mu.Unlock()
	select {
	case <-w.taken:
		return w.places, nil
	case <-ctx.Done():
		return 0, p.abandon(ctx, w)
	}
}

// abandon gives up a turn, which may have been served a moment ago.
func (p *places) abandon(ctx context.Context, w *turn) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	} else {
		p.free += w.places
	}
	p.serve()
	return context.Cause(ctx)
}

// give gives places back.
func (p *places) give(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += n
	p.serve()
}

// serve hands out what is free to those who wait, first come, first served.
func (p *places) serve() {
	for len(p.waiting) > 0 && p.waiting[0].places <= p.free {
		first := p.waiting[0]
		p.waiting = p.waiting[1:]
		p.free -= first.places
		close(first.taken)
	}
}

// room is how many hosts there can be where a user may have so many inotify instances,
// one of them booting.
func room(instances string) int {
	n, err := strconv.Atoi(instances)
	if err != nil {
		return 1
	}
	return max(1, (n-watching)/resting)
}

func limit() string {
	text, err := os.ReadFile("/proc/sys/user/max_inotify_instances")
	if err != nil {
		return "unknown number"
	}
	return strings.TrimSpace(string(text))
}
