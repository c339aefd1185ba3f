package failover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A record is what a failover shall be, in a file: it is there where its record is. So
// the status, and whoever takes it away, know what it is about without a wish.
type record struct {
	Connections []string          `json:"connections"`
	Mode        string            `json:"mode"`
	Probe       []netip.Addr      `json:"probe"`
	Settle      resource.Duration `json:"settle"`
	Interfaces  []string          `json:"interfaces"`
	Networks    []netip.Prefix    `json:"networks"`
	Metric      int               `json:"metric"`
}

func (v Verbs) file(name string) string { return filepath.Join(v.Records, name+".json") }

// recorded returns the failover that is on record, nil where none is.
func (v Verbs) recorded(name string) (*Failover, error) {
	data, err := os.ReadFile(v.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, nil // as good as none: it is written anew
	}
	return filled(Failover{Connections: r.Connections, Mode: &r.Mode, Probe: r.Probe, Settle: &r.Settle, Interfaces: r.Interfaces, Networks: r.Networks, Metric: &r.Metric}), nil
}

// keep records a failover.
func (v Verbs) keep(name string, f Failover) error {
	if err := os.MkdirAll(v.Records, 0o700); err != nil {
		return fmt.Errorf("recording which connections there are: %w", err)
	}
	f = *filled(f)
	data, err := json.Marshal(record{f.Connections, *f.Mode, f.Probe, *f.Settle, f.Interfaces, f.Networks, *f.Metric})
	if err != nil {
		return err
	}
	return atomic.Write("/", atomic.File{Path: v.file(name), Data: data, Mode: 0o600})
}

// forget takes a record away, and the directory of records with the last one.
func (v Verbs) forget(name string) error {
	if err := atomic.Remove("/", v.file(name)); err != nil {
		return err
	}
	if err := os.Remove(v.Records); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// filled is a failover with what holds where something is left out.
func filled(f Failover) *Failover {
	f.Mode, f.Settle, f.Metric = resource.Ptr(resource.Or(f.Mode, policy)), resource.Ptr(resource.Or(f.Settle, settle)), resource.Ptr(resource.Or(f.Metric, metric))
	f.Connections, f.Interfaces = append([]string{}, f.Connections...), append([]string{}, f.Interfaces...)
	f.Probe, f.Networks = append([]netip.Addr{}, f.Probe...), append([]netip.Prefix{}, f.Networks...)
	return &f
}
