package ruleset

import (
	"strings"
	"testing"

	"vpnd/internal/kind/chain/syntax"
)

// filter reads a filter table whose built-in chains accept.
func filter(lines string) *Table {
	return ParseDump("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n" + strings.TrimSpace(lines) + "\nCOMMIT\n").Table("filter")
}

// want is a wish for a chain in INPUT.
func want(at string, order string, rules ...string) Want {
	return Want{Lane: Lane{"INPUT", at}, Order: strings.Fields(order), Rules: rules, Lines: rules}
}

// What iptables-restore is given, by what stands and what is wished.
func TestTransaction(t *testing.T) {
	for _, c := range []struct {
		what, now string
		wants     map[string]Want
		writes    string // without *filter and COMMIT
	}{
		{"nothing stands", "", map[string]Want{"VPND-A": want(Top, "VPND-A", "-j ACCEPT")}, `
:VPND-A - [0:0]
-A VPND-A -j ACCEPT
-A INPUT -j VPND-A`},
		{"all stands", `
:VPND-A - [0:0]
-A INPUT -j VPND-A
-A VPND-A -j ACCEPT`, map[string]Want{"VPND-A": want(Top, "VPND-A", "-j ACCEPT")}, ""},
		{"bodies come before jumps, and the order is kept", `
-A INPUT -p tcp -j ACCEPT`, map[string]Want{"VPND-A": want(Top, "VPND-B VPND-A", "-j RETURN"), "VPND-B": want(Top, "VPND-B VPND-A", "-j DROP")}, `
:VPND-A - [0:0]
:VPND-B - [0:0]
-A VPND-A -j RETURN
-A VPND-B -j DROP
-I INPUT -j VPND-B
-I INPUT 2 -j VPND-A`},
		{"a rule differs", `
:VPND-A - [0:0]
-A INPUT -j VPND-A
-A VPND-A -j ACCEPT`, map[string]Want{"VPND-A": want(Top, "VPND-A", "-j DROP")}, `
:VPND-A - [0:0]
-A VPND-A -j DROP`},
		{"it leads to one whose turn comes later", "", map[string]Want{"VPND-A": want(Bottom, "VPND-A", "-j VPND-LATER")}, `
:VPND-A - [0:0]
:VPND-LATER - [0:0]
-A VPND-A -j VPND-LATER
-A INPUT -m comment --comment vpnd-bottom -j VPND-A`},
		{"somebody accepts above it", `
:VPND-A - [0:0]
-A INPUT -p tcp -j ACCEPT
-A INPUT -j VPND-A
-A VPND-A -j DROP`, map[string]Want{"VPND-A": want(Top, "VPND-A", "-j DROP")}, `
-D INPUT -j VPND-A
-I INPUT -j VPND-A`},
		{"somebody bans above it", `
:VPND-A - [0:0]
:f2b-sshd - [0:0]
-A INPUT -p tcp -j f2b-sshd
-A INPUT -j VPND-A
-A f2b-sshd -s 192.0.2.1/32 -j REJECT
-A VPND-A -j DROP`, map[string]Want{"VPND-A": want(Top, "VPND-A", "-j DROP")}, ""},
		{"another of its lane stands wrong", `
:VPND-A - [0:0]
:VPND-B - [0:0]
-A INPUT -j VPND-B
-A INPUT -j VPND-A
-A VPND-A -j DROP
-A VPND-B -j RETURN`, map[string]Want{"VPND-A": want(Top, "VPND-A VPND-B", "-j DROP")}, `
-D INPUT -j VPND-A
-D INPUT -j VPND-B
-A INPUT -j VPND-A
-A INPUT -j VPND-B`},
		{"a rule behind a default", `
:VPND-A - [0:0]
-A INPUT -m comment --comment vpnd-bottom -j VPND-A
-A INPUT -p udp -j ACCEPT
-A VPND-A -j DROP`, map[string]Want{"VPND-A": want(Bottom, "VPND-A", "-j DROP")}, `
-D INPUT -m comment --comment vpnd-bottom -j VPND-A
-A INPUT -m comment --comment vpnd-bottom -j VPND-A`},
		{"a policy of others behind a default", `
:VPND-A - [0:0]
-A INPUT -m comment --comment vpnd-bottom -j VPND-A
-A INPUT -j ACCEPT
-A VPND-A -j DROP`, map[string]Want{"VPND-A": want(Bottom, "VPND-A", "-j DROP")}, ""},
	} {
		writes := ""
		if c.writes != "" {
			writes = "*filter" + c.writes + "\nCOMMIT\n"
		}
		if got := Transaction("filter", filter(c.now), c.wants); got != writes {
			t.Errorf("%s: got\n%swant\n%s", c.what, got, writes)
		}
	}
}

// A chain of others that leads to one of vpnd's keeps it; what vpnd itself or a hook
// leads there goes with it.
func TestRemoval(t *testing.T) {
	now := filter(`
:VPND-A - [0:0]
:VPND-B - [0:0]
:VPND-C - [0:0]
:OTHERS - [0:0]
-A INPUT -j VPND-A
-A INPUT -p udp -j VPND-B
-A VPND-C -j VPND-B
-A VPND-B -j VPND-A
-A OTHERS -p tcp -j VPND-C`)
	led := now.Led()
	spot := func(chain string) (s syntax.Spot) { s.Family, s.Table, s.Chain = "ip", "filter", chain; return }
	if err := Claimed(spot("VPND-A"), led["VPND-A"]); err != nil {
		t.Error(err)
	}
	if err := Claimed(spot("VPND-C"), led["VPND-C"]); err == nil || !strings.HasSuffix(err.Error(), "first run iptables -t filter -D OTHERS -p tcp -j VPND-C") {
		t.Errorf("got %v", err)
	}
	want := `*filter
-D INPUT -j VPND-A
-D INPUT -p udp -j VPND-B
-D VPND-C -j VPND-B
-F VPND-A
-F VPND-B
-X VPND-A
-X VPND-B
COMMIT
`
	if got := Removal("filter", []syntax.Spot{spot("VPND-A"), spot("VPND-B")}, led); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
