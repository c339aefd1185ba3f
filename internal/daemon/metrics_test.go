package daemon

import (
	"log/slog"
	"net"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/lock"
	"vpnd/internal/resource"
)

// taken is an address that another program has until it is freed.
func taken(t *testing.T) (wanted *settings.Metrics, free func()) {
	t.Helper()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free = func() { _ = other.Close() }
	t.Cleanup(free)
	return &settings.Metrics{Listen: resource.Ptr(other.Addr().String())}, free
}

func TestMetricsThatCanNotBeServedAreTold(t *testing.T) {
	wanted, _ := taken(t)
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, func(s *settings.Settings) { s.Metrics = wanted })
		r.start()
		time.Sleep(time.Hour)
		if r.status().MetricsError == "" || r.logged("metrics are not to be had") != 1 {
			t.Errorf("status: %+v\n%s", r.status(), r.logs.String())
		}
		r.wish(map[string]string{"a": "1"})
		r.reload()
		if told := r.status().MetricsError; told != "" {
			t.Errorf("nobody wishes it any more: %s", told)
		}
	})
}

func TestMetricsAreTriedAgainAtTheInterval(t *testing.T) {
	a := newAgent(Options{Log: slog.New(slog.DiscardHandler), RunDir: t.TempDir(), StateDir: t.TempDir()})
	instance, err := lock.Acquire(a.opts.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Release()
	a.life.instance = instance
	defer a.out.metrics.Close()
	wanted, free := taken(t)
	a.out.metrics.Set(wanted)
	if a.reconcile(t.Context(), byTimer, nil); a.out.status.MetricsError == "" {
		t.Error("nothing is said of a port that is taken")
	}
	free()
	if a.reconcile(t.Context(), byTimer, nil); a.out.metrics.Failed() != "" || a.out.status.MetricsError != "" {
		t.Errorf("once it is free: %q", a.out.status.MetricsError)
	}
}
