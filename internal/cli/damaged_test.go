package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An undo at the deadline comes to its end, and what follows too, where what is in
// force or what is held was damaged meanwhile.
func TestAnUndoBesideADamagedState(t *testing.T) {
	for _, name := range []string{"wish.json", "hold.json"} {
		t.Run(name, func(t *testing.T) {
			r, err := newRig(testDir(t))
			if err != nil {
				t.Fatal(err)
			}
			do := func(args ...string) {
				t.Helper()
				if code, _ := r.run(args...); code != 0 {
					t.Fatalf("%v: %d\n%s", args, code, r.out.String())
				}
			}
			edit := func(text string) {
				t.Helper()
				if err := r.write(`thing "a" { text = "` + text + `" }`); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(r.dir, "state", name)
			edit("1")
			do("apply", "--yes")
			edit("2")
			do("apply", "--yes", "--confirm", "1m", "--no-probes")
			if err := os.WriteFile(path, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			r.over = true
			do("rollback", "--yes", "--unconfirmed")
			if told := strings.Contains(r.out.String(), path+" is damaged"); told != (name == "wish.json") {
				t.Errorf("told: %v\n%s", told, r.out.String())
			}
			if r.texts["a"] != "1" {
				t.Errorf("not undone: %v", r.texts)
			}
			edit("3")
			do("apply", "--yes")
			if aside, err := os.ReadFile(path + ".damaged"); string(aside) != "garbage" {
				t.Errorf("set aside: %q, %v", aside, err)
			}
			do("rollback", "--yes")
			if r.texts["a"] != "1" {
				t.Errorf("not undone: %v", r.texts)
			}
			if err := os.WriteFile(path, []byte("garbage"), 0o600); err != nil {
				t.Fatal(err)
			}
			do("destroy", "--yes", "--purge")
			left, err := filepath.Glob(filepath.Join(r.dir, "state", "*.damaged"))
			if err != nil || len(left) > 0 || r.texts["a"] != "" || strings.Contains(r.out.String(), "damaged:") {
				t.Errorf("left: %v, %v, %v\n%s", left, r.texts, err, r.out.String())
			}
		})
	}
}
