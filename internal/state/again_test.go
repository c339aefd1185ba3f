package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// known lists the names of all records.
func known(s *Store) string {
	var names []string
	for _, r := range s.Records() {
		names = append(names, r.ID.Name)
	}
	return strings.Join(names, " ")
}

func put(t *testing.T, s *Store, name string) {
	t.Helper()
	if err := s.Commit(Fact{Put: &Record{ID: id(name)}}); err != nil {
		t.Fatal(err)
	}
}

func TestReopenedStoreKnowsWhatOthersWrote(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	log := filepath.Join(dir, "records.jsonl")
	kept := open1(t, dir)
	put(t, kept, "a")
	reopen := func(want string) {
		t.Helper()
		if err := kept.Close(); err != nil {
			t.Fatal(err)
		}
		if err := kept.Reread(); err != nil || known(kept) != want {
			t.Errorf("to look: %q, %v, want %q", known(kept), err, want)
		}
		if err := kept.Reopen(); err != nil || known(kept) != want {
			t.Errorf("to write: %q, %v, want %q", known(kept), err, want)
		}
		if again := open1(t, dir); known(again) != want {
			t.Errorf("on disk: %q, want %q", known(again), want)
		}
	}
	reopen("a")

	put(t, open1(t, dir), "b")
	reopen("a b")

	gone := id("a")
	other := open1(t, dir)
	for i := range 100 { // until it is tidied
		if err := other.Commit(Fact{Drop: &gone}); err != nil {
			t.Fatal(i, err)
		}
	}
	put(t, open1(t, dir), "c")
	reopen("b c")

	torn, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(torn, `{"put":{"id":"thi`)
	torn.Close()
	reopen("b c")
	put(t, kept, "d")
	reopen("b c d")

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	kept = open1(t, dir)
	put(t, kept, "e")
	reopen("e")

	unmarked := func() { _ = os.Remove(filepath.Join(dir, markFile)) } // as an earlier vpnd leaves it
	unmarked()
	if err := os.WriteFile(log, []byte("{}\n"), 0o600); err != nil { // by hand, in place
		t.Fatal(err)
	}
	reopen("")
	put(t, kept, "f")
	reopen("f")
	data, err := os.ReadFile(log)
	if err == nil { // as long as before
		err = os.WriteFile(log, bytes.ReplaceAll(data, []byte("thing.f"), []byte("thing.g")), 0o600)
	}
	if err == nil {
		later := time.Now().Add(time.Hour) // clocks of file systems are coarse
		err = os.Chtimes(log, later, later)
	}
	if err != nil {
		t.Fatal(err)
	}
	unmarked()
	reopen("g")
}

// A store that has read records knows that there were some where nothing on the disk
// tells any more.
func TestReopenedStoreKnowsWhatIsLost(t *testing.T) {
	for what, lose := range map[string]func(dir string) error{
		"all of the state": os.RemoveAll,
		"records and mark": func(dir string) error {
			return errors.Join(os.Truncate(filepath.Join(dir, "records.jsonl"), 0), os.Remove(filepath.Join(dir, markFile)))
		},
	} {
		for how, again := range map[string]func(*Store) error{"to look": (*Store).Reread, "to write": (*Store).Reopen} {
			dir := filepath.Join(t.TempDir(), "state")
			kept := open1(t, dir)
			put(t, kept, "a")
			if err := errors.Join(kept.Close(), lose(dir)); err != nil {
				t.Fatal(err)
			}
			var damage *DamageError
			if err := again(kept); !errors.As(err, &damage) || !strings.Contains(damage.What, "1 things") {
				t.Errorf("%s, %s: %v", what, how, err)
			}
		}
	}
}

func TestReopenedStoreReadsNoMoreThanNeeded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open1(t, dir)
	put(t, s, "a")
	_ = s.Close()
	before := s.known
	put(t, open1(t, dir), "b")
	data, err := os.ReadFile(filepath.Join(dir, "records.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	copy(data, strings.Repeat("x", int(before.size)-1)) // what was read is not looked at again
	if err := os.WriteFile(filepath.Join(dir, "records.jsonl"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reread(); err != nil || known(s) != "a b" {
		t.Errorf("%q, %v", known(s), err)
	}
}
