package metrics

import (
	"log/slog"
	"net"
	"strings"
	"testing"

	"vpnd/internal/config/settings"
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

func TestMetricsAreServedOnceThePortIsFree(t *testing.T) {
	var logs strings.Builder
	e := New(slog.New(slog.NewTextHandler(&logs, nil)), resource.Catalog{})
	defer e.Close()
	wanted, free := taken(t)
	for range 3 {
		e.Set(wanted)
		e.Listen()
	}
	if e.server != nil || e.failed == "" || strings.Count(logs.String(), "metrics are not to be had") != 1 {
		t.Errorf("while the port is taken: %q\n%s", e.failed, logs.String())
	}
	free()
	e.Listen()
	if e.server == nil || e.failed != "" || strings.Count(logs.String(), "metrics are to be had") != 1 {
		t.Errorf("once it is free: %q\n%s", e.failed, logs.String())
	}
	server := e.server
	if e.Set(wanted); e.server != server {
		t.Error("it was closed although the same is wished")
	}
	e.Set(nil)
	if e.server != nil {
		t.Error("nobody wishes it any more")
	}
}
