package proposal

import "slices"

// A Weakness is a word of a proposal that nobody should offer any more, and why.
type Weakness struct {
	Word   string
	Why    string
	Broken bool // it protects nothing, and is no choice at all
}

// weak are words by what is wrong with them.
var weak = []struct {
	words  []string
	why    string
	broken bool
}{
	{[]string{"null", "aes128gmac", "aes192gmac", "aes256gmac"}, "encrypts nothing", true},
	{[]string{"des"}, "can be broken in a day", true},
	{[]string{"modpnull", "modp512", "modp768"}, "can be broken by anybody", true},
	{[]string{"modp1024", "modp1024s160", "ecp192"}, "is within reach of a state (RFC 8247); take ecp384 or modp3072", false},
	{[]string{"modp1536"}, "is weaker than what it protects (RFC 8247); take ecp384 or modp3072", false},
	{[]string{"modp2048s224", "modp2048s256"}, "has a small subgroup of unknown origin (RFC 8247); take ecp384 or modp3072", false},
	{[]string{"3des", "cast128", "idea", "blowfish", "blowfish128", "blowfish192", "blowfish256"}, "has blocks of 64 bits, which repeat within hours of traffic (Sweet32, RFC 8221); take aes256gcm16", false},
	{[]string{"md5", "md5_128", "prfmd5"}, "is broken as a hash (RFC 8247); take sha384", false},
	{[]string{"sha", "sha1", "sha1_160", "prfsha1"}, "is broken as a hash and on its way out (RFC 8247); take sha384", false},
	{[]string{"sha256_96", "sha2_256_96"}, "is a draft's truncation that only old peers need; take sha256", false},
}

// Weak returns what is weak in a proposal, in its order.
func (p Proposal) Weak() []Weakness {
	var found []Weakness
	for _, word := range slices.Concat(p.Encryption, p.Integrity, p.PRF, p.Groups) {
		for _, w := range weak {
			if slices.Contains(w.words, word) {
				found = append(found, Weakness{Word: word, Why: w.why, Broken: w.broken})
			}
		}
	}
	return found
}
