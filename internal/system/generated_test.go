package system

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// draws is how many configurations are drawn and applied one after the other.
const draws = 25

// TestGeneratedConfigurations applies drawn configurations one after the other:
// after each the plan is empty, and after the last one goes the host is as it
// was.
func TestGeneratedConfigurations(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	first := s.print()
	d := dice{rand.New(rand.NewPCG(seed(t), 0))}
	for i := range draws {
		text := d.configuration()
		s.configure(text)
		out, status, err := s.VPND(t.Context(), "apply", "--yes")
		if err != nil || status != 0 {
			t.Fatalf("draw %d ended with status %d (%v):\n%s\n%s", i, status, err, out, text)
		}
		out, status, err = s.VPND(t.Context(), "plan", "--detailed-exitcode")
		if err != nil || status != 0 {
			t.Fatalf("after draw %d the plan is not empty (status %d, %v):\n%s\n%s", i, status, err, out, text)
		}
	}
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
}

// dice draw configurations that are valid.
type dice struct{ *rand.Rand }

func (d dice) often() bool { return d.IntN(3) > 0 }

func (d dice) coin() bool { return d.IntN(2) == 0 }

func one[T any](d dice, of ...T) T { return of[d.IntN(len(of))] }

// some draws a part of a list, in its order.
func some(d dice, of ...string) []string {
	var drawn []string
	for _, item := range of {
		if d.coin() {
			drawn = append(drawn, item)
		}
	}
	return drawn
}

func quoted(items []string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", item)
	}
	return "[" + b.String() + "]"
}

