package aws

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/credentials"
	"vpnd/internal/vpn/ipsec/walls"
)

var (
	isName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)
)

// maxName keeps NAME-1 within the 15 bytes of an interface, and VPND-IPSEC-NAME-O within
// those of a chain.
const maxName = min(15-len("-1"), walls.MaxName)

type check struct{ found []resource.Mistake }

func (c *check) add(path, hint, format string, args ...any) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *check) warn(path, hint, format string, args ...any) {
	c.add(path, hint, format, args...)
	c.found[len(c.found)-1].Warning = true
}

// Validate returns everything that is wrong with the block and with what it names.
func (v *VPN) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > maxName {
		c.add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them", maxName),
			"%q can't be part of the name of a chain and of an interface", name)
	}
	if uplink := resource.Or(v.Uplink, "eth0"); !isDevice.MatchString(uplink) {
		c.add("uplink", "write it as ip(8) lists it, for example eth0", "%q is no name of an interface", uplink)
	}
	if v.mode() != policy && v.mode() != route {
		c.add("mode", `write "policy" or "route"`, "there is no mode %q", v.mode())
	}
	v.checkNumbers(c)
	written := len(c.found)
	c.networks("local_networks", v.LocalNetworks)
	c.networks("remote_networks", v.RemoteNetworks)
	sound := len(c.found) == written
	if v.Configuration == nil {
		return c.found // which was told
	}
	d, err := v.read()
	var wrong *document.Error
	if errors.As(err, &wrong) {
		path := "configuration"
		if strings.Contains(wrong.Way, "connection = ") || v.Connection != nil && strings.Contains(wrong.What, *v.Connection) {
			path = "connection"
		}
		c.add(path, wrong.Way, "%s", strings.TrimSuffix(wrong.Error(), "; "+wrong.Way))
		return c.found
	}
	v.checkRouting(c, d)
	if sound {
		v.checkNetworks(c, d)
	}
	v.checkTunnels(c, d)
	both := v.tunnels(name, d)
	if v.checkCertificate(c, both) {
		v.checkKeys(c, both)
	}
	v.checkStrength(c, d, both)
	return c.found
}

func (v *VPN) checkNumbers(c *check) {
	if s := v.Settle; s != nil && *s < resource.Duration(time.Second) {
		c.add("settle", "write at least 1s; a minute is good", "traffic that goes back at once goes back and forth")
	}
	if n := v.IfID; n != nil && (*n < 1 || *n > 1<<31-2) {
		c.add("if_id", "write a number from 1 on, or leave it out", "%d is no number of an interface", *n)
	}
	if n := v.Metric; n != nil && (*n < 1 || *n > 1<<31-2) {
		c.add("metric", "the lower wins; write 100, for example", "a metric of %d is out of range", *n)
	}
	if n := v.PathMTU; n != nil && (*n < 1280 || *n > 9000) {
		c.add("path_mtu", "write what the way takes, 1500 or 1492 for example", "%d bytes is no largest packet of a way through the internet", *n)
	}
	if v.mode() == policy {
		for _, given := range []struct {
			path  string
			there bool
		}{{"if_id", v.IfID != nil}, {"metric", v.Metric != nil && *v.Metric != 100}} {
			if given.there {
				c.add(given.path, `write mode = "route", or leave it out`, "with policies there are no interfaces and no routes")
			}
		}
	}
}

func (c *check) networks(path string, all []netip.Prefix) {
	if all != nil && len(all) == 0 {
		c.add(path, `name them, as in ["172.31.0.0/16"]`, "an empty list lets nothing through")
	}
	for i, n := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		among, whose := resource.Special(n)
		switch {
		case n != n.Masked():
			c.add(at, "write "+n.Masked().String(), "%s has bits set behind its prefix", n)
		case n.Bits() == 0:
			c.add(at, "name the networks that are there", "%s is everything, the way to Amazon and to you included", n)
		case among.IsValid():
			c.add(at, "name the networks that are there", "%s is among %s, the addresses of %s", n, among, whose)
		}
		for _, other := range all[:i] {
			if n.Overlaps(other) {
				c.add(at, "keep the larger of them", "%s and %s overlap", other, n)
			}
		}
	}
}

