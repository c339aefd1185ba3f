package chain

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// withoutExtension hides an extension from the iptables that vpnd starts.
func (r room) withoutExtension(name string) {
	r.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/xtables/*.so")
	if err != nil || len(libraries) == 0 {
		r.Fatalf("no extensions of iptables: %v", err)
	}
	directory := r.TempDir()
	for _, library := range libraries {
		if filepath.Base(library) == name+".so" {
			continue
		}
		if err := os.Symlink(library, filepath.Join(directory, filepath.Base(library))); err != nil {
			r.Fatal(err)
		}
	}
	r.Setenv("XTABLES_LIBDIR", directory)
}

func TestRuleThatCannotBeReadHidesNoOtherTable(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{
			r.name("filter/VPND-A"): wishFor("INPUT", "", "-p tcp -j DROP"),
			r.name("nat/VPND-A"):    wishFor("POSTROUTING", "", "-o eth0 -j MASQUERADE"),
			r.name("mangle/VPND-A"): wishFor("FORWARD", "", "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu"),
		}
		r.converge(wants)
		r.iptables("-A OUTPUT -m quota --quota 1000")
		r.withoutExtension("libxt_quota")
		names := []string{r.name("filter/VPND-A"), r.name("mangle/VPND-A"), r.name("nat/VPND-A")}
		seen, err := r.Observe(context.Background(), map[string]*Chain{names[0]: nil, names[1]: nil, names[2]: nil})
		named, general := resource.Split(err)
		if general != nil || len(named) != 1 || len(seen) != 2 {
			r.Fatalf("saw %v, %v", seen, err)
		}
		said := named[r.name("filter/VPND-A")].Error()
		for _, part := range []string{"table filter of " + r.family + " can't be read: ip", "-save stops at a rule (", "install the extension that it needs, or remove it"} {
			if !strings.Contains(said, part) {
				r.Errorf("%q does not say %q", said, part)
			}
		}
		// The others are put right.
		r.iptables("-t nat -F")
		delete(wants, r.name("filter/VPND-A"))
		r.converge(wants)
		err = r.Remove(context.Background(), names)
		if named, general := resource.Split(err); general != nil || len(named) != 1 || named[r.name("filter/VPND-A")] == nil {
			r.Errorf("removing: %v", err)
		}
	})
}
