package atomic

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRoomsOfTheDeadAreSwept(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	used, leave, err := Room("check")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(used); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	for _, name := range []string{rooms + "check-1", rooms + "verify-2", "vpnd-other", "theirs"} {
		if err := os.MkdirAll(filepath.Join(temp, name, "inside"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.WriteFile(filepath.Join(temp, rooms+"file"), nil, 0o600),
		os.Symlink(filepath.Join(temp, "theirs"), filepath.Join(temp, rooms+"link")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	SweepRooms()
	if got, want := entries(t, temp), "theirs "+"vpnd-other "+filepath.Base(used)+" "+rooms+"file "+rooms+"link"; got != want {
		t.Errorf("left %s, want %s", got, want)
	}
	leave()
	if _, err := os.Stat(used); !os.IsNotExist(err) {
		t.Errorf("the room is still there: %v", err)
	}
}
