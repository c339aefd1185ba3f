package dial

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial/profile"
	"vpnd/internal/vpn/vpntest"
)

func TestMain(m *testing.M) { nettest.Main(m, "/etc/openvpn") }

func word(s string) *string { return &s }

func nets(all ...string) []netip.Prefix {
	list := []netip.Prefix{}
	for _, text := range all {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

const examples = "../../../examples/openvpn-client/"

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func document(t testing.TB, name string) *resource.Document {
	t.Helper()
	return resource.NewDocument(name, sample(t, name))
}

// seed is tpham by its profile.
func seed(t testing.TB) *Client { return &Client{Profile: document(t, "hq.ovpn")} }

// between returns what stands between tags of the profile.
func between(t testing.TB, tag string) string {
	t.Helper()
	_, rest, _ := strings.Cut(sample(t, "hq.ovpn"), "<"+tag+">\n")
	content, _, ok := strings.Cut(rest, "</"+tag+">")
	if !ok {
		t.Fatalf("the profile has no %s", tag)
	}
	return content
}

// everything is a client by attributes, all of them.
func everything(t testing.TB) *Client {
	return &Client{
		Remote: word("tcp/vpn.example.com:443"), Remotes: []string{"192.0.2.7", "udp6/[2001:db8::1]:1195"},
		CA: document(t, "ca.crt"), Cert: document(t, "tpham.crt"), Key: resource.NewDocument("", sample(t, "tpham.key")),
		TLSCrypt: resource.NewDocument("tc.key", between(t, "tls-crypt")), VerifyName: word("vpn one"),
		DataCiphers: []string{"AES-256-GCM", "?CHACHA20-POLY1305"}, DataCiphersFallback: word("AES-256-CBC"), Digest: word("SHA512"), Compression: word("lzo"), TLSMinVersion: word("1.3"),
		Username: word("tpham"), Password: resource.NewSecret("hunter2"), Passphrase: resource.NewSecret("sesame"),
		Routes: nets("10.77.0.0/16", "fd00:77::/64"), AcceptRoutes: nets("10.78.0.0/16"), Networks: nets("192.168.40.0/24", "fd00:40::/64"),
		Keepalive: &Keepalive{Ping: resource.Ptr(5 * second), Restart: resource.Ptr(20 * second)},
		Dev:       word("tun7"), MTU: resource.Ptr(1400), MSSFix: resource.Ptr(1300), User: word("root"), Verb: resource.Ptr(4), Options: []string{"remote-random", "sndbuf 0"},
	}
}

func expanded(t *testing.T, c *Client, name string) []resource.Resource {
	t.Helper()
	for _, m := range c.Validate(name) {
		if !m.Warning {
			t.Errorf("%s: %s; %s", m.Path, m.Summary, m.Hint)
		}
	}
	all, err := c.Expand(name)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What a client stands for, by its profile and by attributes, and what is told of it.
func TestWhatAClientStandsFor(t *testing.T) {
	token := &Client{Profile: resource.NewDocument("x", sample(t, "hq.ovpn")+"setenv UV_TOKEN \"hunter2 sesame\"\n")}
	if got := token.settle("hq").files(); !slices.ContainsFunc(got, func(k kept) bool {
		return !k.public && k.path == "/etc/openvpn/client/hq/environment" && k.content == "setenv UV_TOKEN \"hunter2 sesame\"\n"
	}) || !strings.Contains(token.settle("hq").text(), "\nconfig /etc/openvpn/client/hq/environment\n") {
		t.Errorf("it is not told: %+v", got)
	}
	for name, c := range map[string]*Client{"seed": seed(t), "all": everything(t), "token": token} {
		all := expanded(t, c, "hq")
		text := vpntest.Print(all) + vpntest.Asked(all) + vpntest.Mistakes(c.Validate("hq"))
		vpntest.Golden(t, name+".txt", text)
		for _, secret := range []string{"hunter2", "sesame", strings.Split(sample(t, "tpham.key"), "\n")[1], strings.Split(between(t, "tls-crypt"), "\n")[5]} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
	}
}

// The kernel takes the rules, and OpenVPN the configuration.
func TestTheHostTakesIt(t *testing.T) {
	nettest.Need(t)
	chatty := &Client{Profile: resource.NewDocument("x", sample(t, "hq.ovpn"))}
	for _, name := range profile.Known() {
		if profile.Decided(name) && name != "dev" && name != "auth-retry" {
			chatty.Profile = resource.NewDocument("x", chatty.Profile.Reveal()+name+" 1\n")
		}
	}
	for name, c := range map[string]*Client{"seed": seed(t), "all": everything(t), "chatty": chatty} {
		all := expanded(t, c, "hq")
		t.Run(name, func(t *testing.T) {
			nettest.Fresh(t)
			vpntest.Restore(t, all)
		})
		path := t.TempDir() + "/" + name
		if err := os.WriteFile(path, []byte(c.settle("hq").text()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openvpn.Validate(t.Context(), path); err != nil {
			t.Errorf("%s: %v\n%s", name, err, c.settle("hq").text())
		}
	}
}

// Every directive that the OpenVPN of this host lists is judged.
func TestEveryDirectiveIsJudged(t *testing.T) {
	nettest.Need(t)
	out, err := exec.Command("openvpn", "--help").Output()
	if len(out) == 0 {
		t.Fatal(err)
	}
	known := profile.Known()
	names := slices.Clone(since27)
	for _, m := range regexp.MustCompile(`(?m)^--([a-z0-9-]+)`).FindAllStringSubmatch(string(out), -1) {
		names = append(names, m[1])
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			t.Errorf("nobody judges %s", name)
		}
	}
}

// since27 are the directives that openvpn --help tells of in 2.7.8 and not in 2.6.14.
var since27 = []string{"dns-updown", "override-username", "preresolve", "route-table", "tls-crypt-v2-max-age", "tun-mtu-max"}

// Whatever is wrong is told where it is, with a way out.
func TestMistakes(t *testing.T) {
	var told strings.Builder
	try := func(what string, change func(c *Client)) {
		c := everything(t)
		change(c)
		fmt.Fprintf(&told, "%s\n%s", what, indent(vpntest.Mistakes(slices.DeleteFunc(c.Validate("hq"), func(m resource.Mistake) bool {
			return m.Path == "user" || m.Path == "compression" // of everything
		}))))
	}
	judged := func(what string, change func(text string) string) {
		c := &Client{Profile: resource.NewDocument("/etc/vpnd/hq.ovpn", change(sample(t, "hq.ovpn")))}
		fmt.Fprintf(&told, "profile: %s\n%s", what, indent(vpntest.Mistakes(c.Validate("hq"))))
	}
	for _, name := range []string{"", "a b", "headquarters", "headquarters-of-acme", "../x"} {
		fmt.Fprintf(&told, "name %q\n%s", name, indent(vpntest.Mistakes(seed(t).Validate(name))))
	}
	try("nothing at all", func(c *Client) { *c = Client{} })
	try("both", func(c *Client) { c.Profile = document(t, "hq.ovpn") })
	try("remotes", func(c *Client) {
		c.Remote, c.Remotes = word("sctp/vpn.example.com"), []string{"a b", "vpn.example.com:0", "x:1:2", "udp/", "[::1%lo]:1"}
	})
	try("devices", func(c *Client) { c.Dev = word("tap0") })
	try("words", func(c *Client) {
		c.VerifyName, c.Username, c.Digest, c.DataCiphers = word("a\nb"), word(""), word("SHA 1"), []string{"AES-256-GCM\nup x", "BF-CBC"}
		c.DataCiphersFallback, c.Compression, c.TLSMinVersion, c.User, c.Group = word("a:b c"), word("lz4"), word("1.4"), word("a b"), word("#")
	})
	try("weak", func(c *Client) {
		c.DataCiphers, c.DataCiphersFallback, c.Digest, c.TLSMinVersion = []string{"BF-CBC"}, word("DES-CBC"), word("none"), word("1.0")
	})
	try("the way to the server", func(c *Client) {
		c.Remote, c.Routes, c.AcceptRoutes = word("203.0.113.9"), nets("203.0.113.0/24"), nets("10.0.0.0/8")
	})
	try("networks", func(c *Client) {
		c.Routes, c.AcceptRoutes, c.Networks = nets("10.0.0.1/8", "0.0.0.0/0", "127.0.0.0/8", "192.168.40.0/25"), nets("0.0.0.0/1"), nets("192.168.40.7/24")
	})
	try("redirect", func(c *Client) { c.RedirectGateway = resource.Ptr(true) })
	try("numbers", func(c *Client) {
		c.MTU, c.MSSFix, c.Verb, c.Keepalive = resource.Ptr(1), resource.Ptr(1), resource.Ptr(12), &Keepalive{Ping: resource.Ptr(resource.Duration(1)), Restart: resource.Ptr(resource.Duration(1))}
	})
	try("options", func(c *Client) {
		c.Options = []string{"up /bin/sh", "remot a", "<ca>", "a\nb", "", "verb 3", "ca x", "log /x", "redirect-gateway def1", "crl-verify a b"}
	})
	try("login without a password", func(c *Client) { c.Password = nil })
	try("password without a name", func(c *Client) { c.Username = nil })
	try("login twice", func(c *Client) { c.AuthUserPass = resource.NewDocument("x", "a\nb\n") })
	try("password of two lines", func(c *Client) { c.Password = resource.NewSecret("a\nb") })
	try("empty passphrase", func(c *Client) { c.Passphrase = resource.NewSecret("") })
	try("login file", func(c *Client) { c.Username, c.Password, c.AuthUserPass = nil, nil, resource.NewDocument("x", "a\n") })
	try("no key", func(c *Client) { c.Key = nil })
	try("no ca", func(c *Client) { c.CA = nil })
	try("two shields", func(c *Client) { c.TLSAuth = c.TLSCrypt })
	try("key of another", func(c *Client) { c.Key = resource.NewDocument("", between(t, "key")) })
	try("key with a passphrase", func(c *Client) {
		c.Key, c.Passphrase = resource.NewDocument("k", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), nil
	})
	try("key that is none", func(c *Client) { c.Key = c.Cert })
	try("certificate of another CA", func(c *Client) {
		c.Cert, c.Key = resource.NewDocument("", between(t, "cert")), resource.NewDocument("", between(t, "key"))
	})
	try("certificate of a CA", func(c *Client) { c.Cert = c.CA })
	try("certificate that is none", func(c *Client) { c.Cert, c.CA = resource.NewDocument("x", "AAAA"), resource.NewDocument("y", "") })
	try("shield that is none", func(c *Client) { c.TLSCrypt = c.Key })
	try("shield of a server", func(c *Client) {
		c.TLSCrypt, c.TLSCryptV2 = nil, resource.NewDocument("x", "-----BEGIN OpenVPN tls-crypt-v2 server key-----\nAAAA\n-----END OpenVPN tls-crypt-v2 server key-----\n")
	})

	judged("several lines", func(text string) string { return "up x\nremot a\nverb 9\n" + text + "plugin y\ncipher AES-256-CBC\n" })
	judged("old words", func(text string) string { return "cipher AES-256-CBC\ncomp-lzo\nns-cert-type server\n" + text })
	judged("redirect", func(text string) string { return text + "redirect-gateway def1\n" })
	judged("the way to the server", func(text string) string { return text + "remote 192.0.2.9\nroute 192.0.2.0 255.255.255.0\n" })
	judged("login", func(text string) string { return text + "auth-user-pass\naskpass\n" })
	judged("key of another", func(text string) string { return strings.Replace(text, between(t, "key"), sample(t, "tpham.key"), 1) })
	judged("cut off", func(text string) string { return text[:len(text)/2] })
	judged("many", func(text string) string { return strings.Repeat("nope 1\n", 30) + text })
	judged("empty", func(string) string { return "" })
	vpntest.Golden(t, "mistakes.txt", told.String())
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("  " + line)
	}
	return b.String()
}

// A profile names files beside it, which are read with it; a path of the block is counted
// from the configuration.
func TestWhatAProfileRefersTo(t *testing.T) {
	c := &Client{Profile: resource.NewDocument("/etc/vpnd/hq.ovpn", "remote a\nca ca.crt\ncert c.crt\nkey /etc/keys/c.key\nauth-user-pass login\n"), Options: []string{"crl-verify crl.pem"}}
	var all []string
	for _, r := range c.Refers() {
		all = append(all, fmt.Sprintf("%s beside %q, public %v, told at %s", r.Document, r.Beside.Path(), r.Public, r.Path))
		*r.Document = *resource.NewDocument(r.Document.Path(), "content of "+r.Document.Path())
	}
	if got := strings.Join(all, "\n"); got != `ca.crt beside "/etc/vpnd/hq.ovpn", public true, told at profile
c.crt beside "/etc/vpnd/hq.ovpn", public true, told at profile
/etc/keys/c.key beside "/etc/vpnd/hq.ovpn", public false, told at profile
login beside "/etc/vpnd/hq.ovpn", public false, told at profile
crl.pem beside "", public true, told at options[0]` {
		t.Error(got)
	}
	if len(c.Refers()) > 0 {
		t.Error("it asks again for what it has")
	}
	if files := c.settle("hq").files(); len(files) != 5 || files[0].content != "" || files[2].content != "content of /etc/keys/c.key\n" {
		t.Errorf("%v", files)
	}
}

// A certificate and its key in one file are taken apart: who may read the one does not see
// the other.
func TestKeysBesideCertificates(t *testing.T) {
	c := everything(t)
	c.Cert = resource.NewDocument("both.pem", "Certificate:\n  Data: of people\n"+sample(t, "tpham.key")+sample(t, "tpham.crt"))
	c.Key = resource.NewDocument("", sample(t, "tpham.crt")+sample(t, "tpham.key"))
	c.CA = resource.NewDocument("ca.pem", sample(t, "ca.crt")+sample(t, "tpham.key"))
	text := vpntest.Print(expanded(t, c, "hq"))
	if strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "of people") {
		t.Errorf("the key is there for all to read:\n%s", text)
	}
	vpntest.Golden(t, "all.txt", text+vpntest.Asked(expanded(t, c, "hq"))+vpntest.Mistakes(c.Validate("hq")))
}

// What others may take from it.
func TestExports(t *testing.T) {
	c := seed(t)
	c.Routes = nets("10.77.0.0/16")
	e := c.Exports("hq").(*Exports)
	if e.Tunnel != "openvpn_connection.hq" || e.Interface != "tun-hq" || e.Unit != "openvpn-client@hq.service" || fmt.Sprint(e.Reach) != "[10.77.0.0/16]" {
		t.Errorf("%+v", e)
	}
	if got := fmt.Sprint(c.Claims("hq")); got != "[{device tun-hq dev} {route 10.77.0.0/16 routes}]" {
		t.Error(got)
	}
}

// What a server pushes is taken by the word, and what is left over by none.
func TestWhatIsTakenOfTheServer(t *testing.T) {
	has := func(what string, c *Client, lines, not []string) {
		t.Helper()
		text := c.settle("hq").text()
		if !strings.Contains(text, "pull-filter ignore \"\"\nnobind") {
			t.Errorf("%s: something is taken without a word:\n%s", what, text)
		}
		for _, line := range lines {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("%s: %s is lacking", what, line)
			}
		}
		for _, line := range not {
			if strings.Contains(text, line) {
				t.Errorf("%s: %s is there", what, line)
			}
		}
	}
	has("by default", seed(t), []string{"route-metric 5000", `pull-filter accept "route 10."`, `pull-filter accept "ping "`}, []string{"redirect-gateway", "dhcp-option", `accept "route "`, `accept "dns`})
	c := seed(t)
	c.AcceptRoutes = nets()
	has("none", c, nil, []string{`accept "route 10.`, `accept "route-ipv6`})
	c.AcceptRoutes, c.RedirectGateway = nets("10.77.0.0/16", "fd00:1::/64"), resource.Ptr(true)
	has("some, and everything", c, []string{`pull-filter accept "route 10.77.0.0 255.255.0.0"`, `pull-filter accept "route-ipv6 fd00:1::/64"`, "redirect-gateway def1 ipv6"}, []string{`accept "route 10."`})
	c = seed(t)
	has("an address", c, []string{`pull-filter accept "ifconfig 10."`, `pull-filter accept "ifconfig 172.31."`, `pull-filter accept "ifconfig-ipv6 fd"`}, []string{`accept "ifconfig "`, `accept "ifconfig-ipv6 "`, `"ifconfig 172.32.`})
	c.AcceptAddresses = nets("198.51.0.0/16", "203.0.113.128/25", "192.0.2.7/32", "100.64.0.0/10", "2001:db8::/32")
	has("one of these", c, []string{`pull-filter accept "ifconfig 198.51."`, `pull-filter accept "ifconfig 203.0.113."`, `pull-filter accept "ifconfig 192.0.2.7 "`, `pull-filter accept "ifconfig 100."`, `pull-filter accept "ifconfig-ipv6 2001:"`}, []string{`"ifconfig 10.`, `"ifconfig-ipv6 fd"`})
	quiet := &Client{Profile: resource.NewDocument("x", sample(t, "hq.ovpn")+"route-nopull\nroute-metric 70\n")}
	has("as its profile has it", quiet, []string{"route-metric 70"}, []string{"route-metric 5000", `accept "route 10.`, `accept "route-ipv6`})
}
