package cli

import (
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vpnd/internal/resource/resourcetest"
	"vpnd/internal/state"
	"vpnd/internal/transaction"
)

// Whatever sequence of commands, kills and failures came before: an undo comes
// to its end, nothing but what is broken stands against it, and nobody who was
// revoked comes back.
func TestAnUndoSucceedsFromEveryState(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this test as root, in a container")
	}
	for name, value := range map[string]string{"rapid.checks": "500", "rapid.nofailfile": "true"} {
		if f := flag.Lookup(name); f.Value.String() == f.DefValue { // else somebody asks for more
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
	base := testDir(t)
	n := 0
	resourcetest.Repeatable()
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		r, err := newRig(dir)
		if err != nil {
			t.Fatal(err)
		}
		s := &story{T: t, rig: r, revoked: make(map[string]map[string]bool), bob: make(map[string]bool), directory: make(map[string]bool)}
		s.texts["theirs"] = "theirs"
		for range rapid.IntRange(1, 7).Draw(t, "commands") {
			s.chapter()
		}
		s.end()
	})
}

// A story is a sequence of commands on one host.
type story struct {
	*rapid.T
	*rig

	revoked   map[string]map[string]bool // serial numbers by CA
	bob       map[string]bool            // by CA: a person let bob in, and nobody has revoked him since
	wished    func(whole bool)           // what the next apply means for him, where it comes to its end or does not
	left      bool                       // something was forgotten, and so stays
	directory map[string]bool            // so does what is in these
	undoes    map[string]string          // the host before what was done last, where only that changed it
	told      []string                   // the commands so far
}

func (s *story) chapter() {
	switch rapid.SampledFrom([]string{
		"edit", "apply", "apply", "apply", "confirmed", "confirm", "deadline", "rollback", "rollback", "older", "destroy", "forget", "lose", "kill", "drift", "break", "hide", "refuse", "heal", "damage",
	}).Draw(s.T, "chapter") {
	case "edit":
		s.edit()
	case "apply":
		s.edit()
		s.apply()
	case "confirmed":
		s.edit()
		s.apply("--confirm", "1m", "--no-probes")
	case "confirm":
		s.do("confirm")
	case "deadline":
		s.deadline()
	case "rollback":
		s.rollback()
	case "older":
		s.older()
	case "destroy":
		s.destroy()
	case "forget":
		s.forget()
	case "lose":
		s.lose(rapid.SampledFrom(s.directories()).Draw(s.T, "directory"))
	case "kill":
		s.steps = rapid.IntRange(1, 6).Draw(s.T, "steps")
	case "drift":
		if name := s.name(); s.texts[name] != "" && name != "theirs" { // else it would be somebody's own
			s.texts[name], s.undoes = "moved", nil
		}
	case "break":
		s.broken[s.name()] = true
	case "refuse":
		s.broken["reader of "+s.name()] = true
	case "hide":
		s.hidden = true
	case "heal":
		s.heal()
	case "damage":
		s.damage(rapid.SampledFrom([]string{"wish.json", "hold.json"}).Draw(s.T, "file"))
	}
	s.nobodyIsBack()
}

func (s *story) name() string {
	return rapid.SampledFrom([]string{"a", "b", "theirs", "input"}).Draw(s.T, "name")
}