// checkRouting wants what the block says of routing to fit what the connection has.
func (v *VPN) checkRouting(c *check, d *document.Connection) {
	switch {
	case !d.Static && v.mode() == policy:
		c.add("mode", `write mode = "route"; or make the connection anew with static routing`, "the connection is routed by BGP, which is spoken through interfaces")
	case d.Static && v.BGP != nil:
		c.add("bgp", "leave it out; or make the connection anew with dynamic routing", "the connection is routed by static routes")
	case !d.Static && (v.Metric != nil && *v.Metric != 100):
		c.add("metric", "leave it out", "the connection is routed by BGP, which decides between the tunnels")
	case !d.Static && v.Probe != nil:
		c.add("probe", "leave it out; a check block with ping tells whether it answers", "the connection is routed by BGP, which proves the tunnels and keeps them up")
	}
	if b := v.BGP; b != nil {
		c.networks("bgp.announce", b.Announce)
		if h := b.HoldTime; h != nil && (*h < resource.Duration(3*time.Second) || *h > resource.Duration(65535*time.Second)) {
			c.add("bgp.hold_time", "write 30s, for example", "%s is no hold time (RFC 4271)", h)
		}
	}
	if d.Accelerated && v.mode() == policy && version(&d.Tunnels[0]) == 1 {
		c.warn("configuration", "have Amazon take version 2 of IKE", "an accelerated connection over version 1 of IKE is not documented")
	}
}

// checkNetworks wants networks that go through, and not the tunnel itself.
func (v *VPN) checkNetworks(c *check, d *document.Connection) {
	remotes := v.remotes(d)
	if remotes == nil {
		c.add("remote_networks", `write the VPC's, as in remote_networks = ["172.31.0.0/16"]; aws ec2 describe-vpcs lists them`, "the document does not say which networks are on Amazon's side")
		return
	}
	for i, r := range remotes {
		at := fmt.Sprintf("remote_networks[%d]", i)
		for _, l := range v.LocalNetworks {
			if l.Overlaps(r) {
				c.add(at, "name other networks; where both sides have the same addresses, one has to translate its own", "%s overlaps with %s of this side", r, l)
			}
		}
		for _, t := range d.Tunnels {
			if r.Contains(t.Outside) {
				c.add(at, "leave it out", "%s holds Amazon's outside address %s, so that packets of the tunnel would be sent into it", r, t.Outside)
			}
		}
		if !v.has(r.Addr().Is6()) {
			c.add(at, "name networks of that family on this side too", "nothing can go to %s: no local network is of its family", r)
		}
		if d.Remote.IsValid() && r.Addr().Is4() && !within(r, d.Remote) {
			c.add(at, "name networks within it; or change RemoteIpv4NetworkCidr at Amazon's", "%s is not within %s, and Amazon takes nothing else on its side", r, d.Remote)
		}
	}
	for i, l := range v.LocalNetworks {
		if d.Local.IsValid() && l.Addr().Is4() && !within(l, d.Local) {
			c.add(fmt.Sprintf("local_networks[%d]", i), "name networks within it; or change LocalIpv4NetworkCidr at Amazon's", "%s is not within %s, and Amazon takes nothing else on this side", l, d.Local)
		}
	}
	if v.mode() == policy && version(&d.Tunnels[0]) == 1 && len(v.LocalNetworks)*len(remotes) > 1 {
		c.add("mode", `write mode = "route", or have Amazon take version 2 of IKE`, "version 1 of IKE takes one network a side, and Amazon one pair of SAs a tunnel")
	}
	if v.has(true) && d.Tunnels[0].Inside6.IsValid() {
		c.found = append(c.found, walls.Advertised())
	}
	if v.has(true) && !d.Tunnels[0].Inside6.IsValid() {
		c.add("local_networks", "leave the networks of IPv6 out; or make the connection anew with inside addresses of IPv6", "the tunnels have no inside addresses of IPv6, so that Amazon takes IPv4 alone")
	}
}

func within(n, outer netip.Prefix) bool { return n.Bits() >= outer.Bits() && outer.Contains(n.Addr()) }

