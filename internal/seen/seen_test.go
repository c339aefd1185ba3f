package seen

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const office = "openvpn_server.office"

func sighting(name string, at time.Time) Sighting {
	return Sighting{Name: name, Block: office, At: at, From: "192.0.2.7:1194", Address: "10.8.0.2", Since: noon, In: 1, Out: 2}
}

func empty() Memory { return Memory{People: make(map[Person]Sighting)} }

// What was seen last counts, in whatever order it is told; that somebody came or went
// is news, and that they are still there is none.
func TestNote(t *testing.T) {
	m := empty()
	again, elsewhere := sighting("alice", noon.Add(time.Minute)), sighting("alice", noon.Add(2*time.Minute))
	elsewhere.From = "192.0.2.8:1194"
	for _, c := range []struct {
		what string
		seen []Sighting
		news bool
	}{
		{"a memory begins", nil, true},
		{"nobody comes", nil, false},
		{"alice comes", []Sighting{sighting("alice", noon)}, true},
		{"alice stays", []Sighting{again}, false},
		{"an older look is late", []Sighting{sighting("alice", noon.Add(-time.Hour))}, false},
		{"alice comes from elsewhere", []Sighting{elsewhere}, true},
	} {
		if news := m.note(noon, c.seen); news != c.news {
			t.Errorf("%s: news %v", c.what, news)
		}
	}
	if diff := cmp.Diff(map[Person]Sighting{{office, "alice"}: elsewhere}, m.People); diff != "" || !m.Since.Equal(noon) {
		t.Error(m.Since, diff)
	}
}

// The file holds what it was given, for root alone, and no more people than it may;
// who was seen longest ago is forgotten.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	if m, err := Read(dir); err != nil || !m.Since.IsZero() || len(m.People) != 0 {
		t.Errorf("before there is one: %v, %+v", err, m)
	}
	m := empty()
	m.note(noon, []Sighting{sighting("alice", noon), sighting("bob", noon.Add(time.Hour))})
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if info, err := os.Stat(Path(dir)); err != nil || info.Mode() != 0o600 {
		t.Error(err, info.Mode())
	}
	var crowd []Sighting
	for i := range 2*mostPeople + 1 {
		crowd = append(crowd, sighting(fmt.Sprint("p", i), noon.Add(time.Duration(i)*time.Second)))
	}
	m.note(noon, crowd)
	if len(m.People) > mostPeople {
		t.Errorf("%d people are kept in memory", len(m.People))
	}
	if err := m.Write(dir); err != nil {
		t.Fatal(err)
	}
	if got, err = Read(dir); err != nil || len(got.People) != mostPeople || !got.People[Person{office, fmt.Sprint("p", 2*mostPeople)}].At.After(noon) {
		t.Errorf("%v, %d people", err, len(got.People))
	}
}

// What is damaged, or of another format, is lost: nothing is known, and that is said.
func TestDamagedFile(t *testing.T) {
	for _, text := range []string{"", "{", `{"format_version":"2","since":"2026-11-28T12:00:00Z"}`, `[]`} {
		dir := t.TempDir()
		if err := os.WriteFile(Path(dir), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := Read(dir); err == nil || !m.Since.IsZero() || len(m.People) != 0 {
			t.Errorf("%q: %v, %+v", text, err, m)
		}
	}
}

// Who is connected is seen now; a peer of WireGuard when it was heard from last, and
// never one that was not; sites that this host dials are no people.
func TestSightings(t *testing.T) {
	peer := func(name string, change func(*resource.TunnelState)) status.Tunnel {
		one := status.Tunnel{ID: resource.ID{Kind: "wireguard_interface", Name: "wg0"}, Block: "wireguard.wg0"}
		one.TunnelState = resource.TunnelState{Name: name, OnDemand: true, Handshake: noon.Add(-time.Hour), Peer: "192.0.2.9:4500", Remote: []string{"10.20.0.2/32"}, In: 3, Out: 4}
		change(&one.TunnelState)
		return one
	}
	got := Sightings(noon, status.VPNs{
		Servers: []status.Server{{Block: office, Clients: []status.Client{{Name: "alice", From: "192.0.2.7:1194", Address: "10.8.0.2", Began: noon, In: 1, Out: 2}}}},
		Tunnels: []status.Tunnel{
			peer("bob", func(s *resource.TunnelState) { s.Up = true }),
			peer("carol", func(*resource.TunnelState) {}),
			peer("nobody", func(s *resource.TunnelState) { s.Handshake = time.Time{} }),
			peer("branch", func(s *resource.TunnelState) { s.OnDemand = false }),
			peer("", func(*resource.TunnelState) {}),
		},
	})
	wg := func(name string, at time.Time) Sighting {
		return Sighting{Name: name, Block: "wireguard.wg0", At: at, From: "192.0.2.9:4500", Address: "10.20.0.2", In: 3, Out: 4}
	}
	if diff := cmp.Diff([]Sighting{sighting("alice", noon), wg("bob", noon), wg("carol", noon.Add(-time.Hour))}, got); diff != "" {
		t.Error(diff)
	}
}

// server plays the management interface of one to which those are connected.
type server struct {
	mu    sync.Mutex
	names []string
}

func (s *server) set(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = names
}

func (s *server) serve(t *testing.T) string {
	socket := filepath.Join(t.TempDir(), "m.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.answer(c)
		}
	}()
	return socket
}

