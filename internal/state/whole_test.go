package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever is lost or changed of the records is told with the file and the way
// out, and what is left of them is taken up by who mends them.
func TestDamagedRecords(t *testing.T) {
	first := func(data []byte, n int) []byte { return bytes.Join(bytes.SplitAfter(data, []byte("\n"))[:n], nil) }
	for what, c := range map[string]struct {
		harm func(data []byte) []byte // nil is a file that is gone
		left int
	}{
		"emptied":        {func([]byte) []byte { return []byte{} }, 0},
		"gone":           {func([]byte) []byte { return nil }, 0},
		"without an end": {func(data []byte) []byte { return first(data, 3) }, 2},
		"only its head":  {func(data []byte) []byte { return first(data, 1) }, 0},
		"another id":     {func(data []byte) []byte { return bytes.ReplaceAll(data, []byte("thing.b"), []byte("thing.x")) }, 3},
		"a torn line":    {func(data []byte) []byte { return data[:len(data)-5] }, 2},
		"zeros":          {func(data []byte) []byte { return make([]byte, len(data)) }, 0},
		"a bad line":     {func(data []byte) []byte { return bytes.Replace(data, []byte(`{"put"`), []byte(`{"pu"`), 1) }, 2},
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			log := filepath.Join(dir, "records.jsonl")
			s := open1(t, dir)
			for _, name := range []string{"a", "b", "c"} {
				put(t, s, name)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if data = c.harm(data); data == nil {
				err = os.Remove(log)
			} else {
				err = os.WriteFile(log, data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, open := range []func(string) (*Store, error){Read, Open} {
				_, err := open(dir)
				var damage *DamageError
				if !errors.As(err, &damage) || damage.Path != log || !strings.Contains(err.Error(), "vpnd apply") {
					t.Errorf("not told: %v", err)
				}
			}
			s, err = Mend(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := len(s.Records()); got != c.left {
				t.Errorf("%d records are left: %s", got, known(s))
			}
			put(t, s, "d")
			if again, err := Read(dir); err != nil || len(again.Records()) != c.left+1 {
				t.Errorf("after mending: %v", err)
			}
			aside, _ := os.ReadFile(log + ".damaged")
			if !bytes.Equal(aside, data) {
				t.Error("what was there is not set aside")
			}
		})
	}
}

// A kill between a log that is written anew and its mark is no damage, and what
// was cut off behind the mark neither: it was never relied on.
func TestUndamagedRecords(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "records.jsonl")
	s := open1(t, dir)
	put(t, s, "a")
	old, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.rewrite(log), s.Close(), os.WriteFile(filepath.Join(dir, markFile), old, 0o600)); err != nil {
		t.Fatal(err)
	}
	if s, err := Read(dir); err != nil || known(s) != "a" {
		t.Errorf("%v", err)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, bytes.Replace(data, []byte("thing.a"), []byte("thing.b"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "its checksum is wrong") {
		t.Errorf("not told: %v", err)
	}
	if err := os.WriteFile(log, append(data, []byte(`{"put":{"id":"thi`)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(dir); err != nil || known(s) != "a" {
		t.Errorf("%v", err)
	}
}

// Who reads while somebody writes, without the lock, does not take what it sees for
// damaged.
func TestRecordsThatGrowAreNotDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	put(t, s, "a")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 300 {
			put(t, s, fmt.Sprint("b", i%20))
		}
	}()
	for reads := 0; ; reads++ {
		if _, err := Read(dir); err != nil {
			t.Fatalf("read %d: %v", reads, err)
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
