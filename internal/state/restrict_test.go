package state

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRestrict(t *testing.T) {
	dir := t.TempDir()
	is := func(want os.FileMode) {
		t.Helper()
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if was, err := Restrict(dir); was != 0 || err != nil {
		t.Errorf("a directory without a state: %v, %v", was, err)
	}
	is(0o777)
	if err := os.WriteFile(filepath.Join(dir, "records.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []os.FileMode{0o777, 0} {
		if was, err := Restrict(dir); was != want || err != nil {
			t.Errorf("%v, %v", was, err)
		}
		is(0o700)
	}
	if was, err := Restrict(dir + "/none"); was != 0 || err != nil {
		t.Errorf("no directory: %v, %v", was, err)
	}
}
