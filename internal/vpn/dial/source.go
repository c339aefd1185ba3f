package dial

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial/profile"
)

// A reading is what a block or its profile says, judged once for all that is asked of it.
type reading struct {
	*profile.Profile
	profile bool           // there is one
	at      map[int]string // which attribute a line stands for; those of a profile are not there
}

// beyond is added to the numbers of what does not stand in the profile.
const beyond = 1 << 24

// read judges what the block says.
func (c *Client) read() *reading {
	if c.reading != nil {
		return c.reading
	}
	r := &reading{profile: c.Profile != nil, at: make(map[int]string)}
	var all []profile.Directive
	var told []profile.Told
	if c.Profile != nil {
		all, told = profile.Parse(c.Profile.Reveal())
	}
	add := func(path string, d profile.Directive) {
		d.Line = beyond + len(r.at)
		r.at[d.Line] = path
		all = append(all, d)
	}
	if c.Profile == nil {
		c.say(add)
	}
	for i, line := range c.Options {
		path := fmt.Sprintf("options[%d]", i)
		words, err := openvpn.Directive(line)
		wrong := profile.Told{Line: beyond + len(r.at)}
		switch {
		case err != nil || len(words) == 0 || strings.HasPrefix(words[0], "<") || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f }):
			wrong.Summary, wrong.Hint = "this is no directive", "write one directive on one line, as openvpn(8) does; files can't stand inline"
		case profile.Decided(strings.TrimPrefix(words[0], "--")):
			wrong.Summary, wrong.Hint = "vpnd decides that itself", "delete it; there are attributes for dev, user, group and verb"
		default:
			add(path, profile.Directive{Words: words})
			continue
		}
		r.at[wrong.Line] = path
		told = append(told, wrong)
	}
	r.Profile = profile.Judge(all, told)
	c.reading = r
	return r
}

// say turns the attributes into the directives that a profile would have.
func (c *Client) say(add func(path string, d profile.Directive)) {
	say := func(path string, words ...string) { add(path, profile.Directive{Words: words}) }
	for i, remote := range c.remotes() {
		path := "remote"
		if c.Remote == nil {
			path = fmt.Sprintf("remotes[%d]", i)
		} else if i > 0 {
			path = fmt.Sprintf("remotes[%d]", i-1)
		}
		r, err := parseRemote(remote)
		if err != nil {
			say(path, "remote")
			continue
		}
		say(path, "remote", r.Host, fmt.Sprint(r.Port), r.Protocol)
	}
	for _, file := range []struct {
		path, directive string
		document        *resource.Document
	}{
		{"ca", "ca", c.CA},
		{"cert", "cert", c.Cert},
		{"key", "key", c.Key},
		{"tls_crypt_v2", "tls-crypt-v2", c.TLSCryptV2},
		{"tls_crypt", "tls-crypt", c.TLSCrypt},
		{"tls_auth", "tls-auth", c.TLSAuth},
	} {
		if file.document != nil {
			add(file.path, profile.Directive{Words: []string{file.directive}, Content: file.document})
		}
	}
	if c.TLSAuth != nil {
		say("tls_auth", "key-direction", "1")
	}
	if c.VerifyName != nil {
		say("verify_x509_name", "verify-x509-name", *c.VerifyName, "name")
	}
	if c.DataCiphers != nil {
		say("data_ciphers", "data-ciphers", strings.Join(c.DataCiphers, ":"))
	}
	if c.DataCiphersFallback != nil {
		say("data_ciphers_fallback", "data-ciphers-fallback", *c.DataCiphersFallback)
	}
	say("digest", "auth", resource.Or(c.Digest, "SHA256"))
	if resource.Or(c.Compression, "none") == "lzo" {
		say("compression", "comp-lzo")
	}
	say("tls_version_min", "tls-version-min", resource.Or(c.TLSMinVersion, "1.2"))
	if c.logsIn() {
		say("username", "auth-user-pass")
	}
}

// logsIn says whether the block has a name and a password.
func (c *Client) logsIn() bool {
	return c.Username != nil || c.Password != nil || c.AuthUserPass != nil
}

func (c *Client) remotes() []string {
	if c.Remote == nil {
		return c.Remotes
	}
	return append([]string{*c.Remote}, c.Remotes...)
}

// Refers returns the files that the profile names.
func (c *Client) Refers() []resource.Reference {
	var all []resource.Reference
	r := c.read()
	for _, f := range r.Files {
		if f.Document.Path() == "" || f.Document.Reveal() != "" {
			continue
		}
		ref := resource.Reference{Document: f.Document, Public: f.Public, Path: r.at[f.Line]}
		if c.Profile != nil && ref.Path == "" {
			ref.Beside, ref.Path = *c.Profile, "profile"
		}
		all = append(all, ref)
	}
	return all
}
