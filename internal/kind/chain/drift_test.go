package chain

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func (r room) nft(rule string) {
	r.Helper()
	if out, err := exec.Command("nft", strings.Fields(rule)...).CombinedOutput(); err != nil {
		r.Fatalf("nft %s: %v: %s", rule, err, out)
	}
}

func TestDriftIsSeenAndRepaired(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage string // commands of iptables, one a line
		diffs  string // what Compare says of VPND-X
	}{
		{"duplicated jump", "-A FORWARD -j VPND-X", `hook "FORWARD, FORWARD" -> "FORWARD"`},
		{"jump of another hook", "-I INPUT 2 -j VPND-X\n-A INPUT -p udp -j DROP", `hook "INPUT, FORWARD" -> "FORWARD"; at "middle" -> "top"`},
		{"conditional jump", "-I FORWARD 2 -p tcp -j VPND-X", `hook "FORWARD, FORWARD (conditional)" -> "FORWARD"`},
		{"jump narrowed", "-R FORWARD 1 -p tcp -j VPND-X", `hook "FORWARD (conditional)" -> "FORWARD"`},
		{"jump commented", "-R FORWARD 1 -m comment --comment odd -j VPND-X", `hook "FORWARD (conditional)" -> "FORWARD"`},
		{"jump gone", "-D FORWARD -j VPND-X", `hook "" -> "FORWARD"; at "" -> "top"`},
		{"rule in front", "-I FORWARD -j ACCEPT", `at "middle" -> "top"`},
		{"rule in front that leads to one", "-N OTHERS\n-A OTHERS -p udp -j ACCEPT\n-I FORWARD -j OTHERS", `at "middle" -> "top"`},
		{"return in front", "-I FORWARD -p tcp -j RETURN", `at "middle" -> "top"`},
		{"jump moved", "-D FORWARD -j VPND-X\n-A FORWARD -j VPND-X", `at "bottom" -> "top"`},
		{"rule widened", "-R VPND-X 1 -m comment --comment office -j ACCEPT", `rules`},
		{"rule in the chain", "-I VPND-X -j RETURN", `rules`},
		{"rules in another order", "-D VPND-X 1\n-A VPND-X -s 10.8.0.1 -m comment --comment office -j ACCEPT", `rules`},
		{"chain emptied", "-F VPND-X", `rules`},
		{"hook emptied", "-F FORWARD", `hook "" -> "FORWARD"; at "" -> "top"`},
		{"table emptied", "-F", `hook "" -> "FORWARD"; at "" -> "top"; rules`},
		{"all gone", "-F\n-X", "hook; at; rules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(r room) {
				r.iptables("-A FORWARD -p udp -j ACCEPT")
				r.iptables("-A INPUT -p udp -j ACCEPT")
				name := r.name("filter/VPND-X")
				wants := map[string]*Chain{name: wishFor("FORWARD", "", r.local("-s 10.8.0.1 -m comment --comment office -j ACCEPT"), "-j DROP")}
				r.converge(wants)
				for line := range strings.Lines(c.damage) {
					r.iptables(r.local(line))
				}
				normal, err := r.Normalize(context.Background(), wants)
				if err != nil {
					r.Fatal(err)
				}
				if got := told(r.differences(normal)[name]); got != c.diffs {
					r.Errorf("seen: %s\nwant: %s", got, c.diffs)
				}
				r.converge(wants)
			})
		})
	}
}

// told writes differences down, those of rules by name only.
func told(diffs []resource.Diff) string {
	var all []string
	for _, d := range diffs {
		text := d.Attribute
		if text != "rules" && !(d.Before == "" && len(diffs) == 3 && diffs[2].Before == "") {
			text += ` "` + d.Before + `" -> "` + d.After + `"`
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestObservedDamageIsAWishThatCanBeNormalised(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-X")
		r.converge(map[string]*Chain{name: wishFor("FORWARD", "bottom", "-j DROP")})
		r.iptables("-A FORWARD -j ACCEPT")
		r.iptables("-I INPUT -p tcp -j VPND-X")
		r.iptables("-D FORWARD 1")
		seen, err := resourcetest.Observe(context.Background(), r, name)
		if err != nil || *seen.Hook != "INPUT (conditional)" {
			r.Fatalf("%v, %v", seen, err)
		}
		normal, err := r.Normalize(context.Background(), map[string]*Chain{name: seen})
		if err != nil {
			r.Fatal(err)
		}
		if hook, at := *normal[name].Hook, *normal[name].At; hook != "INPUT" || at != ruleset.Top {
			r.Errorf("hook %q, at %q", hook, at)
		}
		r.converge(normal)
	})
}

// Planning may make neither a table nor a chain.
func TestPlanningLeavesTheHostAlone(t *testing.T) {
	everywhere(t, func(r room) {
		r.iptables("-A INPUT -j ACCEPT")
		look := func() string {
			ruleset, err := exec.Command("nft", "list", "ruleset").Output()
			if err != nil {
				r.Fatal(err)
			}
			return string(ruleset) + strings.Join(kernel.LegacyTables("ip"), " ") + strings.Join(kernel.LegacyTables("ip6"), " ")
		}
		before := look()
		wants := r.ours()
		wants[r.name("mangle/VPND-X")] = wishFor("", "", "-j OTHERS")
		normal, err := r.Normalize(context.Background(), wants)
		if err == nil || len(normal) != len(wants)-1 {
			r.Errorf("%d of %d proved, %v; want all but one", len(normal), len(wants), err)
		}
		if seen := r.observe(normal); len(seen) > 0 {
			r.Errorf("seen: %v", seen)
		}
		r.Advise(context.Background())
		if after := look(); after != before {
			r.Errorf("planning left\n%s\nbefore:\n%s", after, before)
		}
	})
}
