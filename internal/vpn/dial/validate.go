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
	"vpnd/internal/vpn/mistakes"
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
	mistakes.Check
	errors, warnings []profile.Told // of the profile
}

// Validate returns everything that is wrong with the block, and with its profile.
func (c *Client) Validate(name string) []resource.Mistake {
	k := &check{}
	k.name(c, name)
	k.words(c)
	if k.sources(c); !k.Failed() {
		k.read(c)
		k.login(c)
		if !k.Failed() {
			k.material(c)
			k.lines(c, name)
		}
	}
	k.told(c, k.errors, false)
	k.told(c, k.warnings, true)
	k.networks(c)
	k.numbers(c)
	return k.Found
}

func (k *check) name(c *Client, name string) {
	if !isName.MatchString(name) || len(name) > maxName {
		k.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them: files, a unit and chains are named after it", maxName), "%q can't be the name of a client", name)
	}
	dev := resource.Or(c.Dev, "tun-"+name)
	switch {
	case c.Dev == nil && len(dev) > maxDevice:
		k.Add("", fmt.Sprintf("add a dev of at most %d letters, or take a shorter name", maxDevice), "%s is too long for the name of its interface", dev)
	case c.Dev != nil && (!isDevice.MatchString(dev) || strings.HasPrefix(dev, "tap") || dev == "tun" || dev == "null" || strings.Trim(dev, ".") == ""):
		k.Add("dev", "use a fixed name such as tun-hq, of at most 15 letters, digits, dots and dashes; tap is not supported", "%q can't be the name of a tun interface", dev)
	}
}

// words wants texts to be one word of OpenVPN each.
func (k *check) words(c *Client) {
	for _, one := range []struct {
		path string
		text *string
	}{{"verify_x509_name", c.VerifyName}, {"username", c.Username}} {
		if one.text != nil && (*one.text == "" || mistakes.HasControl(*one.text)) {
			k.Add(one.path, "write it on one line", "it is empty, or has control characters in it")
		}
	}
	for i, cipher := range c.DataCiphers {
		if !isWord.MatchString(cipher) {
			k.Add(fmt.Sprintf("data_ciphers[%d]", i), "write one name an entry, of letters, digits and dashes", "%q is no name of a cipher", cipher)
		}
	}
	if c.DataCiphers != nil && len(c.DataCiphers) == 0 {
		k.Add("data_ciphers", "leave it out", "without a cipher there is no connection")
	}
	for _, one := range []struct {
		path string
		text *string
	}{{"data_ciphers_fallback", c.DataCiphersFallback}, {"digest", c.Digest}} {
		if one.text != nil && !isWord.MatchString(*one.text) {
			k.Add(one.path, "write it as in AES-256-GCM or SHA256", "%q is no such name", *one.text)
		}
	}
	if !slices.Contains([]string{"none", "lzo"}, resource.Or(c.Compression, "none")) {
		k.Add("compression", "write none or lzo", "%q is none of its words", *c.Compression)
	}
	if !slices.Contains([]string{"1.0", "1.1", "1.2", "1.3"}, resource.Or(c.TLSMinVersion, "1.2")) {
		k.Add("tls_version_min", "write 1.2 or 1.3", "there is no TLS %s", *c.TLSMinVersion)
	}
	for _, account := range []struct {
		path string
		name *string
	}{{"user", c.User}, {"group", c.Group}} {
		if account.name != nil && !isAccount.MatchString(*account.name) {
			k.Add(account.path, "write it as in nobody", "%q is no account", *account.name)
		}
	}
}

func (k *check) networks(c *Client) {
	for _, list := range []struct {
		path string
		all  []netip.Prefix
	}{{"routes", c.Routes}, {"accept_routes", c.AcceptRoutes}, {"accept_addresses", c.AcceptAddresses}, {"networks", c.Networks}} {
		for i, p := range list.all {
			path := fmt.Sprintf("%s[%d]", list.path, i)
			switch {
			case p != p.Masked():
				k.Add(path, fmt.Sprintf("write %s", p.Masked()), "%s has bits set behind its prefix", p)
			case profile.Wide(p):
				k.Add(path, "where everything is to go through the tunnel, write redirect_gateway = true", "%s is so large that whoever reaches this host would be cut off", p)
			}
			if among, whose := resource.Special(p); among.IsValid() && list.path != "networks" {
				k.Add(path, "name a network of the other side", "%s is among %s, the addresses of %s", p, among, whose)
			}
			if server := c.dialledIn(p); server != "" && list.path == "routes" && !profile.Wide(p) {
				k.Add(path, apart, around, p, server)
			}
			if list.path == "routes" && slices.ContainsFunc(c.Networks, p.Overlaps) {
				k.Add(path, "name what is there, and what is here, apart", "%s is behind this host too, as networks says", p)
			}
		}
	}
	if resource.Or(c.RedirectGateway, false) {
		k.Warn("redirect_gateway", "keep another way in, or apply with --confirm 2m, which undoes it unless you confirm", "everything goes through the tunnel: who reaches this host by another network gets no answer")
	}
}

const (
	around = "%s holds %s, the server itself: what is sent to it would have to go through the tunnel, and is dropped elsewhere"
	apart  = "name smaller networks, without that address, or write guard = false where a more specific route leads to it"
)

// dialledIn returns an address that is dialled in a network that is guarded, nothing
// where there is none.
func (c *Client) dialledIn(p netip.Prefix) string {
	if !resource.Or(c.Guard, true) {
		return ""
	}
	for _, r := range c.read().Remotes {
		if addr, err := netip.ParseAddr(r.Host); err == nil && p.Contains(addr.Unmap()) {
			return r.Host
		}
	}
	return ""
}

func (k *check) numbers(c *Client) {
	k.Between("verb", c.Verb, 0, 11)
	k.Between("mtu", c.MTU, 576, 65535)
	if c.MSSFix != nil && *c.MSSFix != 0 {
		k.Between("mssfix", c.MSSFix, 576, 65535)
	}
	if resource.Or(c.User, "nobody") == "root" {
		k.Warn("user", `use user = "nobody"`, "a client that stays root is one mistake of OpenVPN away from the whole host")
	}
	if l := c.Keepalive; l != nil {
		ping, restart := resource.Or(l.Ping, 10*second), resource.Or(l.Restart, 60*second)
		if ping < second {
			k.Add("keepalive.ping", `use ping = "10s"`, "a ping needs at least a second")
		}
		if restart < 2*ping {
			k.Add("keepalive.restart", fmt.Sprintf("use at least %s", 2*ping), "%s is less than twice the ping of %s", restart, ping)
		}
	}
}

// lines wants OpenVPN to be able to read every line to its end.
func (k *check) lines(c *Client, name string) {
	for _, line := range c.settle(name).lines() {
		if len(line) > openvpn.LineSize && !strings.HasPrefix(line, "#") {
			word, _, _ := strings.Cut(line, " ")
			k.Add("", "shorten it", "the line %s would have %d bytes, and OpenVPN reads %d", word, len(line), openvpn.LineSize)
		}
	}
}
