package profile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/openvpn"
)

// whole is what every profile has, so that nothing is lacking.
const whole = "remote vpn.example.com\n<ca>\nthe ca\n</ca>\n<cert>\nthe cert\n</cert>\n<key>\nthe key\n</key>\n"

// tells are what is told of a text, a line each.
func tells(p *Profile) string {
	var b strings.Builder
	for _, t := range p.Told {
		word := "error"
		if t.Warning {
			word = "warning"
		}
		fmt.Fprintf(&b, "%d: %s: %s; %s\n", t.Line, word, t.Summary, t.Hint)
	}
	return b.String()
}

// What a server hands out is taken as it is, whatever way it is written.
func TestWhatIsKept(t *testing.T) {
	p := Read("\ufeff# made by hand\r\nclient\r\ndev tun\r\n--proto tcp\r\nport 443\r\nremote vpn.example.com\r\nremote 2001:db8::1 1195 udp6\r\n" +
		"<connection>\r\nremote 192.0.2.7 80 tcp4-client\r\nnobind\r\nconnect-timeout 5\r\n</connection>\r\n" +
		"remote-cert-tls server\r\nverify-x509-name \"C=DE, CN=vpn \\\"1\\\"\" subject\r\nroute 10.1.0.0 255.255.0.0\r\nroute-ipv6 fd00:1::/64\r\nroute 10.1.2.3 255.255.255.255 net_gateway\r\n" +
		"pull-filter ignore \"route 10.9.\"\r\nsetenv opt block-outside-dns\r\nsetenv UV_SITE berlin\r\nauth-retry interact\r\nignore-unknown-option some-new-word\r\nsome-new-word 1\r\nkey-direction 1\r\n" +
		"<ca>\r\nthe ca\r\n  </ca> and more\r\ncert \"client one.crt\"\r\nkey client.key\r\n<tls-auth>\r\nthe key\r\n</tls-auth>\r\nauth-user-pass login.txt\r\n")
	if got := tells(p); got != "" {
		t.Errorf("it tells:\n%s", got)
	}
	want := []string{
		"proto tcp", "rport 443", "remote vpn.example.com", "remote 2001:db8::1 1195 udp6",
		"<connection>", "remote 192.0.2.7 80 tcp4-client", "connect-timeout 5", "</connection>",
		`verify-x509-name "C=DE, CN=vpn \"1\"" subject`, "route 10.1.2.3 255.255.255.255 net_gateway", `pull-filter ignore "route 10.9."`,
	}
	if !slices.Equal(p.Hidden, []string{"setenv UV_SITE berlin"}) {
		t.Errorf("it hides %q", p.Hidden)
	}
	if !slices.Equal(p.Lines, want) {
		t.Errorf("it keeps:\n%s\nand not:\n%s", strings.Join(p.Lines, "\n"), strings.Join(want, "\n"))
	}
	if got := fmt.Sprint(p.Remotes); got != "[tcp/vpn.example.com:443 udp/[2001:db8::1]:1195 tcp/192.0.2.7:80]" {
		t.Error(got)
	}
	if got := fmt.Sprint(p.Routes, p.Redirects, p.NoRoutes, p.Login, p.AskPass); got != "[10.1.0.0/16 fd00:1::/64] 0 false 0 0" {
		t.Error(got)
	}
	var files []string
	for _, f := range p.Files {
		files = append(files, fmt.Sprintf("%s %s %q %v %v", f.Directive, f.Document.Path(), f.Document.Reveal(), f.Rest, f.Public))
	}
	if got := strings.Join(files, "\n"); got != `ca  "the ca\n" [] true
cert client one.crt "" [] true
key client.key "" [] false
tls-auth  "the key\n" [1] false
auth-user-pass login.txt "" [] false` {
		t.Error(got)
	}
	if got := strings.Join(p.Left, " "); got != "client dev nobind remote-cert-tls block-outside-dns auth-retry ignore-unknown-option some-new-word" {
		t.Error(got)
	}
}

