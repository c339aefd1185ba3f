package cli

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An undo at the deadline comes to its end, and what follows too, where what is in
// force or what is suppressed was damaged meanwhile.
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

// An apply that nobody confirms is undone, at the deadline and by hand, whatever is
// lost of what says that it waits; and one that somebody confirms stays.
func TestAnUndoOfWhichTheFileIsLost(t *testing.T) {
	for _, name := range []string{"pending.json", "reserve", "records.jsonl", "records.sum.json"} {
		for _, harm := range []string{"missing", "emptied", "damaged"} {
			t.Run(name+" "+harm, func(t *testing.T) {
				r, err := newRig(testDir(t))
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(r.dir, "state", name)
				do := func(want int, args ...string) {
					t.Helper()
					if code, _ := r.run(args...); code != want {
						t.Fatalf("%v: %d, not %d\n%s", args, code, want, r.out.String())
					}
				}
				waits := func(text string) {
					t.Helper()
					err := r.write(`thing "a" { text = "` + text + `" }`)
					if err == nil {
						do(0, "apply", "--yes", "--confirm", "1m", "--no-probes")
						err = lose(path, harm)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				waits("1")
				if name != "records.jsonl" { // which vpnd apply or the undo mends
					do(0, "confirm")
					waits("2")
				}
				do(1, "apply", "--yes")
				if !strings.Contains(r.out.String(), "waits for confirmation until") {
					t.Errorf("said: %s", r.out.String())
				}
				if err := lose(path, harm); err != nil {
					t.Fatal(err)
				}
				do(0, "rollback", "--yes", "--unconfirmed")
				r.over = true
				do(0, "rollback", "--yes", "--unconfirmed")
				before := map[string]string{"a": "1"}
				if name == "records.jsonl" {
					before = map[string]string{}
				}
				if !maps.Equal(r.texts, before) {
					t.Errorf("not undone: %v\n%s", r.texts, r.out.String())
				}
				do(1, "confirm")
				do(0, "apply", "--yes")
			})
		}
	}
}

// lose harms a file.
func lose(path, harm string) error {
	switch harm {
	case "emptied":
		return os.WriteFile(path, nil, 0o600)
	case "damaged":
		return os.WriteFile(path, []byte("garbage\n"), 0o600)
	}
	return os.RemoveAll(path)
}

// Whatever is lost of a single file of the state: each command does its work, or
// does nothing and says which file it is and what leads out. That way leads out,
// and then all can be given back.
func TestEachCommandBesideALoss(t *testing.T) {
	refuses := map[string]string{ // what a command says of the way out
		"records.jsonl": "vpnd apply", "key": "remove it",
	}
	looks, changes := []string{"plan", "status", "drift", "history", "show"}, map[string][]string{
		"apply": {"apply", "--yes"}, "part": {"apply", "--yes", "--target", `thing["b"]`}, "destroy": {"destroy", "--yes"},
		"rollback": {"rollback", "--yes"}, "forget": {"forget", `thing["b"]`},
	}
	for _, name := range []string{"wish.json", "hold.json", "records.jsonl", "records.sum.json", "key", "history.jsonl", "secrets", "snapshots", "priors"} {
		inForce := name == "wish.json" || name == "secrets"
		for _, harm := range []string{"missing", "emptied", "torn", "older"} {
			t.Run(name+" "+harm, func(t *testing.T) {
				t.Parallel()
				for command, args := range changes {
					r, path, ok := harmed(t, name, harm)
					if !ok {
						return
					}
					does := func(command string, args ...string) {
						t.Helper()
						before := r.now()
						code, _ := r.run(args...)
						said, out := r.out.String(), refuses[name]
						if command == "part" && inForce {
							out = "without --target"
						}
						asEver := code == 0 || command == "drift" && code == 3
						switch command {
						case "status": // no agent runs
							asEver = out == "" && !inForce && name != "hold.json"
							out = path // the way out is the same
						case "destroy":
							asEver = asEver || name == "priors" && strings.Contains(said, "is not given back")
						case "rollback":
							asEver = asEver || name == "snapshots" || name == "secrets" && strings.Contains(said, "vpnd history lists others")
						}
						if !asEver && (out == "" || !strings.Contains(said, path) || !strings.Contains(said, out)) {
							t.Errorf("%s: %d\n%s", command, code, said)
						}
						if code != 0 && !asEver && !maps.Equal(before, r.now()) {
							t.Errorf("%s failed and changed the host: %v\n%s", command, r.now(), said)
						}
					}
					if command == "apply" {
						for _, look := range looks {
							does(look, look)
						}
					}
					does(command, args...)
					if name == "key" {
						_ = os.Remove(path)
					}
					for _, args := range [][]string{{"apply", "--yes"}, {"destroy", "--yes"}} {
						if code, _ := r.run(args...); code != 0 && !strings.Contains(r.out.String(), "is not given back") {
							t.Errorf("after %s: %v: %d\n%s", command, args, code, r.out.String())
						}
					}
					if r.texts["a"] != "theirs" && name != "priors" || r.texts["b"] != "" && command != "forget" {
						t.Errorf("after %s: %v", command, r.texts)
					}
				}
			})
		}
	}
}

// harmed is a host whose state has every file, with one of them harmed; not ok where
// it can't be harmed that way.
func harmed(t *testing.T, name, harm string) (r *rig, path string, ok bool) {
	t.Helper()
	r, err := newRig(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.dir, "state")
	path = filepath.Join(dir, name)
	r.texts["a"] = "theirs"
	var older []byte
	for _, text := range []string{"1", "2", "3"} {
		if err := r.write(`thing "a" { text = "` + text + `" }` + "\n" + `thing "b" { text = "` + text + `" }`); err != nil {
			t.Fatal(err)
		}
		if code, _ := r.run("apply", "--yes"); code != 0 {
			t.Fatal(r.out.String())
		}
		if text != "3" {
			older, _ = os.ReadFile(path)
		}
	}
	if code, _ := r.run("rollback", "--yes"); code != 0 {
		t.Fatal(r.out.String())
	}
	now, unread := os.ReadFile(path)
	switch harm {
	case "missing":
		err = os.RemoveAll(path)
	case "emptied":
		now = nil
	case "torn":
		now = now[:len(now)/2]
	case "older":
		if older == nil || bytes.Equal(older, now) {
			return nil, "", false
		}
		now = older
	}
	if harm != "missing" {
		if unread != nil {
			return nil, "", false // a directory
		}
		err = os.WriteFile(path, now, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r, path, true
}
