package chain

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// What was foreseen is not read again, unless a rule has changed since.
func TestForeseenRulesAreReadOnce(t *testing.T) {
	nettest.Fresh(t)
	reads := countReads(t)
	v := Verbs{Backend: kernel.NFT, Cache: t.TempDir(), Looks: new(xtables.Looks)}
	const name = "ip/filter/VPND-A"
	want := wishFor("INPUT", "", "-p tcp -j ACCEPT")
	normal, err := v.Normalize(t.Context(), map[string]*Chain{name: want})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Apply(t.Context(), []resource.Item[Chain]{{Name: name, Want: *normal[name]}}); err != nil {
		t.Fatal(err)
	}
	v.Looks = new(xtables.Looks)
	before := reads()
	look := func(rules int) {
		t.Helper()
		got, err := v.Observe(t.Context(), normal)
		if err != nil || got[name] == nil || len(got[name].Rules) != rules {
			t.Fatalf("%+v, %v", got[name], err)
		}
	}
	if v.Foresee(t.Context(), []string{name, "nonsense"}); reads() != before+1 {
		t.Errorf("read %d times ahead", reads()-before)
	}
	if look(1); reads() != before+1 {
		t.Error("what was foreseen is read again")
	}
	if out, err := exec.Command("iptables-nft", "-A", "VPND-A", "-j", "DROP").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if look(2); reads() != before+2 {
		t.Error("what has changed since is not read")
	}
}

// countReads puts an iptables-save in front of that of the host which counts how often
// it is called.
func countReads(t *testing.T) func() int {
	t.Helper()
	dir := t.TempDir()
	count := filepath.Join(dir, "count")
	for _, command := range []string{"iptables-nft", "iptables-nft-save"} {
		path, err := exec.LookPath(command)
		if err == nil && command == "iptables-nft" {
			err = os.Symlink(path, filepath.Join(dir, command))
		} else if err == nil {
			err = os.WriteFile(filepath.Join(dir, command), []byte("#!/bin/sh\necho >>"+count+"\nexec "+path+"\n"), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() int {
		text, _ := os.ReadFile(count)
		return strings.Count(string(text), "\n")
	}
}