// Each mistake is told with its line and a way out, and a directive that could do more
// than a tunnel needs is refused.
func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"up /etc/openvpn/update-resolv-conf", "1: error: up can't be in the profile"},
		{"setenv opt up /bin/sh", "up can't be in the profile"},
		{"setenv opt setenv opt plugin /tmp/x.so", "plugin can't be in the profile"},
		{`"plugin" /tmp/x.so`, "plugin can't be in the profile"},
		{"  --down-pre", "down-pre can't be in the profile"},
		{"script-security 2", "nothing that a profile names is run as root"},
		{"log-append /var/log/x", "the journal has what it says"},
		{"status /run/x", "the journal has what it says"},
		{"daemon", "systemd runs it"},
		{"management 127.0.0.1 7505", "a management socket of its own"},
		{"config /etc/other.conf", "config can't be in the profile"},
		{"engine dynamic", "nothing that a profile names is loaded here"},
		{"pkcs12 x.p12", "openssl pkcs12"},
		{"<pkcs12>\nAAAA\n</pkcs12>", "<pkcs12> is no inline file"},
		{"secret static.key", "certificates"},
		{"remot vpn.example.com", "OpenVPN has no directive remot; did you mean remote?"},
		{"quite-another-word", "OpenVPN has no directive quite-another-word; see openvpn(8)"},
		{"server 10.8.0.0 255.255.255.0", "server is for servers"},
		{"keysize 256", "keysize is gone from OpenVPN"},
		{"dev tap0", "tap joins the networks"},
		{"mode server", "a client is no server"},
		{"remote", "this is nobody to dial"},
		{"remote vpn.example.com 1194 sctp", `"sctp" is no protocol`},
		{"remote vpn.example.com 70000", "no port between 1 and 65535"},
		{"remote 'a b'", "this is nobody to dial"},
		{"proto tcp-server", "this is no proto of a client"},
		{"cipher BF-CBC", "BF-CBC is broken"},
		{"data-ciphers AES-256-GCM:?DES-CBC", "DES-CBC is broken"},
		{"cipher AES-256-CBC", "warning: cipher means nothing any more"},
		{"ncp-ciphers AES-256-GCM", "warning: ncp-ciphers is the name"},
		{"comp-lzo", "warning: compression gives secrets away"},
		{"allow-compression yes", "VORACLE"},
		{"tls-version-min 1.0", "warning: TLS 1.0 is deprecated"},
		{"auth none", "warning: NOBODY CHECKS"},
		{"data-ciphers none", "warning: EVERYTHING"},
		{"data-ciphers-fallback none", "warning: EVERYTHING"},
		{"data-ciphers-fallback BF-CBC", "BF-CBC is broken"},
		{"route-gateway 192.168.1.1", "error: route-gateway can't be in the profile"},
		{"ns-cert-type server", "warning: ns-cert-type is of certificates"},
		{"remote-cert-tls client", "whom a client dials is a server"},
		{"route 10.0.0.1 255.0.0.0", "this is no route to a network"},
		{"route vpn.example.com", "this is no route to a network"},
		{"route 10.0.0.0 255.0.255.0", "this is no route to a network"},
		{"route 10.0.0.0 255.0.0.0 192.0.2.1", "a next hop of its own"},
		{`pull-filter accept "redirect-gateway"`, "is for the block to say"},
		{"static-challenge x 1", "no second factor"},
		{"setenv LD_PRELOAD /tmp/x.so", "in the environment of programs"},
		{"setenv-safe PATH /tmp", "in the environment of programs"},
		{"auth-user-pass /etc/openvpn/client/other/login", "would be sent to whom this profile dials"},
		{"auth-user-pass ../other/login", "would be sent to whom this profile dials"},
		{"auth-user-pass env:X", "nobody is there to type it"},
		{"http-proxy proxy.example.com 3128 /etc/shadow basic", "a proxy that wants a password"},
		{"http-proxy-option CUSTOM-HEADER Authorization x", "may hold a secret"},
		{"<http-proxy-user-pass>\nme\nx\n</http-proxy-user-pass>", "<http-proxy-user-pass> is no inline file"},
		{"auth-token SESS_ID_AAAA", "the server gives one when it lets the client in"},
		{"local 192.0.2.1", "by which address it leaves"},
		{"crl-verify crls dir", "a directory of revoked"},
		{"askpass a b", "takes a file and nothing behind it"},
		{"peer-fingerprint 00:11", "no fingerprint of SHA-256"},
		{"<connection>\nremote a\nup x\n</connection>", "up can't stand within <connection>"},
		{"<connection>\nremote a\nremot b\n</connection>", "OpenVPN has no directive remot"},
		{"<connection>\nremote a\n<ca>\nx\n</ca>\n</connection>", "<ca> can't stand within <connection>"},
		{"<connection>\nremote a", "<connection> has no end"},
		{"<crl-verify>\nup x", "<crl-verify> has no end"},
		{"<up>\nx\n</up>", "<up> is no inline file"},
		{"<Ca>\nx\n</Ca>", "this is no tag"},
		{"ca a\nca b", "ca is there twice"},
		{"tls-auth a 1\ntls-crypt b", "there can be only one"},
		{"verb 3 \x00", "a zero byte"},
		{"verb \x01", "a character in this line"},
		{"verb 'x", "the quote ' does not end"},
		{"verb \\x", "a backslash stands where OpenVPN has none"},
		{"verb " + strings.Repeat("x", 300), "it has 305 bytes, and OpenVPN reads 254"},
		{strings.Repeat("#\n", maxSize), "it has 524"},
	} {
		text := c.text + "\n"
		if !strings.Contains(c.text, "ca ") {
			text += whole
		}
		if got := tells(Read(text)); !strings.Contains(got, c.want) {
			t.Errorf("%.60q: %q is not told:\n%s", c.text, c.want, got)
		}
	}
}

