package dial

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial/profile"
)

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
			k.Add(path, "take it out, or profile", "the profile says that already")
		}
	case len(given) == 0:
		k.Add("", `write profile = "/etc/vpnd/NAME.ovpn", or remote, ca, cert and key`, "it says nobody to dial")
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
			k.Add(path, "write a name or an address, with a protocol and a port where they are not udp and 1194, as in tcp/vpn.example.com:443 or udp/[2001:db8::1]:1194", "%v", err)
		}
	}
}

// whole wants the attributes to say all that a client needs.
func (k *check) whole(c *Client) {
	if len(c.remotes()) == 0 {
		k.Add("", `add remote = "vpn.example.com"`, "it says nobody to dial")
	}
	prints := slices.ContainsFunc(c.Options, func(line string) bool { return strings.HasPrefix(line, "peer-fingerprint ") })
	if c.CA == nil && !prints {
		k.Add("", `add ca = "/etc/vpnd/NAME/ca.crt"`, "it does not say by which CA the server is known")
	}
	switch {
	case c.Cert != nil && c.Key == nil:
		k.Add("cert", `add key = "/etc/vpnd/NAME/client.key", of mode 0600, or key = credential("NAME-key")`, "there is no key to the certificate")
	case c.Key != nil && c.Cert == nil:
		k.Add("key", `add cert = "/etc/vpnd/NAME/client.crt"`, "there is no certificate to the key")
	case c.Cert == nil && !c.logsIn():
		k.Add("", `add cert and key, or username and password = credential("NAME-password")`, "no server knows who dials in")
	}
	if shields := []*resource.Document{c.TLSCryptV2, c.TLSCrypt, c.TLSAuth}; len(slices.DeleteFunc(shields, func(d *resource.Document) bool { return d == nil })) > 1 {
		k.Add("tls_crypt", "keep the one that the server has", "of tls_crypt_v2, tls_crypt and tls_auth there can be only one")
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
	for _, p := range r.Routes {
		if server := c.dialledIn(p); server != "" {
			k.line(r, profile.Told{Summary: fmt.Sprintf(around, p, server), Hint: apart})
		}
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
		k.Warn(path, t.Hint, "%s", t.Summary)
	case attribute || !r.profile:
		k.Add(path, t.Hint, "%s", t.Summary)
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
	k.Found = append(k.Found, m)
}

// login wants what only a person would know to be at hand.
func (k *check) login(c *Client) {
	r := c.read()
	switch {
	case c.AuthUserPass != nil && (c.Username != nil || c.Password != nil):
		k.Add("auth_user_pass", "keep one of both", "a file with name and password, and a name or a password beside it")
	case c.Username != nil && c.Password == nil:
		k.Add("username", `add password = credential("NAME-password")`, "there is no password for %q", *c.Username)
	case c.Password != nil && c.Username == nil:
		k.Add("password", "add username", "there is no name that the password is for")
	case r.Login > 0 && !c.logsIn():
		k.line(r, profile.Told{Line: r.Login, Summary: "the server wants a name and a password, and nobody is there to type them", Hint: `add username and password = credential("NAME-password") to the block, or auth_user_pass = "/etc/vpnd/NAME.auth", a file of mode 0600 with both on a line each`})
	case c.logsIn() && r.has("auth-user-pass"):
		k.Add("username", "keep one of both", "the profile has a name and a password already")
	case c.logsIn() && c.Profile != nil && r.Login == 0:
		k.Warn("username", "leave it out, unless the server asks all the same", "the profile does not say that the server wants a name and a password")
	}
	if c.Password != nil && strings.ContainsAny(c.Password.Reveal(), "\r\n\x00") {
		k.Add("password", "take the end of the line off, by trimspace(…)", "it has more than one line")
	}
	if f := c.AuthUserPass; f != nil && !isLogin(f.Reveal()) {
		k.Add("auth_user_pass", "write the name on the first line and the password on the second", "it has no name and password, a line each")
	}
	if c.Passphrase != nil && (c.Passphrase.Reveal() == "" || strings.ContainsAny(c.Passphrase.Reveal(), "\r\n\x00")) {
		k.Add("passphrase", "take the end of the line off, by trimspace(…)", "it is empty, or has more than one line")
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
