package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/transaction"
)

// An undo brings the directory back that a file of it was in, leaves out what was in
// a directory of somebody else's that is gone, and says so; it leaves alone what was
// forgotten.
func TestWhatAnUndoStandsOnIsGone(t *testing.T) {
	for name, c := range map[string]struct {
		directory string // whose block says that
		forget    bool
		back      bool
		says      string
	}{
		"on record": {directory: `directory "%s" {}`, back: true, says: "+ file["},
		"theirs":    {says: "left out of the undo, since it can't be brought back: the directory "},
		"forgotten": {directory: `directory "%s" {}`, forget: true, says: "Nothing to undo: "},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testDir(t)
			r, err := newRig(dir)
			if err != nil {
				t.Fatal(err)
			}
			etc := filepath.Join(dir, "etc")
			if c.directory == "" {
				err = os.Mkdir(etc, 0o755)
			} else {
				c.directory = fmt.Sprintf(c.directory, etc)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, content := range []string{"1", "2"} {
				err := r.write(fmt.Sprintf("%s\nfile %q { content = %q }\n", c.directory, etc+"/motd", content))
				if code, _ := r.run("apply", "--yes", "--confirm", "1m", "--no-probes"); err != nil || code != 0 {
					t.Fatal(err, r.out.String())
				}
				if content == "1" {
					r.run("confirm")
				}
			}
			if c.forget {
				r.run("forget", fmt.Sprintf("file[%q]", etc+"/motd"))
				r.run("forget", fmt.Sprintf("directory[%q]", etc))
			}
			if err := os.RemoveAll(etc); err != nil {
				t.Fatal(err)
			}
			r.over = true
			code, _ := r.run("rollback", "--yes", "--unconfirmed")
			if said := r.out.String(); code != 0 || !strings.Contains(said, c.says) {
				t.Errorf("%d: %s", code, said)
			}
			if data, err := os.ReadFile(etc + "/motd"); (err == nil) != c.back || c.back && string(data) != "1" && !strings.HasSuffix(string(data), "\n1") {
				t.Errorf("%s, %v", data, err)
			}
			if code, _ := r.run("destroy", "--yes"); code != 0 {
				t.Error(r.out.String())
			}
		})
	}
}

// Where an undo leaves something out, nobody is told that the host is as before.
func TestAnUndoNamesWhatItLeftOut(t *testing.T) {
	dir := testDir(t)
	r, err := newRig(dir)
	if err != nil {
		t.Fatal(err)
	}
	etc := filepath.Join(dir, "etc")
	motd := fmt.Sprintf("file[%q]", etc+"/motd")
	err = os.Mkdir(etc, 0o755)
	for _, n := range []string{"1", "2"} {
		if err == nil {
			err = r.write(fmt.Sprintf("file %q { content = %[2]q }\nthing \"a\" {\n text = %[2]q\n depends_on = [%s]\n}\n", etc+"/motd", n, motd))
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == "2" {
			r.fails = func() { _ = os.RemoveAll(etc) }
		}
		code, _ := r.run("apply", "--yes", "--rollback-on-failure")
		if want := map[string]int{"1": 0, "2": exitRolledBack}[n]; code != want {
			t.Fatalf("%d\n%s", code, r.out.String())
		}
	}
	if said := r.out.String(); !strings.Contains(said, "UNDONE. ") || !strings.Contains(said, "but for what did not go back: "+motd) {
		t.Error(said)
	}
}

// Who meets an undo that does not come to its end is told the way out, and gets
// out, also before the deadline.
func TestStuckUndoNamesTheWayOut(t *testing.T) {
	r, err := newRig(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		if code, _ := r.run(args...); code != want {
			t.Errorf("vpnd %s: %d\n%s", strings.Join(args, " "), code, r.out.String())
		}
		return r.out.String()
	}
	if err := r.write(`thing "a" { text = "1" }`); err != nil {
		t.Fatal(err)
	}
	run(0, "apply", "--yes", "--confirm", "1m", "--no-probes")
	for _, command := range []string{"apply", "destroy"} {
		if said := run(1, command, "--yes"); !strings.Contains(said, "keep it with vpnd confirm") || strings.Contains(said, "--abandon") {
			t.Errorf("vpnd %s of what can be confirmed: %s", command, said)
		}
	}
	if said := run(1, "confirm", "--abandon"); !strings.Contains(said, "it can still be confirmed") {
		t.Error(said)
	}
	r.broken["a"] = true
	run(1, "rollback", "--yes")
	for _, args := range [][]string{{"apply", "--yes"}, {"destroy", "--yes"}, {"confirm"}} {
		if said := run(1, args...); !strings.Contains(said, transaction.WayOut) || !strings.Contains(said, "vpnd rollback") {
			t.Errorf("vpnd %s: %s", strings.Join(args, " "), said)
		}
	}
	if code, _ := r.run("status"); !strings.Contains(r.out.String(), "is being undone") || !strings.Contains(r.out.String(), transaction.WayOut) {
		t.Errorf("vpnd status: %d\n%s", code, r.out.String())
	}
	run(0, "confirm", "--abandon")
	clear(r.broken)
	run(0, "destroy", "--yes")
	if len(r.now()) > 0 {
		t.Error(r.now())
	}
}

// Where the key of a CA is lost with its directory, that is not made anew for what was
// in it: the old one may come back.
func TestAnUndoMakesNoRoomInPlaceOfALostKey(t *testing.T) {
	dir := testDir(t)
	r, err := newRig(dir)
	if err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(dir, "pki")
	for _, bob := range []string{`client "bob" {}`, ``} {
		err := r.write(fmt.Sprintf("pki \"office\" {\n directory = %q\n subject { common_name = \"CA\" }\n client \"alice\" {}\n %s\n}\n", directory, bob))
		if code, _ := r.run("apply", "--yes"); err != nil || code != 0 {
			t.Fatal(err, r.out.String())
		}
	}
	if err := os.Rename(directory, directory+".away"); err != nil {
		t.Fatal(err)
	}
	code, _ := r.run("rollback", "--yes")
	if said := r.out.String(); code != 0 || !strings.Contains(said, "left out of the undo") || !strings.Contains(said, "crl.pem") {
		t.Errorf("%d: %s", code, said)
	}
	if err := os.Rename(directory+".away", directory); err != nil {
		t.Errorf("the old one can't come back: %v", err)
	}
}
