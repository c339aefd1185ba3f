package ipsec

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/resource"
)

func (m *mistakes) secret(c *Connection) {
	byPSK := c.Local != nil && resource.Or(c.Local.Auth, "psk") == "psk" || c.Remote != nil && resource.Or(c.Remote.Auth, "psk") == "psk"
	there := c.PSK != nil || c.PSKFile != nil && *c.PSKFile != ""
	switch {
	case byPSK && !there:
		m.add("", "there is no pre-shared key", "Give psk or psk_file, or set auth = \"pubkey\" on both sides.")
	case !byPSK && there:
		m.add("psk", "no side authenticates by a pre-shared key", "Leave psk and psk_file out, or set auth = \"psk\".")
	case c.PSK != nil && c.PSK.Reveal() == "" && byPSK && resource.Or(c.PSKFile, "") == "":
		m.add("psk", "the pre-shared key is empty", "Make one with openssl rand -base64 33.")
	}
	if c.PSK != nil && strings.ContainsAny(c.PSK.Reveal(), "\n\r\x00") {
		m.add("psk", "the pre-shared key has more than one line", "Cut the newline off, as with trimspace().")
	}
	if c.PSK != nil && c.PSK.Reveal() != "" && len(c.PSK.Reveal()) < shortest {
		m.warn("psk", fmt.Sprintf("the pre-shared key has fewer than %d characters", shortest), "Make one with openssl rand -base64 33.")
	}
	if byPSK && there && owners(fill(c)) == nil {
		m.add("remote.id", "a pre-shared key that is nobody's is everybody's", "Write who the other side is, or at least who this one is: an address, or a name as in gw.example.com.")
	}
	if file := resource.Or(c.PSKFile, ""); file != "" {
		m.path("psk_file", file, "")
	}
}

// path wants an absolute path, and below a directory where swanctl looks by itself
// and may read.
func (m *mistakes) path(at, file, below string) {
	switch {
	case !path.IsAbs(file) || path.Clean(file) != file || strings.ContainsFunc(file, func(r rune) bool { return r <= ' ' || r == ',' || r == '"' || r == '\\' || r == 0x7f }):
		m.add(at, fmt.Sprintf("%q is no absolute path without blanks, commas and quotes", file), "Write it whole, from / on.")
	case below != "" && path.Dir(file) != below:
		m.add(at, file+" is not in "+below, "Put it there: swanctl reads that directory when strongSwan starts, and AppArmor lets it read no other.")
	}
}

// Where swanctl looks for files; swanctl(8).
const (
	own      = "/etc/swanctl"
	certs    = own + "/x509"
	private  = own + "/private"
	ca       = own + "/x509ca"
	revoked  = own + "/x509crl"
	notPSK   = "It is for auth = \"pubkey\"."
	elsewise = "Leave it out there."
)

func (m *mistakes) end(at string, e *End) {
	m.settings(at+".", e)
	byPSK := resource.Or(e.Auth, "psk") == "psk"
	for name, files := range map[string]struct {
		all   []string
		below string
	}{
		"certificates": {e.Certificates, certs}, "ca_certificates": {e.CACerts, ca}, "ca_certificates_above": {e.Above, ca}, "crls": {e.CRLs, revoked},
		"key": {words(resource.Or(e.Key, "")), private},
	} {
		for _, file := range files.all {
			m.path(at+"."+name, file, files.below)
		}
		if byPSK && len(files.all) > 0 {
			m.add(at+"."+name, "a side that authenticates by a pre-shared key has none", notPSK)
		}
	}
}

// own judges this side.
func (m *mistakes) own(e *End) {
	if len(e.CACerts) > 0 || len(e.CRLs) > 0 || len(e.Above) > 0 {
		m.add("local.ca_certificates", "CAs and revocation lists are for the other side", elsewise)
	}
	if resource.Or(e.Auth, "psk") == "pubkey" && (len(e.Certificates) == 0 || resource.Or(e.Key, "") == "") {
		m.add("local", "this side has no certificate and key to prove who it is", "Give local.certificates and local.key.")
	}
}

// other judges the other side.
func (m *mistakes) other(e *End) {
	if resource.Or(e.Key, "") != "" {
		m.add("remote.key", "the private key of the other side is not for this one", elsewise)
	}
	if resource.Or(e.Auth, "psk") == "pubkey" && len(e.Certificates) == 0 && len(e.CACerts) == 0 {
		m.add("remote", "any certificate of any CA that this host knows would do", "Give remote.ca_certificates or remote.certificates.")
	}
}

func (m *mistakes) children(c *Connection) {
	seen := make(map[string]bool)
	for i := range c.Children {
		child := &c.Children[i]
		at := fmt.Sprintf("child.%s.", child.Name)
		if !swanctl.IsName(child.Name) || len(child.Name) > longest {
			m.add(at, fmt.Sprintf("%q can't name a child SA", child.Name), "Use letters, digits, _ and -.")
		}
		if seen[child.Name] {
			m.add(at, "there are two of that name", "Give each its own.")
		}
		seen[child.Name] = true
		m.settings(at, child)
		m.proposals(at+"esp_proposals", proposal.ESP, child.Proposals)
		m.selectors(at+"local_ts", child.LocalTS)
		m.selectors(at+"remote_ts", child.RemoteTS)
		if resource.Or(child.Mode, "tunnel") == "transport" && slices.ContainsFunc(append(slices.Clone(child.LocalTS), child.RemoteTS...), isNetwork) {
			m.add(at+"mode", "transport mode has no networks behind it", "Leave local_ts and remote_ts out, or use mode = \"tunnel\".")
		}
	}
}

func isNetwork(ts string) bool {
	ts, _, _ = strings.Cut(ts, "[")
	p, err := netip.ParsePrefix(ts)
	return err == nil && !p.IsSingleIP()
}

// selectors judges traffic selectors; swanctl.conf(5), local_ts.
func (m *mistakes) selectors(at string, all []string) {
	for i, ts := range all {
		network, rest, bracket := strings.Cut(ts, "[")
		_, noPrefix := netip.ParsePrefix(network)
		addr, noAddr := netip.ParseAddr(network)
		fine := network == "dynamic" || noPrefix == nil || noAddr == nil && addr.Zone() == ""
		if bracket {
			inner, ended := strings.CutSuffix(rest, "]")
			fine = fine && ended && inner != "" && !strings.ContainsAny(inner, "[]{}# ")
		}
		if !fine {
			m.add(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%q is no traffic selector", ts), "Write a network as 10.1.0.0/16, an address, or dynamic, with [tcp/80] behind it where only that goes through.")
			continue
		}
		if p, err := netip.ParsePrefix(network); err == nil && p != p.Masked() {
			m.add(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%s is an address within its network", network), "Write "+p.Masked().String()+" for the network.")
		}
	}
}
