package engine

import (
	"context"
	"testing"
	"time"

	"vpnd/internal/resource"
)

func TestReaderThatReadNothingWrongNeedsNoRefresh(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const refreshed, spared = "apply conf; restart reader", "apply conf; none reader"
	for _, test := range []struct {
		what         string
		wrong, began time.Duration // ago: the drift, and the reader's start
		moves        func(r *rig)
		want         string
	}{
		{"it has run for an hour", time.Second, time.Hour, nil, spared},
		{"it was restarted since", time.Second, 500 * time.Millisecond, nil, refreshed},
		{"it had only just started", time.Second, 3 * time.Second, nil, refreshed},
		{"the drift is old, and somebody may have sent a signal", time.Minute, time.Hour, nil, refreshed},
		{"the clock was set", -time.Second, time.Hour, nil, refreshed},
		{"nobody knows since when it runs", time.Second, 1 << 60, nil, refreshed},
		{"the file was removed", time.Second, time.Hour, func(r *rig) { delete(r.things, "conf") }, refreshed},
	} {
		t.Run(test.what, func(t *testing.T) {
			r := newRig(t)
			all := []resource.Resource{wish("conf", text("1")), reader(resource.Restart, "conf")}
			r.converge(all...)
			r.things["conf"] = text("wrong")
			if test.moves != nil {
				test.moves(r)
			}
			r.since["conf"] = now.Add(-test.wrong)
			if test.began < 1<<60 {
				r.since["reader"] = now.Add(-test.began)
			}
			r.took()
			e := r.engine()
			e.Now = func() time.Time { return now }
			p, err := e.Plan(context.Background(), resource.Desired{Present: all})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Apply(context.Background(), p).Failed(); err != nil {
				t.Fatal(err)
			}
			expect(t, "done", r.took(), test.want)
			expect(t, "left", told(r.plan(all...)), "")
		})
	}
}

// What an earlier run owes, or a change of the configuration, is not spared.
func TestReaderThatIsOwedMoreIsRefreshed(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := newRig(t)
	all := func(other string) []resource.Resource {
		return []resource.Resource{wish("conf", text("1")), wish("other", text(other)), reader(resource.Restart, "conf", "other")}
	}
	r.converge(all("1")...)
	r.things["conf"] = text("wrong")
	r.since["conf"], r.since["reader"] = now.Add(-time.Second), now.Add(-time.Hour)
	r.took()
	e := r.engine()
	e.Now = func() time.Time { return now }
	p, err := e.Plan(context.Background(), resource.Desired{Present: all("2")})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		t.Fatal(err)
	}
	expect(t, "done", r.took(), "apply conf; apply other; restart reader")
}
