package chain

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// other is the same network seen through the other backend.
func (r room) other() room {
	o := r
	o.Backend = map[string]string{kernel.NFT: kernel.Legacy, kernel.Legacy: kernel.NFT}[r.Backend]
	return o
}

// After update-alternatives vpnd's rules move to the backend that is in use, and
// those of others stay where they are.
func TestChainsMoveFromTheOtherBackend(t *testing.T) {
	everywhere(t, func(r room) {
		before := r.other()
		for _, table := range syntax.Tables { // an empty table more or less is no rule of anybody
			before.iptables("-t " + table + " -N OTHERS-" + table)
		}
		before.foreign("docker")
		theirs := before.save()
		wants := r.ours()
		before.converge(wants)
		seen := r.observe(wants)
		for name, chain := range seen {
			if !strings.HasSuffix(*chain.Hook, " ("+before.Backend+" backend)") || len(chain.Rules) != len(wants[name].Rules) {
				r.Errorf("%s: seen in %q with %q", name, *chain.Hook, chain.Rules)
			}
		}
		for name, chain := range seen {
			if v := *chain; v.At == nil || v.Order == nil || v.Overruled == nil {
				r.Errorf("%s: the observation leaves something nil: %+v", name, v)
			}
		}
		if len(seen) != len(wants) {
			r.Errorf("saw %d chains of %d", len(seen), len(wants))
		}
		r.converge(wants)
		if got := before.save(); got != theirs {
			r.Errorf("others have\n%s\nthey had\n%s", got, theirs)
		}
		for name, chain := range r.observe(wants) {
			if strings.Contains(*chain.Hook, "backend") {
				r.Errorf("%s: still seen in %q", name, *chain.Hook)
			}
		}
	})
}

func TestChainsInBothBackendsAreRemovedFromBoth(t *testing.T) {
	everywhere(t, func(r room) {
		wants := r.ours()
		r.converge(wants)
		before := r.other()
		names := make([]string, 0, len(wants))
		for name := range wants {
			names = append(names, name)
		}
		before.program("-restore", "*filter\n:VPND-FORWARD - [0:0]\n:VPND-LOG - [0:0]\n:OTHERS - [0:0]\n-A FORWARD -j VPND-FORWARD\n-A VPND-FORWARD -p tcp -j VPND-LOG\n-A OTHERS -j RETURN\nCOMMIT\n", "--noflush")
		name := r.name("filter/VPND-FORWARD")
		if got := r.observe(wants)[name]; *got.Hook != "FORWARD, FORWARD ("+before.Backend+" backend)" {
			r.Errorf("seen in %q", *got.Hook)
		}
		if hook, at := r.observe(wants)[name].place(); hook != "FORWARD" || at != ruleset.Top {
			r.Errorf("asks for %q, %q", hook, at)
		}
		if got := r.observe(wants)[r.name("filter/VPND-LOG")]; *got.Hook != ",  ("+before.Backend+" backend)" {
			r.Errorf("seen in %q", *got.Hook)
		}
		if hook, at := r.observe(wants)[r.name("filter/VPND-LOG")].place(); hook != "" || at != "" {
			r.Errorf("asks for %q, %q", hook, at)
		}
		if err := r.Remove(context.Background(), names); err != nil {
			r.Error(err)
		}
		for _, room := range []room{r, before} {
			if left := room.save(); strings.Contains(left, syntax.Prefix) {
				r.Errorf("left in %s:\n%s", room.Backend, left)
			}
		}
		if !strings.Contains(before.save(), "-A OTHERS -j RETURN") {
			r.Errorf("somebody else's are gone:\n%s", before.save())
		}
	})
}

// Where the programs of the other backend are gone, its rules are not.
func TestChainsInABackendWithoutProgramsAreNotTakenForGone(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{r.name("filter/VPND-A"): wishFor("INPUT", "", "-p tcp -j DROP")}
		before := r.other()
		before.converge(wants)
		directory := r.TempDir()
		for _, verb := range []string{"", "-save", "-restore"} {
			name := syntax.Command[r.family] + "-" + r.Backend + verb
			if err := os.Symlink("/usr/sbin/"+name, filepath.Join(directory, name)); err != nil {
				r.Fatal(err)
			}
		}
		path := os.Getenv("PATH")
		r.Setenv("PATH", directory)
		name := r.name("filter/VPND-A")
		if got := r.observe(wants)[name]; got == nil || *got.Hook != " ("+before.Backend+" backend)" {
			r.Errorf("saw %+v", got)
		}
		err := resourcetest.Remove(context.Background(), r, name)
		want := "it stands in the " + before.Backend + " backend as well: " + syntax.Command[r.family] + "-" + before.Backend +
			" is not installed, or not in the PATH of vpnd; install the package iptables, or boot anew"
		if err == nil || err.Error() != want {
			r.Errorf("got  %v\nwant %s", err, want)
		}
		r.Setenv("PATH", path)
		if err := resourcetest.Remove(context.Background(), r, name); err != nil {
			r.Error(err)
		}
		if got, err := resourcetest.Observe(context.Background(), r, name); got != nil || err != nil {
			r.Errorf("still there: %+v, %v", got, err)
		}
	})
}

// What was observed can be asked for again, also where nobody could ask for its
// place; an undo of a repair goes back as far as can be.
func TestUndoOfAPlaceThatNobodyAsksFor(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-A")
		wants := map[string]*Chain{name: wishFor("INPUT", "", "-p tcp -j DROP")}
		r.converge(wants)
		r.iptables("-A FORWARD -p tcp -j VPND-A")
		was := r.reread(r.observe(wants)[name])
		r.converge(wants)
		if err := resourcetest.Apply(context.Background(), r, name, nil, was); err != nil {
			r.Fatal(err)
		}
		seen, err := r.Observe(context.Background(), map[string]*Chain{name: &was})
		if err != nil {
			r.Fatal(err)
		}
		if diffs := resource.Compare(seen[name], &was); len(diffs) > 0 {
			r.Errorf("the undo fails, since the host still differs: %+v", diffs)
		}
	})
}
