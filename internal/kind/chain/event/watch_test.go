package event

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/nettest"
	"vpnd/internal/notice"
	"vpnd/internal/notice/noticetest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func TestWhoWritesWithNftIsHeardAndNamed(t *testing.T) {
	nettest.Fresh(t)
	v := Watcher{Writers: new(xtables.Writers)}
	const v4, nat, v6 = "ip/filter/VPND-W", "ip/nat/VPND-W", "ip6/filter/VPND-W"
	ear := noticetest.Listen(t, v, v4, nat, v6)
	hosted := inHostNamespace()
	for _, c := range []struct {
		line, program string
		names         []string // of the chains that the hints are about
	}{
		{"iptables-nft -N OTHERS", "iptables-nft", []string{v4}},
		{"ip6tables-nft -P FORWARD DROP", "ip6tables-nft", []string{v6}},
		{"iptables-nft -t nat -N OTHERS", "iptables-nft", []string{nat}},
		{"nft add rule ip nat OTHERS accept", "nft", []string{nat}},
		{"nft flush table ip nat", "nft", []string{nat}},
		{"nft delete table ip6 filter", "nft", []string{v6}},
		{"nft flush ruleset", "nft", []string{v4, nat}},
		{"nft add table ip filter; add table ip nat; add table ip6 filter", "nft", []string{""}},
	} {
		ear.Settle()
		pid := nettest.Run(t, "", c.line)
		want := fmt.Sprintf("%s (process %d)", c.program, pid)
		if !hosted {
			want = c.program + " (process "
		}
		for _, name := range c.names {
			if h := ear.Next(); h.Name != name || !strings.HasPrefix(h.By, want) {
				t.Errorf("%s: got %+v, want it about %q by %s", c.line, h, name, want)
			}
		}
	}
}

// Tables that hold nothing of vpnd's are nobody's business: who writes them has
// not done what somebody else did at the same time, and costs no look.
func TestWhoWritesElsewhereIsNotHeard(t *testing.T) {
	nettest.Fresh(t)
	nettest.Run(t, "", "nft add table ip filter; add chain ip filter VPND-W; add table inet filter; add table inet foo")
	ear := noticetest.Listen(t, Watcher{}, "ip/filter/VPND-W")
	ear.Quiet(func() {
		nettest.Run(t, "", "nft add chain inet filter c; add rule inet filter c accept; delete table inet foo")
		nettest.Run(t, "", "nft add table ip mine; add chain ip mine c; add rule ip mine c accept")
		nettest.Run(t, "", "nft add set ip filter s { type ipv4_addr; }; add element ip filter s { 192.0.2.1 }")
		nettest.Run(t, "", "iptables-nft -t nat -N OTHERS")
		nettest.Run(t, "", "ip6tables-nft -N OTHERS")
	})
	nettest.Run(t, "", "nft add chain inet filter d; add rule ip filter VPND-W accept; add chain inet filter e")
	if h := ear.Next(); !strings.HasPrefix(h.By, "nft (process ") {
		t.Errorf("who writes here and there: %+v", h)
	}
}

// Where messages were lost, or say nothing, it is better to name nobody.
func TestWhatWasNotHeardIsBlamedOnNobody(t *testing.T) {
	const name = "ip/filter/VPND-W"
	rule := notice.Message{Header: syscall.NlMsghdr{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWRULE}}
	rule.Data = append([]byte{unix.NFPROTO_IPV4, 0, 0, 1, 11, 0, 1, 0}, "filter\x00\x00"...)
	other := rule
	other.Data = append([]byte{unix.NFPROTO_IPV6}, rule.Data[1:]...)
	cut := rule
	cut.Data = rule.Data[:10]
	tx := newTransactions([]string{name, "ip/nat/VPND-W"})
	tx.begin()
	for _, c := range []struct {
		what   string
		do     func()
		events []notice.Message
		want   []string
		known  bool
	}{
		{"one rule", func() {}, []notice.Message{rule}, []string{name}, true},
		{"another table", func() {}, []notice.Message{other}, nil, true},
		{"nothing", func() {}, nil, []string{""}, false},
		{"half a message", func() {}, []notice.Message{cut, {}}, []string{""}, false},
		{"lost messages", tx.begin, []notice.Message{other}, []string{""}, false},
		{"later", func() { tx.lost = tx.lost.Add(-deaf) }, []notice.Message{rule, other}, []string{name}, true},
		{"what was under way when messages were lost", func() { tx.event(rule); tx.begin(); tx.lost = tx.lost.Add(-deaf) }, []notice.Message{other}, nil, true},
	} {
		c.do()
		for _, m := range c.events {
			tx.event(m)
		}
		if got, known := tx.end(); !slices.Equal(got, c.want) || known != c.known {
			t.Errorf("%s: %q, known: %v", c.what, got, known)
		}
	}
}

func TestALargeRuleSetIsOneHint(t *testing.T) {
	nettest.Fresh(t)
	ear := noticetest.Listen(t, Watcher{}, "ip/filter/VPND-W")
	ear.Settle()
	var b strings.Builder
	b.WriteString("*filter\n:BIG - [0:0]\n")
	for i := range 10000 {
		fmt.Fprintf(&b, "-A BIG -s 10.%d.%d.1 -j ACCEPT\n", i/250, i%250)
	}
	nettest.Run(t, b.String()+"COMMIT\n", "iptables-nft-restore --noflush")
	if h := ear.Next(); h.By == "" {
		t.Error("nobody is named")
	}
	ear.Quiet(func() {})
}

func TestAnIdleFirewallWakesNobody(t *testing.T) {
	nettest.Fresh(t)
	noticetest.Idle(t, Watcher{Writers: new(xtables.Writers)}, "ip/filter/VPND-W")
}

func TestRulesOfNftAreHeardAtOnce(t *testing.T) {
	nettest.Fresh(t)
	ear := noticetest.Listen(t, Watcher{}, "ip/filter/VPND-W")
	nettest.Run(t, "", "nft add table ip filter")
	ear.Delay(20, 150*time.Millisecond, func(i int) { nettest.Run(t, "", fmt.Sprintf("nft add chain ip filter c%d", i)) })
}

func TestLegacyTablesThatAreNotThereArePolledByNobody(t *testing.T) {
	for _, c := range []struct {
		ours   bool
		tables int
		want   time.Duration
	}{{true, 2, Often}, {true, 0, seldom}, {false, 1, seldom}, {false, 0, 0}} {
		if got := pause(c.ours, c.tables); got != c.want {
			t.Errorf("written by vpnd: %v, tables: %d: every %s instead of %s", c.ours, c.tables, got, c.want)
		}
	}
}
