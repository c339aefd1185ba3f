package connection

import (
	"context"
	"time"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// An agent looks that often whether clients are connected; and every so many times why
// one is down.
const (
	interval = 5 * time.Second
	thorough = 6
)

// WatchWishes looks at the clients every few seconds and tells of those that went down
// or came back; and now and then of those that are down.
func (v Verbs) WatchWishes(ctx context.Context, wants map[string]*Connection, kick func(resource.Hint)) error {
	at := func(words int) func(context.Context) (map[string]notice.Glance, error) {
		return func(ctx context.Context) (map[string]notice.Glance, error) { return v.glance(ctx, wants, words) }
	}
	return notice.Patrol(ctx, interval, []notice.Look{{Every: 1, At: at(0)}, {Every: thorough, At: at(words), Again: true}},
		func(name string) { kick(resource.Hint{Name: name}) })
}

// glance looks whether each is connected and, with its last words, why it is not. Of what
// can't be looked at the pass will tell.
func (v Verbs) glance(ctx context.Context, wants map[string]*Connection, words int) (map[string]notice.Glance, error) {
	m, err := v.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	all := make(map[string]notice.Glance, len(wants))
	for name, want := range wants {
		s, err := v.scene(ctx, m, Place(name), want, words)
		if err != nil || s.state == "" {
			all[name] = notice.Glance{Words: "unknown"}
			continue
		}
		f := judge(want, s)
		g := notice.Glance{Up: f.connected, Words: f.why}
		if words > 0 && !f.connected && f.why == "" {
			g.Words, _ = v.explain(ctx, Place(name), want, s, time.Now().Add(-recent))
		}
		all[name] = g
	}
	return all, nil
}