// checkTunnels wants what is said of a tunnel to be about one of the two.
func (v *VPN) checkTunnels(c *check, d *document.Connection) {
	outside := []netip.Addr{d.Tunnels[0].Outside, d.Tunnels[1].Outside}
	there := fmt.Sprintf("write %s or %s", outside[0], outside[1])
	if v.Prefer != nil && !slices.Contains(outside, *v.Prefer) {
		c.add("prefer", there, "%s is the outside address of neither tunnel", *v.Prefer)
	}
	if v.LocalAddress != nil && v.LocalAddress.Is6() != outside[0].Is6() {
		c.add("local_address", "write an address of the family of "+outside[0].String(), "%s is of another family than Amazon's outside addresses", *v.LocalAddress)
	}
	if p := v.Probe; p != nil && v.remotes(d) != nil && !slices.ContainsFunc(v.remotes(d), func(n netip.Prefix) bool { return n.Contains(*p) }) {
		c.add("probe", "write the address of a host there", "%s is in none of the networks of Amazon's side, so that no tunnel leads to it", *p)
	}
	for _, t := range v.Tunnels {
		path := "tunnel." + t.Outside
		if a, err := netip.ParseAddr(t.Outside); err != nil || !slices.Contains(outside, a) {
			c.add(path, there, "%q is the outside address of neither tunnel", t.Outside)
		}
		c.proposals(path+".ike", proposal.IKE, t.IKE)
		c.proposals(path+".esp", proposal.ESP, t.ESP)
		if t.PSK != nil && !document.IsKey(t.PSK.Reveal()) {
			c.add(path+".psk", "give it as Amazon has it, without the end of the line: trimspace(…)", "it is not 8 to 64 letters, digits, dots and underscores, which Amazon's keys are")
		}
	}
}

func (c *check) proposals(path string, use proposal.Use, texts []string) {
	if texts != nil && len(texts) == 0 {
		c.add(path, "leave it out for what the document says", "without a proposal there is nothing to agree on")
	}
	for i, text := range texts {
		if _, err := proposal.Parse(use, text); err != nil {
			summary, hint, _ := strings.Cut(err.Error(), "; ")
			c.add(fmt.Sprintf("%s[%d]", path, i), hint, "%q is no proposal of %s: %s", text, use, summary)
		}
	}
}

// checkCertificate checks how the sides prove who they are by certificates, and says
// whether they do so by pre-shared keys instead.
func (v *VPN) checkCertificate(c *check, both [2]tunnel) bool {
	if v.Certificate == nil {
		for _, given := range []attribute{{"id", v.ID}, {"ca", v.CA}, {"crl", v.CRL}, {"tunnel." + both[0].Outside.String() + ".id", both[0].id}, {"tunnel." + both[1].Outside.String() + ".id", both[1].id}} {
			if given.word != nil {
				c.add(given.path, "leave it out, or give a certificate", "with pre-shared keys the sides are known by their addresses")
			}
		}
		return true
	}
	for _, file := range []attribute{{"certificate", &v.Certificate.Certificate}, {"certificate", &v.Certificate.Key}, {"ca", v.CA}, {"crl", v.CRL}} {
		if file.word != nil && !credentials.IsPath(*file.word) {
			c.add(file.path, "write it in full, as in /etc/ssl/cgw.pem", "%q is no absolute path that can stand in a configuration of strongSwan", *file.word)
		}
	}
	if v.credentials("").Authority() == "" {
		c.add("ca", "give the path of the CA's certificate", "nothing says whose certificates Amazon's side has to have")
	}
	if r := resource.Or(v.Revocation, "relaxed"); !slices.Contains([]string{"relaxed", "ifuri", "strict"}, r) {
		c.add("revocation", "use one of relaxed, ifuri, strict", "%q is none of its words", r)
	}
	for _, who := range []attribute{{"id", v.ID}, {"tunnel." + both[0].Outside.String() + ".id", both[0].id}, {"tunnel." + both[1].Outside.String() + ".id", both[1].id}} {
		if who.word != nil && !isIdentity(*who.word) {
			c.add(who.path, "write an address, a name, or a distinguished name, as in \"C=US, O=Acme, CN=cgw\"", "%q is no identity that can stand in a configuration of strongSwan", *who.word)
		}
	}
	if nobody := unnamed(both); len(nobody) > 0 {
		c.warn("certificate", fmt.Sprintf("write who that is, as in tunnel \"%s\" { id = \"…\" }", nobody[0].Outside), "everybody with a certificate of the CA may say that it is Amazon's side of %s", called(nobody))
	}
	return false
}