// edit writes another configuration.
func (s *story) edit() {
	var b strings.Builder
	for _, name := range []string{"a", "b", "theirs"} {
		if n := rapid.IntRange(0, 3).Draw(s.T, name); n > 0 {
			fmt.Fprintf(&b, "thing %q { text = \"%d\" }\n", name, n)
		}
	}
	if n := rapid.IntRange(0, 2).Draw(s.T, "input"); n > 0 {
		fmt.Fprintf(&b, "rules \"input\" { text = \"%d\" }\n", n)
	}
	if n := rapid.IntRange(0, 2).Draw(s.T, "motd"); n > 0 {
		fmt.Fprintf(&b, "directory %[1]q {}\nfile \"%[1]s/motd\" {\n content = \"%[2]d\"\n depends_on = [directory[%[1]q]]\n}\n", filepath.Join(s.dir, "etc"), n)
	}
	s.wished = func(bool) {}
	if rapid.IntRange(0, 2).Draw(s.T, "pki") > 0 {
		bob := rapid.SampledFrom([]string{"", "client \"bob\" {}", "client \"bob\" { revoked = true }"}).Draw(s.T, "bob")
		fmt.Fprintf(&b, "pki \"office\" {\n directory = %q\n subject { common_name = \"CA\" }\n server \"vpn\" {}\n client \"alice\" {}\n %s\n}\n", filepath.Join(s.dir, "pki"), bob)
		in := bob == "client \"bob\" {}"
		s.wished = func(whole bool) { s.bob[s.ca()] = in || !whole && s.bob[s.ca()] }
	}
	if err := s.write(b.String()); err != nil {
		s.Fatal(err)
	}
	s.told = append(s.told, "edit:\n"+b.String())
}

// well says whether nothing stands against a command.
func (s *story) well() bool { return len(s.broken) == 0 && !s.hidden && s.steps == 0 }

func (s *story) heal() {
	clear(s.broken)
	s.hidden, s.steps = false, 0
}

// do runs a command and tells of it.
func (s *story) do(args ...string) (ok bool) {
	code, killed := s.run(args...)
	s.told = append(s.told, fmt.Sprintf("%s: %d %v %+v\n%s", strings.Join(args, " "), code, killed, s.texts, s.out.String()))
	return code == 0 && !killed
}

// must runs a command that succeeds where nothing stands against it.
func (s *story) must(args ...string) bool {
	well := s.well()
	ok := s.do(args...)
	if !ok && well {
		s.fail("it failed: " + strings.Join(args, " "))
	}
	return ok
}

func (s *story) fail(what string) {
	s.Fatalf("%s\n--- after\n%s", what, strings.Join(s.told, "\n---\n"))
}

func (s *story) pending() bool {
	_, err := os.Stat(state.PendingPath(filepath.Join(s.dir, "state")))
	return err == nil
}

func (s *story) snapshots() []string {
	files, _ := filepath.Glob(filepath.Join(s.dir, "state", "snapshots", "*.json"))
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	return files
}

func (s *story) apply(flags ...string) {
	if s.wished == nil {
		s.edit()
	}
	if s.pending() {
		if s.do("apply", "--yes") {
			s.fail("it was applied although an apply waits")
		}
		return
	}
	s.changing(append([]string{"apply", "--yes"}, flags...))
}

func (s *story) destroy() {
	if s.pending() {
		return
	}
	s.changing([]string{"destroy", "--yes"})
}

// changing runs a command that an undo may follow.
func (s *story) changing(args []string) {
	before, known := s.now(), len(s.snapshots())
	ok := s.must(args...)
	if args[0] == "apply" {
		s.wished(ok)
	}
	s.undoes = nil
	if ok && len(s.snapshots()) > known {
		s.undoes = before
	}
}

func (s *story) rollback() {
	if len(s.snapshots()) == 0 {
		return
	}
	ok := s.must("rollback", "--yes")
	if ok && s.undoes != nil && !maps.Equal(s.undoes, s.now()) {
		s.fail(fmt.Sprintf("the host is not as before: %v instead of %v", s.now(), s.undoes))
	}
	s.undoes = nil
}

// older goes back to any snapshot.
func (s *story) older() {
	all := s.snapshots()
	if len(all) == 0 || s.pending() {
		return
	}
	s.must("rollback", "--yes", rapid.SampledFrom(all).Draw(s.T, "snapshot"))
	s.undoes = nil
}

// deadline lets the time of an unconfirmed apply run out, and tries its undo as
// often as systemd does.
func (s *story) deadline() {
	if !s.pending() {
		return
	}
	s.over = true
	for range transaction.MostTries {
		if s.must("rollback", "--yes", "--unconfirmed") {
			break
		}
		if rapid.IntRange(0, 9).Draw(s.T, "patience") == 0 {
			s.must("confirm", "--abandon")
			break
		}
	}
	if s.pending() {
		s.fail("the undo has no end")
	}
	s.undoes = nil
}

