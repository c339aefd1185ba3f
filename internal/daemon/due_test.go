package daemon

import (
	"context"
	"sync"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// permit is the shape of what runs out.
type permit struct {
	Fresh      *bool      `vpnd:"fresh,computed,ages"`
	FreshUntil *time.Time `vpnd:"fresh_until,computed,hint"`
}

// Ends returns when it has to be renewed.
func (p *permit) Ends() resource.End { return resource.End{Due: *p.FreshUntil} }

// office renews a permit for twenty minutes.
type office struct {
	mu       sync.Mutex
	until    time.Time
	renewals []time.Time
	looks    int
}

func (o *office) Observe(ctx context.Context, wants map[string]*permit) (map[string]*permit, error) {
	return resource.ObserveEach(ctx, wants, func(string, *permit) (*permit, error) { return o.observe() })
}

func (o *office) observe() (*permit, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks++
	until := o.until
	return &permit{Fresh: resource.Ptr(time.Now().Before(until)), FreshUntil: &until}, nil
}

func (o *office) Apply(context.Context, []resource.Item[permit]) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.renewals = append(o.renewals, time.Now())
	o.until = time.Now().Add(20 * time.Minute)
	return nil
}

func (o *office) Remove(context.Context, []string) error { return nil }

// What enters its renewal window is renewed then, however long the interval is;
// where another vpnd is at work, after that.
func TestTimeIsAnEvent(t *testing.T) {
	bubble(t, func(r *rig) {
		begun := time.Now()
		o := &office{until: begun.Add(54 * time.Second)}
		r.Catalog.Kinds = append(r.Catalog.Kinds, resource.Define("certificate", "", resource.Traits{View: resource.Certificates}, o))
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) { s.Interval = resource.Ptr(resource.Duration(24 * time.Hour)) })
		r.choose(func() {
			r.cfg.Desired.Present = append(r.cfg.Desired.Present, resource.Resource{
				ID: resource.ID{Kind: "certificate", Name: "/a.crt"}, Want: &permit{Fresh: resource.Ptr(true)},
			})
		})
		r.start()
		time.Sleep(time.Hour)
		var unlock func()
		r.as(func(*engine.Engine) error { return nil }, func(end func()) { unlock = end })
		time.Sleep(20 * time.Minute)
		unlock()
		r.rest()
		var at []time.Duration
		for _, renewed := range o.renewals {
			at = append(at, renewed.Sub(begun).Truncate(time.Minute))
		}
		if len(at) != 4 || at[0] != 0 || at[1] != 20*time.Minute || at[2] != 40*time.Minute || at[3] != 80*time.Minute {
			t.Errorf("renewed at %v", at)
		}
		if o.looks > 3000 { // one a second while it waits, and a few beside
			t.Errorf("%d looks", o.looks)
		}
		r.as(func(e *engine.Engine) error {
			past, err := e.Store.History()
			if last := past[len(past)-1]; last.Command != "repair" || last.Changes[0].Reason != "renewal" {
				t.Errorf("history: %+v", last)
			}
			return err
		})
	})
}