func (s *server) answer(c net.Conn) {
	defer c.Close()
	if in := bufio.NewScanner(c); in.Scan() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, _ = fmt.Fprint(c, "HEADER\tCLIENT_LIST\tCommon Name\tReal Address\tVirtual Address\tConnected Since (time_t)\r\n")
		for _, name := range s.names {
			_, _ = fmt.Fprintf(c, "CLIENT_LIST\t%s\t192.0.2.7:1194\t10.8.0.2\t%d\r\n", name, noon.Unix())
		}
		_, _ = fmt.Fprint(c, "END\r\n")
	}
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func keeper(t *testing.T, dir string, c *clock, log *strings.Builder) *Keeper {
	k := NewKeeper(dir, resource.Catalog{}, slog.New(slog.NewTextHandler(log, nil)), c.now)
	k.every = time.Hour // looks are the test's
	k.Start(t.Context())
	t.Cleanup(k.Stop)
	return k
}

// Who hung up is remembered, also by the next agent; who stays is written now and then,
// and at the end.
func TestKeeper(t *testing.T) {
	dir, c, s, log := t.TempDir(), &clock{at: noon}, &server{}, &strings.Builder{}
	v := status.VPNs{Servers: []status.Server{{Block: office, Socket: s.serve(t)}}}
	k := keeper(t, dir, c, log)
	k.looked = v // and nothing wakes it
	at := func(name string) time.Time {
		t.Helper()
		m, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		return m.People[Person{office, name}].At
	}
	s.set("alice", "bob")
	k.look(t.Context())
	s.set("bob")
	c.pass(time.Minute)
	k.look(t.Context())
	if !at("alice").Equal(noon) || !at("bob").Equal(noon) {
		t.Errorf("that bob stays was written at once: %v", at("bob"))
	}
	c.pass(late)
	k.look(t.Context())
	if want := noon.Add(late + time.Minute); !at("alice").Equal(noon) || !at("bob").Equal(want) {
		t.Errorf("alice %v, bob %v instead of %v", at("alice"), at("bob"), want)
	}
	c.pass(time.Minute)
	k.look(t.Context())
	k.Stop()
	if want := noon.Add(late + 2*time.Minute); !at("bob").Equal(want) {
		t.Errorf("at the end bob %v instead of %v", at("bob"), want)
	}
	next := keeper(t, dir, c, log)
	next.looked = v
	s.set()
	next.look(t.Context())
	next.Stop()
	if m, err := Read(dir); err != nil || !m.Since.Equal(noon) || len(m.People) != 2 || log.Len() > 0 {
		t.Errorf("the next agent: %v, %+v, %s", err, m, log)
	}
}

// People who were to be forgotten stay so: a keeper that knew them does not write them
// again, neither when somebody comes nor at its end.
func TestKeeperForgets(t *testing.T) {
	dir, c, s, log := t.TempDir(), &clock{at: noon}, &server{}, &strings.Builder{}
	k := keeper(t, dir, c, log)
	k.looked = status.VPNs{Servers: []status.Server{{Block: office, Socket: s.serve(t)}}}
	s.set("alice")
	k.look(t.Context())
	if err := Forget(dir); err != nil {
		t.Fatal(err)
	}
	s.set("bob")
	c.pass(time.Minute)
	k.look(t.Context())
	m, err := Read(dir)
	if _, known := m.People[Person{office, "alice"}]; err != nil || known || len(m.People) != 1 || !m.Since.Equal(c.now()) {
		t.Errorf("%v, %+v", err, m)
	}
	if err := Forget(dir); err != nil {
		t.Fatal(err)
	}
	k.Stop()
	if _, err := os.Lstat(Path(dir)); !errors.Is(err, fs.ErrNotExist) || log.Len() > 0 {
		t.Errorf("at the end: %v, %s", err, log)
	}
}

// A memory that is damaged begins anew, which is told; one that can't be written is
// told of once.
func TestKeeperThatCanNot(t *testing.T) {
	dir, c, s, log := t.TempDir(), &clock{at: noon}, &server{}, &strings.Builder{}
	if err := os.WriteFile(Path(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := keeper(t, dir, c, log)
	k.looked = status.VPNs{Servers: []status.Server{{Block: office, Socket: s.serve(t)}}}
	if !strings.Contains(log.String(), "is lost, and is remembered from now on") {
		t.Error(log)
	}
	k.dir = filepath.Join(dir, "none")
	for _, name := range []string{"alice", "bob"} {
		s.set(name)
		k.look(t.Context())
	}
	if n := strings.Count(log.String(), "can't be kept"); n != 1 {
		t.Errorf("said %d times: %s", n, log)
	}
}

// It looks as soon as there is a server, and each minute from then on.
func TestKeeperLooksInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		k := NewKeeper(dir, resource.Catalog{}, slog.New(slog.DiscardHandler), time.Now)
		k.Start(t.Context())
		begun := time.Now()
		since := func() time.Time {
			m, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			return m.Since
		}
		time.Sleep(10 * time.Minute)
		if !since().IsZero() {
			t.Error("it looked at nothing")
		}
		k.Follow(status.VPNs{Servers: []status.Server{{Socket: filepath.Join(dir, "none")}}})
		synctest.Wait()
		if at := since(); at.Sub(begun) < 10*time.Minute-time.Second || at.Sub(begun) > 10*time.Minute {
			t.Errorf("it looked after %v", at.Sub(begun))
		}
		k.Stop()
	})
}