// damage spoils a file of the state.
func (s *story) damage(name string) {
	path := filepath.Join(s.dir, "state", name)
	if _, err := os.Stat(path); err != nil {
		return
	}
	if err := os.WriteFile(path, []byte("garbage"), 0o600); err != nil {
		s.Fatal(err)
	}
	s.told = append(s.told, "damage: "+name)
}

// directories are those that are made of more than one thing.
func (s *story) directories() []string { return []string{"pki", "etc"} }

// lose takes a directory away behind vpnd's back.
func (s *story) lose(directory string) {
	if err := os.RemoveAll(filepath.Join(s.dir, directory)); err != nil {
		s.Fatal(err)
	}
	s.told = append(s.told, "lose: "+directory)
}

func (s *story) forget() {
	etc := filepath.Join(s.dir, "etc")
	directories := map[string]string{"pki.office": "pki", fmt.Sprintf("file[%q]", etc+"/motd"): "etc", fmt.Sprintf("directory[%q]", etc): "etc"}
	addresses := append(slices.Sorted(maps.Keys(directories)), `thing["a"]`, `thing["theirs"]`, `rules["input"]`)
	address := rapid.SampledFrom(addresses).Draw(s.T, "address")
	if !s.do("forget", address) {
		return
	}
	s.undoes = nil
	directory, within := directories[address]
	if !within {
		s.left = true
		return
	}
	if rapid.Bool().Draw(s.T, "removed") { // as whoever has it elsewhere now
		s.lose(directory)
		return
	}
	s.directory[directory] = true
}

// end brings the host to an end from wherever it is.
func (s *story) end() {
	s.heal()
	s.deadline()
	s.nobodyIsBack()
	for range min(3, len(s.snapshots())) {
		s.rollback()
		s.nobodyIsBack()
	}
	s.must("destroy", "--yes")
	if want := map[string]string{"theirs": "theirs"}; !s.left && !maps.Equal(s.now(), want) {
		s.fail(fmt.Sprintf("after vpnd destroy: %v", s.now()))
	}
	for _, directory := range s.directories() {
		if entries, err := os.ReadDir(filepath.Join(s.dir, directory)); err == nil && !s.directory[directory] {
			s.fail(fmt.Sprintf("%s is still there: %v", directory, entries))
		}
	}
	s.edit()
	s.must("apply", "--yes")
	s.must("plan", "--detailed-exitcode")
}

// nobodyIsBack says whether all that a CA ever revoked is on its list, and bob
// is out unless somebody let him in.
func (s *story) nobodyIsBack() {
	pki := filepath.Join(s.dir, "pki")
	ca := s.ca()
	if ca == "" {
		return
	}
	listed := make(map[string]bool)
	if der := parsePEM(filepath.Join(pki, "crl.pem")); der != nil {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			s.Fatal(err)
		}
		for _, e := range list.RevokedCertificateEntries {
			listed[fmt.Sprintf("%x", e.SerialNumber)] = true
		}
	}
	once := s.revoked[ca]
	if once == nil {
		once = make(map[string]bool)
		s.revoked[ca] = once
	}
	for serial := range once {
		if !listed[serial] {
			s.fail(serial + " was revoked, and is let in again")
		}
	}
	maps.Copy(once, listed)
	if der := parsePEM(filepath.Join(pki, "certs", "bob.crt")); der != nil && !s.bob[ca] {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			s.Fatal(err)
		}
		if !listed[fmt.Sprintf("%x", cert.SerialNumber)] {
			s.fail("bob is back")
		}
	}
}

// ca is the CA that stands, none where none does.
func (s *story) ca() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "pki", "ca.crt"))
	return string(data)
}

func parsePEM(file string) []byte {
	data, _ := os.ReadFile(file)
	block, _ := pem.Decode(data)
	if block == nil {
		return nil
	}
	return block.Bytes
}
