package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// queued is the shape of what stands in a queue.
type queued struct {
	Rule  *string  `vpnd:"rule"`
	Order []string `vpnd:"order,computed,relative"`
}

// inLine returns things that all stand in the line of that many, of these names.
func inLine(t *testing.T, n int, prefix string) (all []Was, line []string) {
	t.Helper()
	for i := range n {
		line = append(line, fmt.Sprintf("%s-%03d", prefix, i))
	}
	for _, name := range line {
		was, err := NewWas(resource.Resource{ID: id(name)}, &queued{Rule: resource.Ptr("r"), Order: line})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, was)
	}
	return all, line
}

// orders decodes where the things stand.
func orders(t *testing.T, all []Was) (orders [][]string) {
	t.Helper()
	for _, was := range all {
		var q queued
		if err := was.Decode(&q); err != nil || *q.Rule != "r" {
			t.Fatalf("%+v, %v", q, err)
		}
		orders = append(orders, q.Order)
	}
	return orders
}

// A line is written once, however many stand in it, in memory too, and each of them
// reads it back, from a wish, the one before it, and a snapshot.
func TestALongLineIsKeptOnce(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	now, line := inLine(t, 100, "now")
	then, earlier := inLine(t, 90, "then")
	wish := &Wish{Since: time.Now().UTC(), Present: now, Before: &Wish{Present: then, Settings: []byte("{}")}, Settings: []byte("{}")}
	snap := &Snapshot{Taken: time.Now().UTC(), Present: then, Returns: true, Return: &Return{Settings: []byte("{}"), Wished: now}}
	if err := errors.Join(s.KeepWish(wish), s.SaveSnapshot(snap)); err != nil {
		t.Fatal(err)
	}
	written := make(map[string]string)
	for _, pattern := range []string{"wish.json", "snapshots/*", "secrets/*"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			written[path] = string(data)
		}
	}
	if len(written) != 4 {
		t.Fatalf("%d files", len(written))
	}
	for path, text := range written {
		if n := strings.Count(text, "now-050"); n != 1 {
			t.Errorf("%s tells one of the line %d times", path, n)
		}
	}
	w, err := s.Wish()
	if err != nil {
		t.Fatal(err)
	}
	back, err := s.Snapshot(snap.Name)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		all  []Was
		line []string
	}{"wish": {w.Present, line}, "before": {w.Before.Present, earlier}, "snapshot": {back.Present, earlier}, "way back": {back.Return.Wished, line}} {
		if len(c.all) != len(c.line) {
			t.Errorf("%s: %d things", what, len(c.all))
		}
		for i, order := range orders(t, c.all) {
			if !slices.Equal(order, c.line) || &order[0] != &c.all[0].Line[0] {
				t.Errorf("%s: %s stands in %q", what, c.all[i].ID, order)
			}
		}
	}
}

