package foreign

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatRulesOpen(t *testing.T) {
	for _, c := range []struct{ hook, rule, want string }{
		{"INPUT", "-p udp -m udp --dport 1194 -j ACCEPT", "udp port 1194"},
		{"INPUT", "-p udp -m udp --dport 1194 -j DROP", ""},
		{"INPUT", "-p tcp -m tcp ! --dport 22 -j ACCEPT", ""},
		{"INPUT", "-p tcp -m tcp --dport 22 -m conntrack --ctstate ESTABLISHED -j ACCEPT", ""},
		{"INPUT", "-s 10.8.0.0/24 -j ACCEPT", ""},
		{"FORWARD", "-s 10.8.0.0/24 -j ACCEPT", "packets from 10.8.0.0/24"},
		{"FORWARD", "-d 10.8.0.0/24 -j ACCEPT", ""},
	} {
		got := ""
		for _, o := range Openings(c.hook, []string{c.rule, c.rule}) {
			got += o.String()
		}
		if got != c.want {
			t.Errorf("%s in %s opens %q, want %q", c.rule, c.hook, got, c.want)
		}
	}
}

// What vpnd accepts is told of a chain that drops it, with what opens it there.
func TestWhatAChainShuts(t *testing.T) {
	port := func(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
	accept := func(value []byte) nftRule { return nftRule{values: [][]byte{value}, verdict: 1, decides: true} }
	openings := Openings("INPUT", []string{"-p udp --dport 1194 -j ACCEPT", "-p tcp --dport 443 -j ACCEPT"})
	for _, c := range []struct {
		what string
		base Base
		want []string // parts of what is told; none where nothing is
	}{
		{"nothing is let through", Base{family: unix.NFPROTO_INET, table: "mine", name: "in", Hook: "INPUT"}, []string{
			"the chain in of the nftables table inet mine drops in INPUT", "udp port 1194, tcp port 443",
			"nft insert rule inet mine in udp dport 1194 accept; nft insert rule inet mine in tcp dport 443 accept",
		}},
		{"one is", Base{family: unix.NFPROTO_INET, table: "mine", name: "in", Hook: "INPUT", rules: []nftRule{accept(port(443))}}, []string{": udp port 1194; "}},
		{"both are", Base{family: unix.NFPROTO_INET, table: "mine", name: "in", Hook: "INPUT", rules: []nftRule{accept(port(443)), accept(port(1194))}}, nil},
		{"firewalld", Base{family: unix.NFPROTO_INET, table: "firewalld", name: "filter_INPUT", Hook: "INPUT"}, []string{
			"firewalld drops in INPUT", "firewall-cmd --permanent --add-port=1194/udp; firewall-cmd --permanent --add-port=443/tcp; firewall-cmd --reload",
		}},
		{"a name with a command", Base{family: unix.NFPROTO_IPV4, table: "$(reboot)", name: "in", Hook: "INPUT"}, []string{"nft insert rule ip '$(reboot)' in udp"}},
	} {
		got := c.base.Shut(openings)
		if (got == "") != (c.want == nil) || slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(got, part) }) {
			t.Errorf("%s: told %q", c.what, got)
		}
	}
}
