package chain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// lined are wishes for VPND-A to VPND-D at the top of FORWARD and VPND-Y and
// VPND-Z at its bottom, in this order.
func (r room) lined() map[string]*Chain {
	wants := make(map[string]*Chain)
	for at, names := range map[string][]string{ruleset.Top: {"A", "B", "C", "D"}, ruleset.Bottom: {"Y", "Z"}} {
		var queue []string
		for _, name := range names {
			queue = append(queue, r.name("filter/VPND-"+name))
		}
		for _, name := range queue {
			wants[name] = wishFor("FORWARD", at, r.local("-s 10.8.0.1 -j DROP"))
			wants[name].Stands(queue)
		}
	}
	return wants
}

// hook returns the rules of FORWARD, one word for each jump of vpnd.
func (r room) hook() string {
	var all []string
	for line := range strings.Lines(r.chain("filter", "FORWARD")) {
		rule, ok := strings.CutPrefix(strings.TrimSpace(line), "-A FORWARD ")
		if chain, at := ruleset.Jumped(rule); chain != "" {
			rule = strings.TrimPrefix(chain, syntax.Prefix)
			if at == ruleset.Bottom {
				rule = strings.ToLower(rule)
			}
		}
		if ok {
			all = append(all, rule)
		}
	}
	return strings.Join(all, " | ")
}

const inOrder = "A | B | C | D | -p udp -j ACCEPT | y | z"

func TestOrderIsKeptByEachChainAlone(t *testing.T) {
	everywhere(t, func(r room) {
		r.iptables("-A FORWARD -p udp -j ACCEPT")
		wants := r.lined()
		// They come one by one, as the blocks of a configuration may, the last first.
		for _, name := range []string{"Z", "D", "B", "Y", "A", "C"} {
			name = r.name("filter/VPND-" + name)
			r.converge(map[string]*Chain{name: wants[name]})
		}
		if got := r.hook(); got != inOrder {
			r.Fatalf("got  %s\nwant %s", got, inOrder)
		}
		for _, c := range []struct {
			name   string
			damage string   // commands of iptables, one a line
			wrong  []string // chains that a look at each of them alone finds wrong
			after  string   // of repair; empty as before
		}{
			{"removed jump", "-D FORWARD -j VPND-B", []string{"B"}, ""},
			{"removed chain", "-D FORWARD -j VPND-C\n-F VPND-C\n-X VPND-C", []string{"C"}, ""},
			{"two swapped", "-D FORWARD -j VPND-B\n-I FORWARD -j VPND-B", []string{"A", "B"}, ""},
			{"last first", "-D FORWARD -j VPND-D\n-I FORWARD -j VPND-D", []string{"A", "B", "C", "D"}, ""},
			{"rule in front", "-I FORWARD -p sctp -j ACCEPT", []string{"A", "B", "C", "D"}, "A | B | C | D | -p sctp -j ACCEPT | -p udp -j ACCEPT | y | z"},
			{"rule among them", "-I FORWARD 3 -p tcp -j ACCEPT", []string{"C", "D"}, "A | B | C | D | -p tcp -j ACCEPT | -p sctp -j ACCEPT | -p udp -j ACCEPT | y | z"},
			{"defaults swapped", "-D FORWARD -m comment --comment vpnd-bottom -j VPND-Y\n-A FORWARD -m comment --comment vpnd-bottom -j VPND-Y", []string{"Y", "Z"}, ""},
			{"rule behind", "-D FORWARD -p tcp -j ACCEPT\n-D FORWARD -p sctp -j ACCEPT\n-D FORWARD -p udp -j ACCEPT\n-A FORWARD -p udp -j ACCEPT", []string{"Y", "Z"}, inOrder},
			{"all of them", "-F FORWARD\n-A FORWARD -p udp -j ACCEPT", []string{"A", "B", "C", "D", "Y", "Z"}, inOrder},
		} {
			before := r.hook()
			for line := range strings.Lines(c.damage) {
				r.iptables(line)
			}
			damaged := r.hook()
			if c.after == "" {
				c.after = before
			}
			normal, err := r.Normalize(context.Background(), wants)
			if err != nil {
				r.Fatal(err)
			}
			var wrong []string
			for name, want := range normal {
				got, err := r.Observe(context.Background(), map[string]*Chain{name: want})
				if err != nil {
					r.Fatal(err)
				}
				if len(resource.Compare(got[name], want)) > 0 {
					wrong = append(wrong, strings.TrimPrefix(name, r.name("filter/VPND-")))
				}
			}
			slices.Sort(wrong)
			if !slices.Equal(wrong, c.wrong) {
				r.Errorf("%s: wrong %v, want %v\n%s", c.name, wrong, c.wrong, damaged)
			}
			// Whichever of them is repaired alone, what is missing apart, the hook is in order.
			name := r.name("filter/VPND-" + c.wrong[0])
			r.converge(map[string]*Chain{name: wants[name]})
			r.converge(wants)
			if got := r.hook(); got != c.after {
				r.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.after)
			}
		}
	})
}