// block writes a block whose lines may each be empty.
func block(head string, lines ...string) string {
	var b strings.Builder
	b.WriteString(head + " {\n")
	for _, line := range lines {
		if line != "" {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String() + "}\n"
}

// maybe is the line often, and otherwise nothing.
func (d dice) maybe(format string, args ...any) string {
	if !d.coin() {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func (d dice) configuration() string {
	var b strings.Builder
	for _, part := range []func() string{d.vpn, d.firewall, d.chains, d.sysctls, d.files, d.links, d.units, d.keys} {
		if d.often() {
			b.WriteString(part())
		}
	}
	return b.String()
}

func (d dice) vpn() string {
	var clients, own []string
	for _, name := range some(d, "anna", "bert", "cleo") {
		if d.IntN(4) == 0 {
			clients = append(clients, fmt.Sprintf("client %q { revoked = true }", name))
			continue
		}
		clients = append(clients, fmt.Sprintf("client %q {}", name))
		if d.coin() {
			own = append(own, fmt.Sprintf("client %q {\n    address = \"10.8.0.%d\"\n  }", name, 200+d.IntN(4)*10+len(own)))
		}
	}
	authority := block(`pki "p"`, append([]string{
		`subject { common_name = "P" }`, `server "server" {}`,
		d.maybe("cert_validity = %q", one(d, "30d", "90d")),
	}, clients...)...)
	server := block(`openvpn_server "p"`, append([]string{
		"pki = pki.p", `network = "10.8.0.0/24"`, `remote = "vpn.example.com"`, `pool { end = "10.8.0.199" }`,
		d.maybe("listen = [%q]", one(d, "udp/1194", "tcp/443", "udp/203.0.113.1:1195")),
		d.maybe("tls_key = %q", one(d, "tls-crypt", "tls-auth", "none")),
		d.maybe("push {\n    routes = %s\n    redirect_gateway = %t\n  }", quoted(some(d, "10.0.0.0/16", "192.0.2.0/24")), d.coin()),
		d.maybe("keepalive {\n    ping = \"%ds\"\n  }", 5+d.IntN(20)),
		d.maybe("verb = %d", d.IntN(5)),
		d.maybe("client_to_client = true"), d.maybe("ccd_exclusive = true"), d.maybe("network6 = \"fd00:8::/64\""), d.maybe("firewall = false"), d.maybe("management = false"),
	}, own...)...)
	return authority + server + d.gateway()
}

func (d dice) gateway() string {
	if d.coin() {
		return ""
	}
	return block(`gateway "p"`, `uplink = "eth0"`, "networks = [openvpn_server.p.network]",
		d.maybe("nat = %q", one(d, "10.0.0.1", "false", "masquerade")), d.maybe("isolate = false"), d.maybe("mss_clamp = false"),
		d.maybe("reach = %s", quoted([]string{one(d, "10.0.0.0/16", "10.0.0.2/32")})), d.maybe("interfaces = [\"tun+\"]"))
}

func (d dice) firewall() string {
	rule := func(kind string) string {
		return fmt.Sprintf("%s {\n    protocol = %q\n    ports = %s\n    source = %s\n    action = %q\n  }", kind, one(d, "tcp", "udp"),
			quoted([]string{one(d, "22", "80", "443", "1000-2000", "domain")}), quoted([]string{one(d, "192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32")}), one(d, "accept", "drop", "reject", "log"))
	}
	var rules []string
	for range d.IntN(6) {
		rules = append(rules, rule(one(d, "input", "forward")))
	}
	return block(`firewall "f"`, append(rules, d.maybe(`forward_default = "drop"`), d.maybe("nat {\n    out = [\"eth0\"]\n    source = [\"10.9.0.0/24\"]\n    action = \"masquerade\"\n  }"))...)
}

var bodies = []string{
	"-p tcp --dport ssh -j ACCEPT", "-s 192.0.2.1,192.0.2.2 -j DROP", "-m limit --limit 3/min -j LOG --log-prefix \"p: \"",
	"! -s 10.0.0.0/8 -i eth+ -j RETURN", "-p icmp --icmp-type echo-request -j ACCEPT", "-m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
	`-m comment --comment "it's a \"rule\"" -j ACCEPT`, "-p tcp -m multiport --dports 80,443,8000:8010 -j REJECT --reject-with tcp-reset", "-m mark --mark 0x10/0xff -j ACCEPT",
	"-p udp --sport 53 --dport 1024: -j ACCEPT", "-m addrtype --dst-type LOCAL -j ACCEPT", "-m iprange --src-range 192.0.2.5-192.0.2.9 -j DROP",
}

func (d dice) chains() string {
	var b strings.Builder
	for i := range 1 + d.IntN(3) {
		hook := one(d, "INPUT", "FORWARD", "OUTPUT", "")
		lines := []string{fmt.Sprintf("rules = %s", quoted(some(d, bodies...)))}
		if hook != "" {
			lines = append(lines, fmt.Sprintf("hook = %q", hook), d.maybe(`at = "bottom"`))
		}
		if hook == "OUTPUT" || hook == "" { // rules with -i can't be reached there
			lines[0] = fmt.Sprintf("rules = %s", quoted(some(d, bodies[0], bodies[1], bodies[2], bodies[5], bodies[6])))
		}
		b.WriteString(block(fmt.Sprintf("chain \"ip/filter/VPND-D%d\"", i), lines...))
	}
	return b.String()
}

func (d dice) sysctls() string {
	var b strings.Builder
	for _, key := range some(d, "net.ipv4.conf.eth0.rp_filter", "net.ipv4.tcp_mtu_probing", "net.ipv6.conf.eth0.accept_ra", "net.ipv4.conf.all.send_redirects") {
		b.WriteString(block(fmt.Sprintf("sysctl %q", key), fmt.Sprintf("value = \"%d\"", d.IntN(2))))
	}
	return b.String()
}

func (d dice) files() string {
	var b strings.Builder
	b.WriteString(block(`directory "/etc/drawn"`, d.maybe("mode = %q", one(d, "0700", "0755"))))
	if d.IntN(4) == 0 {
		b.WriteString(block(`directory "/etc/drawn/two"`, `depends_on = [directory["/etc/drawn"]]`))
		return b.String()
	}
	for _, name := range some(d, "one", "two", "theirs") {
		kind := one(d, "file", "secret_file")
		b.WriteString(block(fmt.Sprintf("%s \"/etc/drawn/%s\"", kind, name), fmt.Sprintf("content = %q", one(d, "", "a\n", "b\nc", "no end")),
			d.maybe("mode = %q", one(d, "0600", "0640")), d.maybe("group = \"nogroup\""), `depends_on = [directory["/etc/drawn"]]`))
	}
	return b.String()
}

func (d dice) links() string {
	return block(`tun "tun9"`, fmt.Sprintf("addresses = %s", quoted(append(some(d, "10.99.0.1/24", "fd00:99::1/64"), "10.97.0.1/24"))),
		d.maybe("mtu = %d", 1300+d.IntN(200)), d.maybe("user = \"nobody\""), d.maybe("mode = %q", one(d, "tun", "tap"))) +
		block(`route "10.98.0.0/16"`, "dev = tun.tun9.name", d.maybe("metric = %d", 1+d.IntN(100)))
}

func (d dice) units() string {
	return block(`unit "theirs.service"`, d.maybe("enabled = %t", d.coin()), d.maybe("active = %t", d.coin()),
		d.maybe("dropin %q {\n    content = \"[Service]\\nNice=%d\\n\"\n  }", one(d, "a", "b"), d.IntN(10)))
}

func (d dice) keys() string {
	return block(`directory "/etc/drawn-keys"`, `mode = "0700"`) +
		block(`private_key "/etc/drawn-keys/k.key"`, d.maybe("algorithm = %q", one(d, "ed25519", "ecdsa-p384")), `depends_on = [directory["/etc/drawn-keys"]]`) +
		block(`certificate "/etc/drawn-keys/k.crt"`, `key = private_key["/etc/drawn-keys/k.key"].name`, fmt.Sprintf("usage = %q", one(d, "signing", "server")),
			fmt.Sprintf("subject { common_name = %q }", one(d, "x", "y"))) +
		block(`file "/etc/drawn-keys/head"`, fmt.Sprintf("content = %q", one(d, "one\n", "two\n"))) +
		block(`assembled_file "/etc/drawn-keys/bundle"`, `part { file = "/etc/drawn-keys/head" }`, `part { file = "/etc/drawn-keys/k.crt" }`, d.maybe(`part { file = "/etc/drawn-keys/k.key" }`))
}
