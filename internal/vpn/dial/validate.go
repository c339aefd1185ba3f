package dial

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial/profile"
)

// maxName keeps VPND-OVC-NAME-END within the 28 characters of a chain.
const maxName = 28 - len(prefix) - len("-END")

// maxDevice is how many bytes the name of an interface may have.
const maxDevice = 15

var (
	isName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
	isAccount = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
	isWord    = regexp.MustCompile(`^\??[A-Za-z0-9._@-]+$`)
)

// check collects mistakes. Of one place only the first is told, so that those of a
// profile become one.
type check struct {
	found            []resource.Mistake
	errors, warnings []profile.Told // of the profile
}

func (c *check) add(path, hint, format string, args ...any) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *check) warn(path, hint, format string, args ...any) {
	c.add(path, hint, format, args...)
	c.found[len(c.found)-1].Warning = true
}

func (c *check) failed() bool {
	return slices.ContainsFunc(c.found, func(m resource.Mistake) bool { return !m.Warning })
}

// Validate returns everything that is wrong with the block, and with its profile.
func (c *Client) Validate(name string) []resource.Mistake {
	k := &check{}
	k.name(c, name)
	k.words(c)
	if k.sources(c); !k.failed() {
		k.read(c)
		k.login(c)
		if !k.failed() {
			k.material(c)
			k.lines(c, name)
		}
	}
	k.told(c, k.errors, false)
	k.told(c, k.warnings, true)
	k.networks(c)
	k.numbers(c)
	return k.found
}

func (k *check) name(c *Client, name string) {
	if !isName.MatchString(name) || len(name) > maxName {
		k.add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them: files, a unit and chains are named after it", maxName), "%q can't be the name of a client", name)
	}
	dev := resource.Or(c.Dev, "tun-"+name)
	switch {
	case c.Dev == nil && len(dev) > maxDevice:
		k.add("", fmt.Sprintf("add a dev of at most %d letters, or take a shorter name", maxDevice), "%s is too long for the name of its interface", dev)
	case c.Dev != nil && (!isDevice.MatchString(dev) || strings.HasPrefix(dev, "tap") || dev == "tun" || dev == "null" || strings.Trim(dev, ".") == ""):
		k.add("dev", "use a fixed name such as tun-hq, of at most 15 letters, digits, dots and dashes; tap is not supported", "%q can't be the name of a tun interface", dev)
	}
}

// words wants texts to be one word of OpenVPN each.
func (k *check) words(c *Client) {
	for _, one := range []struct {
		path string
		text *string
	}{{"verify_x509_name", c.VerifyName}, {"username", c.Username}} {
		if one.text != nil && (*one.text == "" || strings.ContainsFunc(*one.text, func(r rune) bool { return r < ' ' || r == 0x7f })) {
			k.add(one.path, "write it on one line", "it is empty, or has control characters in it")
		}
	}
	for i, cipher := range c.DataCiphers {
		if !isWord.MatchString(cipher) {
			k.add(fmt.Sprintf("data_ciphers[%d]", i), "write one name an entry, of letters, digits and dashes", "%q is no name of a cipher", cipher)
		}
	}
	if c.DataCiphers != nil && len(c.DataCiphers) == 0 {
		k.add("data_ciphers", "leave it out", "without a cipher there is no connection")
	}
	for _, one := range []struct {
		path string
		text *string
	}{{"data_ciphers_fallback", c.DataCiphersFallback}, {"digest", c.Digest}} {
		if one.text != nil && !isWord.MatchString(*one.text) {
			k.add(one.path, "write it as in AES-256-GCM or SHA256", "%q is no such name", *one.text)
		}
	}
	if !slices.Contains([]string{"none", "lzo"}, resource.Or(c.Compression, "none")) {
		k.add("compression", "write none or lzo", "%q is none of its words", *c.Compression)
	}
	if !slices.Contains([]string{"1.0", "1.1", "1.2", "1.3"}, resource.Or(c.TLSMinVersion, "1.2")) {
		k.add("tls_version_min", "write 1.2 or 1.3", "there is no TLS %s", *c.TLSMinVersion)
	}
	for _, account := range []struct {
		path string
		name *string
	}{{"user", c.User}, {"group", c.Group}} {
		if account.name != nil && !isAccount.MatchString(*account.name) {
			k.add(account.path, "write it as in nobody", "%q is no account", *account.name)
		}
	}
}