// One chain of a hook is enough to put all of them in order, in one transaction.
func TestOneTransactionPutsAHookInOrder(t *testing.T) {
	everywhere(t, func(r room) {
		wants := r.lined()
		r.converge(wants)
		for _, at := range []string{"A", "C", "B"} {
			r.iptables("-D FORWARD -j VPND-" + at)
			r.iptables("-I FORWARD -j VPND-" + at)
		}
		if got := r.hook(); got != "B | C | A | D | y | z" {
			r.Fatal(got)
		}
		name := r.name("filter/VPND-C")
		r.converge(map[string]*Chain{name: wants[name]})
		if got := r.hook(); got != "A | B | C | D | y | z" {
			r.Error(got)
		}
	})
}

// What was seen is a wish that brings the earlier order back, and so an undo of
// a change of the order.
func TestObservedOrderCanBeBroughtBack(t *testing.T) {
	everywhere(t, func(r room) {
		wants := r.lined()
		r.converge(wants)
		r.iptables("-D FORWARD -j VPND-B")
		r.iptables("-I FORWARD -j VPND-B")
		before := make(map[string]*Chain)
		for name, got := range r.observe(wants) {
			before[name] = resource.Lasting(got).(*Chain)
		}
		r.converge(wants)
		r.converge(before)
		if got := r.hook(); got != "B | A | C | D | y | z" {
			r.Error(got)
		}
	})
}

// Whatever others do to a hook, vpnd's chains stand in their order afterwards,
// rules of others in theirs, and the next plan is empty.
func TestOrderComesBackFromAnywhere(t *testing.T) {
	everywhere(t, func(r room) {
		wants := r.lined()
		foreign := []string{"-j ACCEPT", "-p udp -j ACCEPT", "-p tcp -j DROP", "-p sctp -j RETURN", "-j OTHERS"}
		r.iptables("-N OTHERS")
		r.iptables("-A OTHERS -j RETURN")
		normal, err := r.Normalize(context.Background(), wants)
		if err != nil {
			r.Fatal(err)
		}
		check := func(t *rapid.T) {
			var input strings.Builder
			input.WriteString("*filter\n")
			for _, name := range []string{"A", "B", "C", "D", "Y", "Z"} {
				fmt.Fprintf(&input, ":VPND-%s - [0:0]\n", name)
			}
			input.WriteString("-F FORWARD\n")
			jumps := append(slices.Clone(foreign), ruleset.TopJump("VPND-A"), ruleset.TopJump("VPND-B"), ruleset.TopJump("VPND-C"), ruleset.TopJump("VPND-D"), ruleset.BottomJump("VPND-Y"), ruleset.BottomJump("VPND-Z"))
			var theirs []string
			for _, rule := range rapid.SliceOfN(rapid.SampledFrom(jumps), 0, 14).Draw(t, "hook") {
				input.WriteString("-A FORWARD " + rule + "\n")
				if chain, _ := ruleset.Jumped(rule); chain == "" {
					theirs = append(theirs, rule)
				}
			}
			input.WriteString("COMMIT\n")
			r.program("-restore", input.String(), "--noflush")
			if err := r.Apply(context.Background(), r.changes(normal)); err != nil {
				t.Fatal(err)
			}
			if still := r.differences(normal); len(still) > 0 {
				t.Fatalf("still differs: %v\n%s", still, r.hook())
			}
			var left, ours []string
			for _, rule := range strings.Split(r.hook(), " | ") {
				if len(rule) == 1 {
					ours = append(ours, rule)
				} else {
					left = append(left, rule)
				}
			}
			if got := strings.Join(ours, ""); got != "ABCDyz" || !slices.Equal(left, theirs) {
				t.Fatalf("after repair: %s\nothers had %v", r.hook(), theirs)
			}
		}
		resourcetest.Repeatable()
		rapid.Check(r.T, check)
	})
}

