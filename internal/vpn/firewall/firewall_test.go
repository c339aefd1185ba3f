package firewall

import (
	"fmt"
	"net/netip"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func nets(all ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func word(s string) *string { return &s }

// hostA is step 7 of the first seed host, without its flush.
func hostA() *Firewall {
	return &Firewall{
		Input: []Rule{{In: []string{"tun+"}, Action: word("accept")}},
		Forward: []Rule{
			{In: []string{"tun+"}, Action: word("accept")},
			{In: []string{"tun+"}, Out: []string{"eth0"}, State: []string{"related", "established"}, Action: word("accept")},
			{In: []string{"eth0"}, Out: []string{"tun+"}, State: []string{"related", "established"}, Action: word("accept")},
		},
		Output: []Rule{{Out: []string{"tun+"}, Action: word("accept")}},
		NAT:    []NAT{{Source: nets("10.8.0.0/24"), Out: []string{"eth0"}, Action: word("masquerade")}},
	}
}

// strict uses every attribute and both defaults.
func strict() *Firewall {
	var many []string
	for i := range 16 {
		many = append(many, fmt.Sprint(8000+i))
	}
	return &Firewall{
		Input: []Rule{
			{Protocol: word("tcp"), Ports: []string{"ssh"}, Source: nets("192.0.2.0/24", "2001:db8::/32"), State: []string{"new"}, Action: word("accept"), Limit: word("5/minute"), Comment: word("operators' door")},
			{Protocol: word("udp"), Ports: append([]string{"1000-2000"}, many...), Action: word("accept")},
			{Protocol: word("udp"), SourcePorts: []string{"67"}, Ports: []string{"68"}, Action: word("accept")},
			{Protocol: word("icmp"), Action: word("accept")},
			{Protocol: word("icmpv6"), Action: word("drop")},
			{Protocol: word("esp"), Source: nets("0.0.0.0/0"), Action: word("accept")},
			{Protocol: word("tcp"), Action: word("reject")},
			{Action: word("log"), LogPrefix: word("vpnd input: "), Limit: word("1/s")},
			{Action: word("log")},
			{Action: word("reject")},
		},
		Forward: []Rule{{In: []string{"tun0", "tun1"}, Out: []string{"eth0"}, Source: nets("10.8.0.0/24"), Destination: nets("10.0.0.0/8", "192.168.0.0/16"), Action: word("accept")}},
		NAT: []NAT{
			{In: []string{"eth0"}, Protocol: word("tcp"), Ports: []string{"80"}, Action: word("dnat"), To: word("10.0.0.2:8080")},
			{In: []string{"eth0"}, Protocol: word("tcp"), Ports: []string{"80"}, Action: word("dnat"), To: word("[fd00::2]:8080")},
			{Out: []string{"eth0"}, Source: nets("10.8.0.0/24"), Destination: nets("10.0.0.0/8"), Action: word("accept")},
			{Out: []string{"eth0"}, Source: nets("10.8.0.0/24"), Action: word("snat"), To: word("192.0.2.1"), Comment: word("one address")},
		},
		InputDefault:   word("drop"),
		ForwardDefault: word("reject"),
	}
}

func TestRulesInWordsBecomeRulesTheKernelTakes(t *testing.T) {
	nettest.Need(t)
	for name, f := range map[string]*Firewall{"seed.txt": hostA(), "strict.txt": strict()} {
		if found := f.Validate("edge"); len(found) > 0 {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
		resources, err := f.Expand("edge")
		if err != nil {
			t.Fatal(err)
		}
		vpntest.Golden(t, name, vpntest.Print(resources))
		vpntest.Restore(t, resources)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	accept := word("accept")
	f := &Firewall{
		Input: []Rule{
			{Action: word("allow"), Out: []string{"eth0"}},
			{Action: accept, Ports: []string{"22"}, In: []string{"an-interface-too-long", "a b", "eth0;"}},
			{Action: accept, Protocol: word("tcp"), Ports: []string{"70000", "9-1", "-1", "22\n-j ACCEPT", "a b"}},
			{Action: accept, Source: nets("10.0.0.0/8"), Destination: nets("fd00::/8")},
			{Action: accept, Source: nets("10.0.0.0/8"), Protocol: word("icmpv6")},
			{Action: accept, Source: []netip.Prefix{}},
			{Action: accept, State: []string{"fresh"}, Limit: word("often"), Comment: word("a\" -j ACCEPT"), LogPrefix: word("line\nbreak")},
			{Action: word("log"), LogPrefix: word("a prefix that is much longer than a log has room for")},
			{Action: accept, Protocol: word("tcp -j ACCEPT")},
		},
		Output: []Rule{{In: []string{"eth0"}, Action: accept}},
		NAT: []NAT{
			{Action: word("masquerade"), Out: []string{"eth0"}},
			{Action: word("snat"), Source: nets("10.0.0.0/8")},
			{Action: word("dnat"), Out: []string{"eth0"}, To: word("host")},
			{Action: word("dnat"), To: word("10.0.0.1:80")},
			{Action: word("snat"), In: []string{"eth0"}, Source: nets("fd00::/8"), To: word("10.0.0.1")},
			{Action: accept, To: word("10.0.0.1")},
		},
		InputDefault: word("deny"),
		At:           word("middle"),
	}
	vpntest.Golden(t, "mistakes.txt", vpntest.Mistakes(f.Validate("a name that is too long for a chain")))
}

func TestDefaultDropWithoutSSHIsWarnedOf(t *testing.T) {
	rule := func(protocol *string, ports ...string) []Rule {
		return []Rule{{Action: word("accept"), Protocol: protocol, Ports: ports}}
	}
	for _, c := range []struct {
		name  string
		rules []Rule
		warns bool
	}{
		{"nothing", nil, true},
		{"another port", rule(word("tcp"), "80"), true},
		{"udp", rule(word("udp"), "22"), true},
		{"established only", []Rule{{Action: word("accept"), State: []string{"established"}}}, true},
		{"by name", rule(word("tcp"), "ssh"), false},
		{"in a range", rule(word("tcp"), "20-30"), false},
		{"all of tcp", rule(word("tcp")), false},
		{"all", []Rule{{Action: word("accept"), Source: nets("10.0.0.0/8")}}, false},
	} {
		f := &Firewall{Input: c.rules, InputDefault: word("drop")}
		found := f.Validate("edge")
		warned := len(found) == 1 && found[0].Warning && found[0].Path == "input_default"
		if warned != c.warns || !warned && len(found) > 0 {
			t.Errorf("%s: %v", c.name, found)
		}
	}
}

func TestDefaultsInTheDocumentationAreThoseUsed(t *testing.T) {
	spelled := &Firewall{InputDefault: word("return"), ForwardDefault: word("return"), Essential: resource.Ptr(true), At: word("top"), Input: hostA().Input}
	left := &Firewall{Input: hostA().Input}
	a, _ := spelled.Expand("edge")
	b, _ := left.Expand("edge")
	if vpntest.Print(a) != vpntest.Print(b) {
		t.Errorf("spelled out:\n%s\nleft out:\n%s", vpntest.Print(a), vpntest.Print(b))
	}
}