// sources wants the server to be described once: by a profile, or by attributes.
func (k *check) sources(c *Client) {
	var given []string
	for _, one := range []struct {
		path  string
		there bool
	}{
		{"remote", c.Remote != nil},
		{"remotes", c.Remotes != nil},
		{"ca", c.CA != nil},
		{"cert", c.Cert != nil},
		{"key", c.Key != nil},
		{"tls_crypt_v2", c.TLSCryptV2 != nil},
		{"tls_crypt", c.TLSCrypt != nil},
		{"tls_auth", c.TLSAuth != nil},
		{"verify_x509_name", c.VerifyName != nil},
		{"data_ciphers", c.DataCiphers != nil},
		{"data_ciphers_fallback", c.DataCiphersFallback != nil},
	} {
		if one.there {
			given = append(given, one.path)
		}
	}
	switch {
	case c.Profile != nil:
		for _, path := range given {
			k.add(path, "take it out, or profile", "the profile says that already")
		}
	case len(given) == 0:
		k.add("", `write profile = "/etc/vpnd/NAME.ovpn", or remote, ca, cert and key`, "it says nobody to dial")
	default:
		k.whole(c)
	}
	for i, remote := range c.remotes() {
		path := fmt.Sprintf("remotes[%d]", i)
		if c.Remote != nil {
			path = fmt.Sprintf("remotes[%d]", i-1)
			if i == 0 {
				path = "remote"
			}
		}
		if _, err := parseRemote(remote); err != nil {
			k.add(path, "write a name or an address, with a protocol and a port where they are not udp and 1194, as in tcp/vpn.example.com:443 or udp/[2001:db8::1]:1194", "%v", err)
		}
	}
}

// whole wants the attributes to say all that a client needs.
func (k *check) whole(c *Client) {
	if len(c.remotes()) == 0 {
		k.add("", `add remote = "vpn.example.com"`, "it says nobody to dial")
	}
	prints := slices.ContainsFunc(c.Options, func(line string) bool { return strings.HasPrefix(line, "peer-fingerprint ") })
	if c.CA == nil && !prints {
		k.add("", `add ca = "/etc/vpnd/NAME/ca.crt"`, "it does not say by which CA the server is known")
	}
	switch {
	case c.Cert != nil && c.Key == nil:
		k.add("cert", `add key = "/etc/vpnd/NAME/client.key", of mode 0600, or key = credential("NAME-key")`, "there is no key to the certificate")
	case c.Key != nil && c.Cert == nil:
		k.add("key", `add cert = "/etc/vpnd/NAME/client.crt"`, "there is no certificate to the key")
	case c.Cert == nil && !c.logsIn():
		k.add("", `add cert and key, or username and password = credential("NAME-password")`, "no server knows who dials in")
	}
	if shields := []*resource.Document{c.TLSCryptV2, c.TLSCrypt, c.TLSAuth}; len(slices.DeleteFunc(shields, func(d *resource.Document) bool { return d == nil })) > 1 {
		k.add("tls_crypt", "keep the one that the server has", "of tls_crypt_v2, tls_crypt and tls_auth there can be only one")
	}
}

// most is how many lines of a profile are told of at once.
const most = 20

// read tells what is wrong with the profile, or with the attributes that say the same.
func (k *check) read(c *Client) {
	r := c.read()
	for _, t := range r.Told {
		k.line(r, t)
	}
	if r.Redirects > 0 && !resource.Or(c.RedirectGateway, false) {
		k.line(r, profile.Told{Line: r.Redirects, Warning: true, Summary: "it sends everything through the tunnel, which would cut off who reaches this host by another network, so that is left out", Hint: "where it is meant, write redirect_gateway = true; or name what the tunnel is for in routes"})
	}
}

// line tells of one, of the profile or at the attribute that it stands for.
func (k *check) line(r *reading, t profile.Told) {
	path, attribute := r.at[t.Line]
	switch {
	case (attribute || !r.profile) && t.Warning:
		k.warn(path, t.Hint, "%s", t.Summary)
	case attribute || !r.profile:
		k.add(path, t.Hint, "%s", t.Summary)
	case t.Warning:
		k.warnings = append(k.warnings, t)
	default:
		k.errors = append(k.errors, t)
	}
}

// told is one mistake of some lines.
func (k *check) told(c *Client, all []profile.Told, warning bool) {
	if len(all) == 0 {
		return
	}
	at := func(t profile.Told) string {
		if t.Line == 0 {
			return c.Profile.String()
		}
		return fmt.Sprintf("%s:%d", c.Profile, t.Line)
	}
	m := resource.Mistake{Path: "profile", Warning: warning, Summary: fmt.Sprintf("%s: %s", at(all[0]), all[0].Summary), Hint: all[0].Hint}
	for i, t := range all[1:] {
		if i+1 >= most {
			m.Hint += fmt.Sprintf("\nand %d more", len(all)-most)
			break
		}
		m.Hint += fmt.Sprintf("\n%s: %s; %s", at(t), t.Summary, t.Hint)
	}
	k.found = append(k.found, m)
}

