package aws

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/credentials"
)

// checkCertificate checks how the sides prove who they are by certificates, and says
// whether they do so by pre-shared keys instead.
func (v *VPN) checkCertificate(c *check, both [2]tunnel) bool {
	if v.Certificate == nil {
		for _, given := range []attribute{{"id", v.ID}, {"ca", v.CA}, {"crl", v.CRL}, {"tunnel." + both[0].Outside.String() + ".id", both[0].id}, {"tunnel." + both[1].Outside.String() + ".id", both[1].id}} {
			if given.word != nil {
				c.Add(given.path, "leave it out, or give a certificate", "with pre-shared keys the sides are known by their addresses")
			}
		}
		return true
	}
	for _, file := range []attribute{{"certificate", &v.Certificate.Certificate}, {"certificate", &v.Certificate.Key}, {"ca", v.CA}, {"crl", v.CRL}} {
		if file.word != nil && !credentials.IsPath(*file.word) {
			c.Add(file.path, "write it in full, as in /etc/ssl/cgw.pem", "%q is no absolute path that can stand in a configuration of strongSwan", *file.word)
		}
	}
	if v.credentials("").Authority() == "" {
		c.Add("ca", "give the path of the CA's certificate", "nothing says whose certificates Amazon's side has to have")
	}
	c.OneOf("revocation", resource.Or(v.Revocation, "relaxed"), "relaxed", "ifuri", "strict")
	for _, who := range []attribute{{"id", v.ID}, {"tunnel." + both[0].Outside.String() + ".id", both[0].id}, {"tunnel." + both[1].Outside.String() + ".id", both[1].id}} {
		if who.word != nil && !isIdentity(*who.word) {
			c.Add(who.path, "write an address, a name, or a distinguished name, as in \"C=US, O=Acme, CN=cgw\"", "%q is no identity that can stand in a configuration of strongSwan", *who.word)
		}
	}
	if nobody := unnamed(both); len(nobody) > 0 {
		c.Warn("certificate", fmt.Sprintf("write who that is, as in tunnel \"%s\" { id = \"…\" }", nobody[0].Outside), "everybody with a certificate of the CA may say that it is Amazon's side of %s", called(nobody))
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
		c.Warn(path, "have Amazon make one: aws ec2 modify-vpn-tunnel-options without a key of one's own makes 32 characters", "the pre-shared key of %s has less than %d characters, and can be guessed by whoever records one attempt to connect", called(short), shortKey)
	}
	if len(certified) > 0 {
		c.Add("certificate", `write certificate = { certificate = "…", key = "…" } and ca = "…"`, "the document says that the sides of %s prove who they are by certificates", called(certified))
	}
	if len(elsewhere) > 0 {
		c.Add(path, "read it by aws secretsmanager get-secret-value, and "+give(elsewhere), "the pre-shared key of %s is not in the document: Amazon keeps it in Secrets Manager (PreSharedKeyArn)", called(elsewhere))
	}
	if len(none) > 0 {
		c.Add(path, give(none)+"; or certificate = { … } where the customer gateway has one", "the document has no pre-shared key of %s", called(none))
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
