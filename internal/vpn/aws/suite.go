// Package aws turns an aws_vpn block into everything that both tunnels of an AWS
// Site-to-Site VPN need of this host, from the configuration that Amazon hands out.
//
// # Which algorithms are offered
//
// Amazon takes the lowest of what it is offered and may take. So one proposal is
// offered, and never a weaker one beside it: what nobody offers, nobody falls back to.
//
//   - From the JSON, whose TunnelOptions are what Amazon goes by: the strongest of each
//     list. An empty list stands for all that Amazon has.
//   - From the XML and the text, which show one algorithm of each sort and are not
//     written anew when the lists are changed. Where they show Amazon's minimum (AES128,
//     SHA1, group 2), they say nothing: this is what they show of a tunnel that takes all
//     that Amazon has, as tunnels do unless somebody made the lists shorter. The strongest
//     is offered then, AES-256-GCM with ECP-384. A tunnel that does not take it refuses,
//     in so many words, and the way out is the JSON, or proposals in the block; an offer of
//     SHA1 beside it would have Amazon take SHA1, for good, and nobody notice.
//   - Where the XML or the text show anything else, somebody chose it, and it is what is
//     known to be taken: it is offered as it is.
//
// What is weak is offered only where the document leaves nothing else, with a warning
// that names the option to change at Amazon's. IKE is of version 2 unless the options
// allow version 1 alone: the version in the text is one that the reader chose when
// downloading.
package aws

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/vpn/aws/document"
)

// What Amazon has, the best first. ECP-384 goes before ECP-521 as what fits a key of 256
// bits (CNSA), and the curves before the large primes, which take long; groups 22 to 24
// are of unknown origin (RFC 8247).
var (
	encryptions = []string{"AES256-GCM-16", "AES256", "AES128-GCM-16", "AES128"}
	integrities = []string{"SHA2-384", "SHA2-512", "SHA2-256", "SHA1"}
	groups      = []int{20, 21, 19, 16, 17, 18, 15, 14, 24, 23, 22, 5, 2}
)

// minimum is what the XML and the text show of a tunnel whose lists nobody touched.
var minimum = document.Suite{Encryption: "AES128", Integrity: "SHA1", Group: 2}

// offered returns the suites that are offered for IKE and ESP.
func offered(t *document.Tunnel) (ike, esp document.Suite) {
	switch {
	case t.Options != nil:
		return strongest(t.Options.IKE), strongest(t.Options.ESP)
	case t.Sample.IKE == minimum && t.Sample.ESP == minimum:
		return strongest(document.Choice{}), strongest(document.Choice{})
	}
	return t.Sample.IKE, t.Sample.ESP
}

// strongest returns the best of what may be chosen. Where nothing but SHA1 is left for
// integrity, a cipher that needs none goes first.
func strongest(c document.Choice) document.Suite {
	s := document.Suite{Integrity: best(integrities, c.Integrity), Group: best(groups, c.Groups)}
	ciphers := encryptions
	if s.Integrity == "SHA1" {
		ciphers = []string{"AES256-GCM-16", "AES128-GCM-16", "AES256", "AES128"}
	}
	s.Encryption = best(ciphers, c.Encryption)
	return s
}

// best returns the first of the ranked that is allowed, all of them where nothing is
// said.
func best[T comparable](ranked, allowed []T) T {
	if len(allowed) == 0 {
		return ranked[0]
	}
	return ranked[slices.IndexFunc(ranked, func(v T) bool { return slices.Contains(allowed, v) })]
}

// version returns the version of IKE.
func version(t *document.Tunnel) int {
	if t.Options != nil && len(t.Options.Versions) > 0 && !slices.Contains(t.Options.Versions, 2) {
		return 1
	}
	return 2
}

// written writes a suite as a proposal of strongSwan.
func written(use proposal.Use, s document.Suite) string {
	cipher := map[string]string{"AES128": "aes128", "AES256": "aes256", "AES128-GCM-16": "aes128gcm16", "AES256-GCM-16": "aes256gcm16"}[s.Encryption]
	hash := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.Integrity, "SHA2-")), "-", "")
	if strings.HasPrefix(s.Integrity, "SHA2-") {
		hash = "sha" + hash
	}
	if hash == "" { // of a cipher that needs none, beside which IKE still wants a PRF
		hash = "sha384"
	}
	words := []string{cipher}
	switch aead := strings.HasSuffix(cipher, "gcm16"); {
	case !aead:
		words = append(words, hash)
	case use == proposal.IKE:
		words = append(words, "prf"+hash)
	}
	return strings.Join(append(words, proposal.Group(s.Group)), "-")
}

// remedy is the command that has a tunnel take what is strong.
func remedy(c *document.Connection, t *document.Tunnel) string {
	id := c.ID
	if id == "" {
		id = "ID"
	}
	return fmt.Sprintf("have Amazon take AES256-GCM-16, SHA2-384, group 20 and ikev2 (Phase1EncryptionAlgorithms and the like), a tunnel at a time, by aws ec2 modify-vpn-tunnel-options --vpn-connection-id %s --vpn-tunnel-outside-ip-address %s --tunnel-options …; then give the new answer of describe-vpn-connections", id, t.Outside)
}
