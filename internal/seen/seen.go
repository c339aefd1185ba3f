// Package seen remembers when people were last connected. OpenVPN forgets who hangs up,
// and the kernel forgets WireGuard's peers with their interface; the agent looks once a
// minute, and keeps what it saw in a small file beside the state, over its own restarts
// and those of servers.
//
// What is not in it is not known. Who was connected between two looks, or while no agent
// ran, was not seen; a memory that was lost begins anew and says since when it goes back.
package seen

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// mostPeople is how many are remembered, those that were seen last; and mostBytes how
// large the file may be.
const (
	mostPeople = 50_000
	mostBytes  = 64 << 20
)

// formatVersion is that of the file.
const formatVersion = "1"

// A Sighting is how somebody was seen last.
type Sighting struct {
	Name    string    `json:"name"`
	Block   string    `json:"server"` // the block that they were connected to
	At      time.Time `json:"at"`
	From    string    `json:"from,omitempty"`    // address and port they came from
	Address string    `json:"address,omitempty"` // in the VPN
	Since   time.Time `json:"since,omitzero"`    // connected since, where that is known
	In      uint64    `json:"in_bytes"`          // in that session, up to then
	Out     uint64    `json:"out_bytes"`
}

// A Memory is what is remembered, by the block and the name.
type Memory struct {
	Since  time.Time // it goes back to then; the zero time where nobody remembers
	People map[Person]Sighting
}

// A Person is somebody with a way in.
type Person struct{ Block, Name string }

// document is the file.
type document struct {
	FormatVersion string     `json:"format_version"`
	Since         time.Time  `json:"since"`
	People        []Sighting `json:"people"` // who was seen last first
}

// Path is where the memory lies beside the state in a directory.
func Path(dir string) string { return filepath.Join(dir, state.Seen) }

// Read returns what is remembered, and an empty memory where nobody has begun one. With
// an error it is empty too.
func Read(dir string) (Memory, error) {
	m := Memory{People: make(map[Person]Sighting)}
	data, err := atomic.ReadFile("/", Path(dir), mostBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	var d document
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err == nil && d.FormatVersion != formatVersion {
		err = fmt.Errorf("its format is %q and not %q", d.FormatVersion, formatVersion)
	}
	if err != nil {
		return m, fmt.Errorf("reading who was seen last: %w", err)
	}
	m.Since = d.Since
	for _, s := range d.People {
		m.People[Person{s.Block, s.Name}] = s
	}
	return m, nil
}

// Write puts it into its file, for root alone.
func (m Memory) Write(dir string) error {
	d := document{FormatVersion: formatVersion, Since: m.Since, People: m.latest()}
	data, err := json.Marshal(d)
	if err == nil {
		err = atomic.Write("/", atomic.File{Path: Path(dir), Data: append(data, '\n'), Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
	}
	if err != nil {
		return fmt.Errorf("writing who was seen last: %w", err)
	}
	return nil
}

// Forget removes the memory that lies in a directory.
func Forget(dir string) error {
	if err := atomic.Remove("/", Path(dir)); err != nil {
		return fmt.Errorf("forgetting who was seen last: %w", err)
	}
	return nil
}

// latest are as many as are remembered, who was seen last first.
func (m Memory) latest() []Sighting {
	all := make([]Sighting, 0, len(m.People))
	for _, s := range m.People {
		all = append(all, s)
	}
	resource.Sort(all, func(a, b Sighting) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Block, b.Block))
	})
	return all[:min(len(all), mostPeople)]
}

// note remembers sightings, and says whether that is more than a later moment and more
// bytes of sessions that are known.
func (m *Memory) note(now time.Time, all []Sighting) (news bool) {
	if m.Since.IsZero() {
		m.Since, news = now.UTC().Truncate(time.Second), true
	}
	for _, s := range all {
		p := Person{s.Block, s.Name}
		known := m.People[p]
		if s.At.Before(known.At) {
			continue
		}
		m.People[p] = s
		news = news || s.From != known.From || s.Address != known.Address || !s.Since.Equal(known.Since)
	}
	if len(m.People) > 2*mostPeople { // what is written is bounded anyway
		kept := make(map[Person]Sighting, mostPeople)
		for _, s := range m.latest() {
			kept[Person{s.Block, s.Name}] = s
		}
		m.People = kept
	}
	return news
}

// Sightings are who is connected as servers and tunnels say, and when peers of
// WireGuard were heard from last.
func Sightings(now time.Time, v status.VPNs) []Sighting {
	now = now.UTC().Truncate(time.Second)
	var all []Sighting
	for _, s := range v.Servers {
		for _, c := range s.Clients {
			all = append(all, Sighting{c.Name, s.Block, now, c.From, c.Address, c.Began, c.In, c.Out})
		}
	}
	for _, t := range v.Tunnels {
		if at := dialledIn(t, now); !at.IsZero() {
			all = append(all, Of(t, at))
		}
	}
	return all
}

// Of is how the person behind a tunnel was seen at a time.
func Of(t status.Tunnel, at time.Time) Sighting {
	return Sighting{t.Name, t.Block, at, t.Peer, bare(t.Remote), t.Since, t.In, t.Out}
}

// dialledIn is when the person behind one of several tunnels was heard from last; the
// zero time of what is none, and of who was not.
func dialledIn(t status.Tunnel, now time.Time) time.Time {
	switch {
	case t.Error != "" || !dialsIn(t) || t.Handshake.IsZero():
		return time.Time{}
	case t.Up:
		return now
	}
	return t.Handshake.UTC()
}

// bare is the first of some networks, and an address where it is of one.
func bare(networks []string) string {
	if len(networks) == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(networks[0], "/32"), "/128")
}

// dialsIn says whether a tunnel is that of somebody who dials in, as a peer of WireGuard
// does, and not one between sites.
func dialsIn(t status.Tunnel) bool { return t.OnDemand && t.Name != "" && t.Name != t.ID.Name }