// unnamed are the tunnels of which nobody says who Amazon's side is.
func unnamed(both [2]tunnel) []tunnel {
	return slices.DeleteFunc(both[:], func(t tunnel) bool { return t.id != nil })
}

// isIdentity says whether a text means one identity to strongSwan.
func isIdentity(text string) bool {
	return strings.TrimSpace(text) != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\"\\{}#", r) })
}

// An attribute is a word of the block, nil where it is left out.
type attribute struct {
	path string
	word *string
}

// shortKey is the least length of a key that is not told to be short.
const shortKey = 20

// checkKeys wants each tunnel to have a key: an empty one is none.
func (v *VPN) checkKeys(c *check, both [2]tunnel) {
	var short, certified, elsewhere, none []tunnel
	for _, t := range both {
		switch {
		case t.PSK != nil && len(t.PSK.Reveal()) < shortKey:
			short = append(short, t)
		case t.PSK != nil:
		case t.Certificate:
			certified = append(certified, t)
		case t.KeyARN != "":
			elsewhere = append(elsewhere, t)
		default:
			none = append(none, t)
		}
	}
	const path = "configuration"
	if len(short) > 0 {
		c.warn(path, "have Amazon make one: aws ec2 modify-vpn-tunnel-options without a key of one's own makes 32 characters", "the pre-shared key of %s has less than %d characters, and can be guessed by whoever records one attempt to connect", called(short), shortKey)
	}
	if len(certified) > 0 {
		c.add("certificate", `write certificate = { certificate = "…", key = "…" } and ca = "…"`, "the document says that the sides of %s prove who they are by certificates", called(certified))
	}
	if len(elsewhere) > 0 {
		c.add(path, "read it by aws secretsmanager get-secret-value, and "+give(elsewhere), "the pre-shared key of %s is not in the document: Amazon keeps it in Secrets Manager (PreSharedKeyArn)", called(elsewhere))
	}
	if len(none) > 0 {
		c.add(path, give(none)+"; or certificate = { … } where the customer gateway has one", "the document has no pre-shared key of %s", called(none))
	}
}

// called names one tunnel or both.
func called(tunnels []tunnel) string {
	if len(tunnels) == 1 {
		return "the tunnel to " + tunnels[0].Outside.String()
	}
	return fmt.Sprintf("the tunnels to %s and %s", tunnels[0].Outside, tunnels[1].Outside)
}

// give is how keys are given apart from the document.
func give(tunnels []tunnel) string {
	var blocks []string
	for _, t := range tunnels {
		blocks = append(blocks, fmt.Sprintf("tunnel \"%s\" { psk = credential(\"NAME\") }", t.Outside))
	}
	return "write " + strings.Join(blocks, " and ")
}

// checkStrength names loudly what is weak, and where to change it.
func (v *VPN) checkStrength(c *check, d *document.Connection, both [2]tunnel) {
	var documented []tunnel
	var words []string
	for _, t := range both {
		weak := t.weak()
		switch {
		case len(weak) == 0:
		case t.chosen:
			c.warn("tunnel."+t.Outside.String(), "leave ike and esp out for the strongest that the tunnel takes; "+remedy(d, &t.Tunnel), "the tunnel to %s is weak: %s", t.Outside, strings.Join(weak, "; "))
		default:
			documented = append(documented, t)
			for _, w := range weak {
				if !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
		}
	}
	if len(documented) > 0 {
		is := map[bool]string{false: "is", true: "are"}[len(documented) > 1]
		c.warn("configuration", remedy(d, &documented[0].Tunnel), "%s %s weak: %s", called(documented), is, strings.Join(words, "; "))
	}
}

// weak says what is weak in what a tunnel is offered.
func (t *tunnel) weak() []string {
	var all []string
	for _, list := range []struct {
		use   proposal.Use
		texts []string
	}{{proposal.IKE, t.ike}, {proposal.ESP, t.esp}} {
		for _, text := range list.texts {
			p, _ := proposal.Parse(list.use, text) // what can't be read was told, and is not weak
			for _, w := range p.Weak() {
				why, _, _ := strings.Cut(w.Why, "; ")
				if why = w.Word + " " + why; !slices.Contains(all, why) {
					all = append(all, why)
				}
			}
		}
	}
	if version(&t.Tunnel) == 1 {
		all = append(all, "version 1 of IKE was given up by its makers in 2023 (RFC 9395)")
	}
	return all
}