// What a client can't be without is told.
func TestWhatIsLacking(t *testing.T) {
	for text, want := range map[string]string{
		"": "it says nobody to dial",
		"remote a\n<cert>\nx\n</cert>\n<key>\nx\n</key>": "by which CA",
		"remote a\nca b\ncert c":                         "a certificate and no key",
		"remote a\nca b\nkey c":                          "a key and no certificate",
		"remote a\nca b":                                 "neither a certificate nor auth-user-pass",
		"remote a\nca b\nauth-user-pass":                 "",
		"remote a\npeer-fingerprint " + strings.Repeat("AB:", 31) + "CD\ncert c\nkey d": "",
	} {
		if got := tells(Read(text)); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q is not told:\n%s", text, want, got)
		}
	}
}

// What would send everything through the tunnel is noticed, however it is written.
func TestWhatRedirects(t *testing.T) {
	for _, line := range []string{"redirect-gateway def1", "redirect-private", "route 0.0.0.0 0.0.0.0", "route 0.0.0.0 128.0.0.0\nroute 128.0.0.0 128.0.0.0", "route-ipv6 ::/0", "route-ipv6 2000::/3", "route 64.0.0.0 254.0.0.0 default 5"} {
		if p := Read(whole + line); p.Redirects == 0 || len(p.Routes) > 0 || len(p.Told) > 0 || len(p.Lines) > 1 {
			t.Errorf("%q: redirects %v, routes %v, %s", line, p.Redirects, p.Routes, tells(p))
		}
	}
}

// Nothing that may be a key is repeated, wherever it stands and whatever is wrong.
func TestKeysAreNotRepeated(t *testing.T) {
	const key = "MHcCAQEEIOZkdLJ9h0Q1sdF3lTzXn2b7kq8wYxq4h5mPfGr6Q0m3oAoGCCqGSM49\nabcdefghijklmnopqrstuvwxyzabcdef\n0123456789abcdef0123456789abcdef\nzdkjhgf=="
	for _, text := range []string{
		"<key>\n" + key, "<kye>\n" + key + "\n</key>", key, "-----BEGIN PRIVATE KEY-----\n" + key + "\n-----END PRIVATE KEY-----",
		"-----BEGIN PRIVATE KEY-----\n" + key, "<key\n" + key + "\n</key>", "<connection>\n<key>\n" + key + "\n</key>\n</connection>",
		"<connection>\n" + key + "\n</connection>", "key '" + strings.ReplaceAll(key, "\n", ""), "<auth-user-pass>\nme\n" + key + "\n",
		"<pkcs12>\n" + key + "\n</pkcs12>", "remote " + strings.ReplaceAll(key, "\n", " "),
	} {
		got := tells(Read(text))
		for _, line := range strings.Split(key, "\n") {
			if strings.Contains(got, line) {
				t.Errorf("%.20q tells %q:\n%s", text, line, got)
			}
		}
		if got == "" {
			t.Errorf("%.20q is taken", text)
		}
	}
}

// No directive has two fates, and none that stays may run, load or write something.
func TestTablesAgree(t *testing.T) {
	fates := make(map[string]int)
	for _, list := range []map[string]bool{kept, replaced, windows, server} {
		for name := range list {
			fates[name]++
		}
	}
	for _, list := range []map[string]string{refused, gone} {
		for name := range list {
			fates[name]++
		}
	}
	for _, name := range specials {
		fates[name]++
	}
	for name := range files {
		if !slices.Contains(specials, name) {
			fates[name]++
		}
	}
	for name, n := range fates {
		if n != 1 {
			t.Errorf("%s has %d fates", name, n)
		}
		if called(name) != name {
			t.Errorf("%s is not repeated", name)
		}
	}
	for _, name := range specials {
		if (&judge{}).special(name) == nil {
			t.Errorf("nobody judges %s", name)
		}
	}
}

// FuzzRead has profiles of all kinds read: nothing panics, and what is kept is what was
// judged, as OpenVPN reads it: no line becomes two, and none that is refused.
func FuzzRead(f *testing.F) {
	for _, text := range []string{whole, "<connection>\nremote a\n</connection>\n" + whole, "setenv opt up x\n", "<ca>\n</ca>\x00", "route 10.0.0.0 255.0.0.0\nverify-x509-name 'a\\b' name\n", "-----BEGIN X\n", "\"up\" x\n", "proto 'u\\\ndp'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := Read(text)
		within := false
		for _, line := range p.Lines {
			if strings.ContainsAny(line, "\n\x00\r") || len(line) > 4*openvpn.LineSize {
				t.Fatalf("%q is kept", line)
			}
			if line == "<connection>" || line == "</connection>" {
				within = line == "<connection>"
				continue
			}
			words, err := openvpn.Directive(line)
			if err != nil && len(line) <= openvpn.LineSize || len(words) == 0 && err == nil {
				t.Fatalf("OpenVPN can't read %q: %v", line, err)
			}
			if err != nil {
				continue
			}
			name := words[0]
			if refused[name] != "" || replaced[name] || server[name] || gone[name] != "" || strings.HasPrefix(name, "<") || strings.HasPrefix(name, "-") {
				t.Fatalf("%q is kept", line)
			}
			if !kept[name] && !slices.Contains(specials, name) && name != "rport" {
				t.Fatalf("%q is kept, which nobody knows", line)
			}
		}
		if within {
			t.Fatal("a block is not closed")
		}
	})
}
