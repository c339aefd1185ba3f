package failover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"vpnd/internal/atomic"
)

// A record is what a failover is about, for those who look at it without a wish: the
// status, and whoever takes it away. It is as old as the boot at most, as charon's SAs
// and the routes are.
type record struct {
	Connections []string       `json:"connections"`
	Mode        string         `json:"mode"`
	Settle      time.Duration  `json:"settle"`
	Interfaces  []string       `json:"interfaces,omitempty"`
	Networks    []netip.Prefix `json:"networks,omitempty"`
	Metric      int            `json:"metric"`
}

func (v Verbs) file(name string) string { return filepath.Join(v.Records, name+".json") }

// recorded returns what is on record of a failover, nil where nothing is.
func (v Verbs) recorded(name string) (*record, error) {
	data, err := os.ReadFile(v.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, nil // as good as none: the next apply writes it anew
	}
	return &r, nil
}

// keep records a failover.
func (v Verbs) keep(name string, r record) error {
	if was, err := v.recorded(name); err == nil && was != nil && reflect.DeepEqual(*was, r) {
		return nil
	}
	if err := os.MkdirAll(v.Records, 0o755); err != nil {
		return fmt.Errorf("recording which connections there are: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomic.Write("/", atomic.File{Path: v.file(name), Data: data, Mode: 0o600})
}
