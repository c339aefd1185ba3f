package ipsec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/reason"
	"vpnd/internal/kind/ipsec/vici"
)

// daemon is what charon says of itself; down where none runs.
type daemon struct {
	down    bool
	since   time.Time // it listens, which no other one since boot has in common with it
	configs map[string]vici.Config
	sas     map[string][]vici.SA // by connection
	shared  []string
	record  record
	said    func() *reason.Log // what charon logged; nil where nobody knows
	now     time.Time
}

// startup is more than charon takes until it listens.
const startup = 5 * time.Second

func (d *daemon) has(name string) bool {
	_, has := d.configs[name]
	return has || len(d.sas[name]) > 0
}

// daemon asks charon about everything at once.
func (v Verbs) daemon(ctx context.Context) (*daemon, error) {
	d := &daemon{now: time.Now(), sas: make(map[string][]vici.SA)}
	if v.Socket == "" {
		d.down = true
		return d, nil
	}
	conn, err := vici.Dial(ctx, v.Socket)
	if errors.Is(err, vici.ErrDown) {
		d.down = true
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// Who runs in a sandbox does not see charon's process, and charon itself counts in
	// seconds. The clock of its socket is that of the files.
	socket, err := atomic.Stat("/", v.Socket)
	if err != nil {
		return nil, fmt.Errorf("looking at charon's socket: %w", err)
	}
	d.since = socket.Changed
	if err := d.ask(ctx, conn, v.Record); err != nil {
		return nil, err
	}
	if v.Journal != nil {
		d.said = sync.OnceValue(func() *reason.Log { return reason.Read(v.Journal(ctx, d.since.Add(-startup))) })
	}
	return d, nil
}

func (d *daemon) ask(ctx context.Context, conn *vici.Conn, path string) error {
	var err error
	if d.configs, err = conn.Configs(ctx); err != nil {
		return err
	}
	sas, err := conn.SAs(ctx)
	if err != nil {
		return err
	}
	for _, sa := range sas {
		d.sas[sa.Name] = append(d.sas[sa.Name], sa)
	}
	if d.shared, err = conn.Shared(ctx); err != nil {
		return err
	}
	d.record, err = readRecord(path, d.since)
	return err
}

// newest is the highest number of an SA.
func (d *daemon) newest() int {
	highest := 0
	for _, sas := range d.sas {
		for _, sa := range sas {
			highest = max(highest, number(sa))
		}
	}
	return highest
}

// children are the child SAs of a connection that are there, by the name of the
// child; the newest where there are several, as while keys are made anew.
func (d *daemon) children(name string) map[string]established {
	all := make(map[string]established)
	for _, sa := range d.sas[name] {
		for _, child := range sa.Children {
			if slices.Contains([]string{"INSTALLED", "REKEYING", "UPDATING", "REKEYED"}, child.State) {
				if other, there := all[child.Name]; !there || other.child.InstallTime > child.InstallTime {
					all[child.Name] = established{sa, child}
				}
			}
		}
	}
	return all
}

type established struct {
	sa    vici.SA
	child vici.SAOut
}

// underway says whether charon is about to establish something for a connection.
func (d *daemon) underway(name string) bool {
	return slices.ContainsFunc(d.sas[name], func(sa vici.SA) bool {
		return sa.State == "CONNECTING" || sa.State == "CREATED" || slices.Contains(append(sa.TasksActive, sa.TasksQueued...), "CHILD_CREATE")
	})
}

// number is that of an SA, which grows with each one.
func number(sa vici.SA) int {
	n, _ := strconv.Atoi(sa.ID)
	return n
}

// gone says whether charon refused since there was nothing to end.
func gone(err error) bool {
	var refused *vici.RefusedError
	return errors.As(err, &refused) && strings.Contains(refused.Said, "no matching SAs")
}
