package chain

import (
	"fmt"
	"hash/maphash"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/notice"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

var seed = maphash.MakeSeed()

// foreigner runs a program that is none of vpnd's and returns its number.
func foreigner(t *testing.T, input, line string) int {
	t.Helper()
	argv := strings.Fields(line)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
	return cmd.Process.Pid
}

// packets sends three of them to a port of discard(9) where nobody listens.
func packets(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("udp", net.JoinHostPort(address, "9"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 {
		_, _ = conn.Write([]byte("x")) // refused, once the answer to the one before is there
	}
}

// apply makes one chain in the room.
func apply(t *testing.T, v Verbs, rule string) {
	t.Helper()
	if err := resourcetest.Apply(t.Context(), v, "ip/filter/VPND-W", nil, Chain{Hook: resource.Ptr("FORWARD"), At: resource.Ptr("top"), Rules: []string{rule}}); err != nil {
		t.Fatal(err)
	}
}

func TestWhoWritesWithNftIsHeardAndNamed(t *testing.T) {
	nettest.Fresh(t)
	v := Verbs{Backend: nft, Writers: new(Writers)}
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
		pid := foreigner(t, "", c.line)
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
	foreigner(t, "", "nft add table ip filter; add chain ip filter VPND-W; add table inet filter; add table inet foo")
	ear := noticetest.Listen(t, Verbs{Backend: nft}, "ip/filter/VPND-W")
	ear.Quiet(func() {
		foreigner(t, "", "nft add chain inet filter c; add rule inet filter c accept; delete table inet foo")
		foreigner(t, "", "nft add table ip mine; add chain ip mine c; add rule ip mine c accept")
		foreigner(t, "", "nft add set ip filter s { type ipv4_addr; }; add element ip filter s { 192.0.2.1 }")
		foreigner(t, "", "iptables-nft -t nat -N OTHERS")
		foreigner(t, "", "ip6tables-nft -N OTHERS")
	})
	foreigner(t, "", "nft add chain inet filter d; add rule ip filter VPND-W accept; add chain inet filter e")
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

func TestVpndsOwnRulesAreNoNews(t *testing.T) {
	nettest.Fresh(t)
	v := Verbs{Backend: nft, Writers: new(Writers)}
	ear := noticetest.Listen(t, v, "ip/filter/VPND-W")
	ear.Quiet(func() { apply(t, v, "-p tcp -j ACCEPT") })
	ear.Quiet(func() {
		foreigner(t, "", "iptables-nft-save")
		foreigner(t, "", "nft list ruleset")
		if _, err := resourcetest.Observe(t.Context(), v, "ip/filter/VPND-W"); err != nil {
			t.Fatal(err)
		}
	})
	ear.Quiet(func() {
		if err := resourcetest.Remove(t.Context(), v, "ip/filter/VPND-W"); err != nil {
			t.Fatal(err)
		}
	})
	apply(t, Verbs{Backend: nft}, "-p udp -j ACCEPT") // another vpnd
	if h := ear.Next(); !strings.HasPrefix(h.By, "iptables-nft-re (process ") {
		t.Errorf("%+v", h)
	}
}

func TestALargeRuleSetIsOneHint(t *testing.T) {
	nettest.Fresh(t)
	ear := noticetest.Listen(t, Verbs{Backend: nft}, "ip/filter/VPND-W")
	ear.Settle()
	var b strings.Builder
	b.WriteString("*filter\n:BIG - [0:0]\n")
	for i := range 10000 {
		fmt.Fprintf(&b, "-A BIG -s 10.%d.%d.1 -j ACCEPT\n", i/250, i%250)
	}
	foreigner(t, b.String()+"COMMIT\n", "iptables-nft-restore --noflush")
	if h := ear.Next(); h.By == "" {
		t.Error("nobody is named")
	}
	ear.Quiet(func() {})
}

func TestAnIdleFirewallWakesNobody(t *testing.T) {
	nettest.Fresh(t)
	noticetest.Idle(t, Verbs{Backend: nft, Writers: new(Writers)}, "ip/filter/VPND-W")
}

func TestRulesOfNftAreHeardAtOnce(t *testing.T) {
	nettest.Fresh(t)
	ear := noticetest.Listen(t, Verbs{Backend: nft}, "ip/filter/VPND-W")
	foreigner(t, "", "nft add table ip filter")
	ear.Delay(20, 150*time.Millisecond, func(i int) { foreigner(t, "", fmt.Sprintf("nft add chain ip filter c%d", i)) })
}

func TestLegacyTablesThatAreNotThereArePolledByNobody(t *testing.T) {
	for _, c := range []struct {
		ours   bool
		tables int
		want   time.Duration
	}{{true, 2, often}, {true, 0, seldom}, {false, 1, seldom}, {false, 0, 0}} {
		if got := pause(c.ours, c.tables); got != c.want {
			t.Errorf("written by vpnd: %v, tables: %d: every %s instead of %s", c.ours, c.tables, got, c.want)
		}
	}
	for backend, want := range map[string]bool{legacy: true, nft: false} {
		if got := (Verbs{Backend: backend}).legacy(t.Context()); got != want {
			t.Errorf("%s: writes to legacy: %v", backend, got)
		}
	}
}

// The legacy tables are those of the process, since the poller has no thread of
// its own.
func TestLegacyTablesArePolled(t *testing.T) {
	nettest.Need(t)
	v := Verbs{Backend: legacy, Writers: new(Writers)}
	ear := noticetest.Listen(t, v, "ip/filter/VPND-W")
	t.Cleanup(func() {
		foreigner(t, "", "iptables-legacy -F")
		foreigner(t, "", "iptables-legacy -X")
		foreigner(t, "", "ip6tables-legacy -F")
	})
	ear.Quiet(func() { apply(t, v, "-s 10.8.0.0/24 -j ACCEPT"); time.Sleep(often) })
	ear.Quiet(func() {
		foreigner(t, "", "iptables-legacy -A OUTPUT -o lo -m limit --limit 5/min -j ACCEPT")
		<-time.After(often) // heard of, and forgotten
		ear.Settle()
		packets(t, "127.0.0.1")
		foreigner(t, "", "iptables-legacy-save -c")
		foreigner(t, "", "iptables-legacy -Z")
		time.Sleep(often)
	})
	for _, line := range []string{
		"iptables-legacy -R VPND-W 1 -s 10.8.0.0/23 -j ACCEPT", // as long as before
		"iptables-legacy -P FORWARD DROP",
		"iptables-legacy -P FORWARD ACCEPT",
		"ip6tables-legacy -A FORWARD -j DROP", // the first of its family
		"ip6tables-legacy -R FORWARD 1 -s fd00::/8 -j DROP",
	} {
		ear.Settle()
		start := time.Now()
		foreigner(t, "", line)
		if h := ear.Next(); h != (resource.Hint{}) {
			t.Errorf("%s: %+v", line, h)
		}
		t.Logf("%s: heard of after %s", line, time.Since(start).Round(time.Millisecond))
	}
}

// Neither family's counters count, and each other byte does.
func TestFingerprintsLeaveCountersOut(t *testing.T) {
	nettest.Fresh(t)
	print := func() string {
		t.Helper()
		p, err := fingerprints(seed)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(p)
	}
	for _, c := range []struct{ iptables, address, wide string }{
		{"iptables-legacy", "127.0.0.1", "127.0.0.0/8"},
		{"ip6tables-legacy", "::1", "::/120"},
	} {
		foreigner(t, "", c.iptables+" -A OUTPUT -d "+c.address+" -m comment --comment x -j ACCEPT")
		before := print()
		packets(t, c.address)
		if out, err := exec.Command(c.iptables+"-save", "-c").Output(); err != nil || strings.Contains(string(out), "\n[0:") {
			t.Fatalf("nothing was counted: %v: %s", err, out)
		}
		if after := print(); after != before {
			t.Errorf("%s: traffic changed the fingerprint", c.iptables)
		}
		for _, rule := range []string{"-d " + c.wide + " -m comment --comment x -j ACCEPT", "-d " + c.wide + " -m comment --comment x -j DROP", "-d " + c.wide + " -m comment --comment y -j DROP"} {
			before = print()
			foreigner(t, "", c.iptables+" -R OUTPUT 1 "+rule)
			if after := print(); after == before {
				t.Errorf("%s: %s did not change the fingerprint", c.iptables, rule)
			}
		}
	}
}

func BenchmarkFingerprint10000Rules(b *testing.B) {
	nettest.Fresh(b)
	var s strings.Builder
	s.WriteString("*filter\n:BIG - [0:0]\n")
	for i := range 10000 {
		fmt.Fprintf(&s, "-A BIG -s 10.%d.%d.1 -j ACCEPT\n", i/250, i%250)
	}
	cmd := exec.Command("iptables-legacy-restore")
	cmd.Stdin = strings.NewReader(s.String() + "COMMIT\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for b.Loop() {
		if _, err := fingerprints(seed); err != nil {
			b.Fatal(err)
		}
	}
}
