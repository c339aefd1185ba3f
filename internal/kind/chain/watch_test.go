package chain

import (
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/chain/event"
	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/nettest"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// apply makes one chain in the room.
func apply(t *testing.T, v Verbs, rule string) {
	t.Helper()
	if err := resourcetest.Apply(t.Context(), v, "ip/filter/VPND-W", nil, Chain{Hook: resource.Ptr("FORWARD"), At: resource.Ptr("top"), Rules: []string{rule}}); err != nil {
		t.Fatal(err)
	}
}

func TestVpndsOwnRulesAreNoNews(t *testing.T) {
	nettest.Fresh(t)
	v := Verbs{Backend: kernel.NFT, Writers: new(xtables.Writers)}
	ear := noticetest.Listen(t, v, "ip/filter/VPND-W")
	ear.Quiet(func() { apply(t, v, "-p tcp -j ACCEPT") })
	ear.Quiet(func() {
		nettest.Run(t, "", "iptables-nft-save")
		nettest.Run(t, "", "nft list ruleset")
		if _, err := resourcetest.Observe(t.Context(), v, "ip/filter/VPND-W"); err != nil {
			t.Fatal(err)
		}
	})
	ear.Quiet(func() {
		if err := resourcetest.Remove(t.Context(), v, "ip/filter/VPND-W"); err != nil {
			t.Fatal(err)
		}
	})
	apply(t, Verbs{Backend: kernel.NFT}, "-p udp -j ACCEPT") // another vpnd
	if h := ear.Next(); !strings.HasPrefix(h.By, "iptables-nft-re (process ") {
		t.Errorf("%+v", h)
	}
}

// The legacy tables are those of the process, since the poller has no thread of
// its own.
func TestLegacyTablesArePolled(t *testing.T) {
	nettest.Need(t)
	v := Verbs{Backend: kernel.Legacy, Writers: new(xtables.Writers)}
	ear := noticetest.Listen(t, v, "ip/filter/VPND-W")
	t.Cleanup(func() {
		nettest.Run(t, "", "iptables-legacy -F")
		nettest.Run(t, "", "iptables-legacy -X")
		nettest.Run(t, "", "ip6tables-legacy -F")
	})
	ear.Quiet(func() { apply(t, v, "-s 10.8.0.0/24 -j ACCEPT"); time.Sleep(event.Often) })
	ear.Quiet(func() {
		nettest.Run(t, "", "iptables-legacy -A OUTPUT -o lo -m limit --limit 5/min -j ACCEPT")
		<-time.After(event.Often) // heard of, and forgotten
		ear.Settle()
		nettest.Packets(t, "127.0.0.1")
		nettest.Run(t, "", "iptables-legacy-save -c")
		nettest.Run(t, "", "iptables-legacy -Z")
		time.Sleep(event.Often)
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
		nettest.Run(t, "", line)
		if h := ear.Next(); h != (resource.Hint{}) {
			t.Errorf("%s: %+v", line, h)
		}
		t.Logf("%s: heard of after %s", line, time.Since(start).Round(time.Millisecond))
	}
}

func TestBackendOfTheCommandIsKnown(t *testing.T) {
	nettest.Need(t)
	for backend, want := range map[string]bool{kernel.Legacy: true, kernel.NFT: false} {
		if got := (Verbs{Backend: backend}).legacy(t.Context()); got != want {
			t.Errorf("%s: writes to legacy: %v", backend, got)
		}
	}
}