// A line that begins where another one does in memory, and is shorter, is another line.
func TestTheBeginningOfALineIsNotTheLine(t *testing.T) {
	s := open1(t, t.TempDir())
	all, line := inLine(t, 3*resource.Long, "x")
	first := line[:2*resource.Long]
	all[1].Line = first
	if err := s.KeepWish(&Wish{Present: all, Settings: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	w, err := s.Wish()
	if err != nil {
		t.Fatal(err)
	}
	if got := orders(t, w.Present); !slices.Equal(got[0], line) || !slices.Equal(got[1], first) {
		t.Errorf("got %q", got[:2])
	}
	whole, err := s.Digest(&queued{Order: line})
	if err != nil {
		t.Fatal(err)
	}
	if part, err := s.Digest(&queued{Order: first}); err != nil || part.Equal(whole) {
		t.Errorf("%s, %v", part, err)
	}
}

// What is lost is told, and never taken for no line.
func TestALineThatIsLostIsDamage(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	all, _ := inLine(t, resource.Long, "x")
	if err := errors.Join(s.KeepWish(&Wish{Present: all, Settings: []byte("{}")}), os.RemoveAll(filepath.Join(dir, "secrets"))); err != nil {
		t.Fatal(err)
	}
	var damage *DamageError
	if _, err := s.Wish(); !errors.As(err, &damage) {
		t.Errorf("got %v", err)
	}
}

// A short line stands in the shape, and so does a long one of an earlier vpnd.
func TestALineInTheShapeIsRead(t *testing.T) {
	short, line := inLine(t, resource.Long-1, "x")
	if short[0].Line != nil || !slices.Equal(orders(t, short)[0], line) {
		t.Errorf("%+v", short[0])
	}
	long, line := inLine(t, resource.Long, "x")
	data, err := json.Marshal(line)
	if err != nil || long[0].Line == nil {
		t.Fatal(err, long[0])
	}
	old := Was{Shape: slices.Concat([]byte(`{"rule":"r","order":`), data, []byte(`}`))}
	if got := orders(t, []Was{old})[0]; !slices.Equal(got, line) {
		t.Errorf("got %q", got)
	}
}

// The digest of a shape in a long line is the one that an earlier vpnd made, so that
// no record changes.
func TestTheDigestOfALineIsThatOfItsJSON(t *testing.T) {
	s := open1(t, t.TempDir())
	for n := 1; n < 3*resource.Long; n++ {
		_, line := inLine(t, n, "x")
		data, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		want := string(data)
		if len(data) > inline {
			want = `"` + s.Sum(data) + `"`
		}
		for range 2 {
			if d, err := s.Digest(&queued{Rule: resource.Ptr("r"), Order: line}); err != nil || value(d, "order") != want || value(d, "rule") != `"r"` {
				t.Fatalf("%d names: %v, %v, want %s", n, d, err, want)
			}
		}
	}
}

// Another order of the same things is another wish, and the way back leads to the
// one before.
func TestAnotherOrderIsAnotherWish(t *testing.T) {
	s := open1(t, t.TempDir())
	all, line := inLine(t, resource.Long, "x")
	turned := slices.Clone(line)
	slices.Reverse(turned)
	var others []Was
	for _, was := range all {
		was.Line = turned
		others = append(others, was)
	}
	to, from := &Wish{Present: all, Settings: []byte("{}")}, &Wish{Present: others, Settings: []byte("{}")}
	if err := errors.Join(s.Sign(to), s.Sign(from)); err != nil || to.Fingerprint == from.Fingerprint {
		t.Errorf("%v, %s", err, to.Fingerprint)
	}
	earlier := &Wish{Settings: []byte("{}")} // written by an earlier vpnd
	for _, was := range all {
		whole, err := was.whole()
		if err != nil || !strings.Contains(string(whole), `{"order":["x-000","x-001",`) {
			t.Fatalf("%s, %v", whole, err)
		}
		earlier.Present = append(earlier.Present, Was{ID: was.ID, Shape: whole})
	}
	if err := s.Sign(earlier); err != nil || earlier.Fingerprint != to.Fingerprint || newReturn(earlier, to) != nil || newReturn(earlier, from) == nil {
		t.Errorf("%v, an upgrade makes another wish of the same", err)
	}
	back := newReturn(from, to).from(from)
	if len(back.Present) != len(all) || !slices.Equal(back.Present[0].Line, line) {
		t.Errorf("%+v", back.Present[0])
	}
}

// An address in a line is read as package encoding/json reads it, whatever is in it.
func FuzzAddress(f *testing.F) {
	for _, name := range []string{"/a", "tun0", `a"b`, `a\b`, "a\"]", "ü", "", "[", "a\nb", `\"`, "<&>"} {
		data, err := json.Marshal(resource.ID{Kind: "kind", Name: name})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add(`"kind[\"a"`)
	f.Add(`"kind.a\\"`)
	f.Fuzz(func(t *testing.T, written string) {
		if !json.Valid([]byte(written)) || written[0] != '"' || written[len(written)-1] != '"' {
			return
		}
		var want resource.ID
		wrong := json.Unmarshal([]byte(written), &want)
		if got, err := address(written); (err == nil) != (wrong == nil) || err == nil && got != want {
			t.Errorf("%s is %v, %v instead of %v, %v", written, got, err, want, wrong)
		}
	})
}