// login wants what only a person would know to be at hand.
func (k *check) login(c *Client) {
	r := c.read()
	switch {
	case c.AuthUserPass != nil && (c.Username != nil || c.Password != nil):
		k.add("auth_user_pass", "keep one of both", "a file with name and password, and a name or a password beside it")
	case c.Username != nil && c.Password == nil:
		k.add("username", `add password = credential("NAME-password")`, "there is no password for %q", *c.Username)
	case c.Password != nil && c.Username == nil:
		k.add("password", "add username", "there is no name that the password is for")
	case r.Login > 0 && !c.logsIn():
		k.line(r, profile.Told{Line: r.Login, Summary: "the server wants a name and a password, and nobody is there to type them", Hint: `add username and password = credential("NAME-password") to the block, or auth_user_pass = "/etc/vpnd/NAME.auth", a file of mode 0600 with both on a line each`})
	case c.logsIn() && r.has("auth-user-pass"):
		k.add("username", "keep one of both", "the profile has a name and a password already")
	case c.logsIn() && c.Profile != nil && r.Login == 0:
		k.warn("username", "leave it out, unless the server asks all the same", "the profile does not say that the server wants a name and a password")
	}
	if c.Password != nil && strings.ContainsAny(c.Password.Reveal(), "\r\n\x00") {
		k.add("password", "take the end of the line off, by trimspace(…)", "it has more than one line")
	}
	if f := c.AuthUserPass; f != nil && !isLogin(f.Reveal()) {
		k.add("auth_user_pass", "write the name on the first line and the password on the second", "it has no name and password, a line each")
	}
	if c.Passphrase != nil && (c.Passphrase.Reveal() == "" || strings.ContainsAny(c.Passphrase.Reveal(), "\r\n\x00")) {
		k.add("passphrase", "take the end of the line off, by trimspace(…)", "it is empty, or has more than one line")
	}
	if r.AskPass > 0 && c.Passphrase == nil {
		k.line(r, profile.Told{Line: r.AskPass, Summary: "the key wants a passphrase, and nobody is there to type it", Hint: `add passphrase = credential("NAME-passphrase") to the block`})
	}
}

// isLogin says whether a text has a name and a password.
func isLogin(text string) bool {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	return len(lines) == 2 && strings.TrimSpace(lines[0]) != "" && strings.TrimSpace(lines[1]) != "" && !strings.ContainsRune(text, 0)
}

func (k *check) networks(c *Client) {
	for _, list := range []struct {
		path string
		all  []netip.Prefix
	}{{"routes", c.Routes}, {"accept_routes", c.AcceptRoutes}, {"networks", c.Networks}} {
		for i, p := range list.all {
			path := fmt.Sprintf("%s[%d]", list.path, i)
			switch {
			case p != p.Masked():
				k.add(path, fmt.Sprintf("write %s", p.Masked()), "%s has bits set behind its prefix", p)
			case profile.Wide(p):
				k.add(path, "where everything is to go through the tunnel, write redirect_gateway = true", "%s is so large that whoever reaches this host would be cut off", p)
			}
			if among, whose := resource.Special(p); among.IsValid() && list.path != "networks" {
				k.add(path, "name a network of the other side", "%s is among %s, the addresses of %s", p, among, whose)
			}
			if list.path == "routes" && slices.ContainsFunc(c.Networks, p.Overlaps) {
				k.add(path, "name what is there, and what is here, apart", "%s is behind this host too, as networks says", p)
			}
		}
	}
	if resource.Or(c.RedirectGateway, false) {
		k.warn("redirect_gateway", "keep another way in, or apply with --confirm 2m, which undoes it unless you confirm", "everything goes through the tunnel: who reaches this host by another network gets no answer")
	}
}

func (k *check) numbers(c *Client) {
	between := func(path string, got *int, low, high int) {
		if got != nil && (*got < low || *got > high) {
			k.add(path, fmt.Sprintf("use a number from %d to %d", low, high), "%d is out of range", *got)
		}
	}
	between("verb", c.Verb, 0, 11)
	between("mtu", c.MTU, 576, 65535)
	if c.MSSFix != nil && *c.MSSFix != 0 {
		between("mssfix", c.MSSFix, 576, 65535)
	}
	if resource.Or(c.User, "nobody") == "root" {
		k.warn("user", `use user = "nobody"`, "a client that stays root is one mistake of OpenVPN away from the whole host")
	}
	if l := c.Keepalive; l != nil {
		ping, restart := resource.Or(l.Ping, 10*second), resource.Or(l.Restart, 60*second)
		if ping < second {
			k.add("keepalive.ping", `use ping = "10s"`, "a ping needs at least a second")
		}
		if restart < 2*ping {
			k.add("keepalive.restart", fmt.Sprintf("use at least %s", 2*ping), "%s is less than twice the ping of %s", restart, ping)
		}
	}
}

// lines wants OpenVPN to be able to read every line to its end.
func (k *check) lines(c *Client, name string) {
	for _, line := range c.settle(name).lines() {
		if len(line) > openvpn.LineSize {
			word, _, _ := strings.Cut(line, " ")
			k.add("", "shorten it", "the line %s would have %d bytes, and OpenVPN reads %d", word, len(line), openvpn.LineSize)
		}
	}
}