// Newcomers above vpnd's chains are judged by what they can do to them.
func TestNewcomersAreJudgedByWhatTheyCanDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		comes  string // commands of iptables, one a line
		drifts bool
	}{
		{"a ban", "-N f2b-sshd\n-A f2b-sshd -s 10.8.0.2 -j REJECT\n-A f2b-sshd -j RETURN\n-I INPUT -p tcp --dport 22 -j f2b-sshd", false},
		{"drop", "-I INPUT -s 10.8.0.2 -j DROP", false},
		{"log", "-I INPUT -j LOG", false},
		{"counter", "-I INPUT -p udp", false},
		{"accept", "-I INPUT -j ACCEPT", true},
		{"chain that accepts far below", "-N ONE\n-N TWO\n-A ONE -j TWO\n-A TWO -p udp -j ACCEPT\n-I INPUT -p udp -j ONE", true},
		{"return to a policy that accepts", "-I INPUT -j RETURN", true},
		{"return to a policy that drops", "-P INPUT DROP\n-I INPUT -j RETURN", false},
		{"queue", "-I INPUT -j NFQUEUE", true},
		{"jump away for good", "-N ONE\n-A ONE -j RETURN\n-I INPUT -g ONE", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(r room) {
				name := r.name("filter/VPND-X")
				wants := map[string]*Chain{name: wishFor("INPUT", "top", "-p tcp -j DROP")}
				r.converge(wants)
				for line := range strings.Lines(c.comes) {
					r.iptables(r.local(line))
				}
				seen := r.observe(wants)[name]
				if drifts := *seen.At != ruleset.Top; drifts != c.drifts {
					r.Errorf("at %q", *seen.At)
				}
				before := r.chain("filter", "INPUT")
				r.converge(wants)
				after := r.chain("filter", "INPUT")
				if moved := after != before; moved != c.drifts {
					r.Errorf("before:\n%s\nafter:\n%s", before, after)
				}
			})
		})
	}
}

// Who came first makes no difference to who is banned.
func TestLostJumpComesBackBelowBans(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-X")
		wants := map[string]*Chain{name: wishFor("INPUT", "top", "-p udp -j ACCEPT")}
		r.iptables("-A INPUT -j DROP")
		r.converge(wants)
		r.iptables("-N f2b-vpn")
		r.iptables("-A f2b-vpn -j RETURN")
		r.iptables("-I INPUT -p udp -j f2b-vpn")
		r.iptables("-D INPUT -j VPND-X")
		r.converge(wants)
		var rules []string
		for line := range strings.Lines(r.chain("filter", "INPUT")) {
			rules = append(rules, syntax.Target(strings.TrimSpace(line)))
		}
		if want := []string{"", "f2b-vpn", "VPND-X", "DROP"}; !slices.Equal(rules, want) {
			r.Errorf("got %v, want %v", rules, want)
		}
	})
}

// Two chains that only accept may stand either way; once one of them drops, they
// are put in order with that.
func TestOrderOfWhatOnlyAcceptsDoesNotMatter(t *testing.T) {
	everywhere(t, func(r room) {
		wants := r.lined()
		for _, name := range []string{"A", "B", "C"} {
			wants[r.name("filter/VPND-"+name)].Rules = []string{"-p udp -j ACCEPT"}
		}
		r.converge(wants)
		r.iptables("-D FORWARD -j VPND-B")
		r.iptables("-I FORWARD -j VPND-B")
		normal, err := r.Normalize(context.Background(), wants)
		if err != nil {
			r.Fatal(err)
		}
		if found := r.differences(normal); len(found) > 0 {
			r.Errorf("told: %v", found)
		}
		wants[r.name("filter/VPND-B")].Rules = []string{"-p udp -j DROP"}
		r.converge(wants)
		if got := r.hook(); got != "A | B | C | D | y | z" {
			r.Error(got)
		}
	})
}
