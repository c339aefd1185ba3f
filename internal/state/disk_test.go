package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// full has the disk below a store take nothing more, until the returned function
// is called.
func full(t *testing.T, s *Store) (end func()) {
	t.Helper()
	dev, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	log := s.log
	s.log = dev
	return func() { s.log = log; _ = dev.Close() }
}

// What could not be written is known at once, and written first once it can be.
func TestPostponedFactsAreWrittenLater(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	a, b := id("a"), id("b")
	end := full(t, s)
	if err := s.Commit(Fact{Put: &Record{ID: a}}); !Unwritable(err) || !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("it was written: %v", err)
	}
	s.Postpone(Fact{Put: &Record{ID: a}})
	if _, ok := s.Record(a); !ok {
		t.Error("it is not known")
	}
	if err := s.Commit(Fact{Put: &Record{ID: b}}); !Unwritable(err) {
		t.Errorf("it was written: %v", err)
	}
	end()
	if err := errors.Join(s.Close(), s.Reopen()); err != nil {
		t.Fatal(err)
	}
	again, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.Record(a); !ok {
		t.Errorf("it was not written: %+v", again.Records())
	}
}

// The room for an undo lasts as long as an apply waits, and is given free with it
// and by whoever comes after one that was killed.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	snap := &Snapshot{Taken: time.Now()}
	if err := errors.Join(s.SaveSnapshot(snap), s.Reserve(snap.Name)); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(dir, reserved), &st) != nil {
			return 0
		}
		return st.Blocks * 512
	}
	if size() < 64<<10 {
		t.Errorf("%d bytes are reserved", size())
	}
	reopen := func() {
		t.Helper()
		if err := errors.Join(s.Close(), s.Reopen()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetPending(Pending{Snapshot: snap.Name}); err != nil {
		t.Fatal(err)
	}
	if reopen(); size() == 0 {
		t.Error("it is not kept")
	}
	if err := s.DropPending(); err != nil || size() > 0 {
		t.Errorf("it is kept for ever: %v", err)
	}
	if err := s.Reserve(snap.Name); err != nil {
		t.Fatal(err)
	}
	if reopen(); size() > 0 {
		t.Error("that of a killed one is kept")
	}
}
