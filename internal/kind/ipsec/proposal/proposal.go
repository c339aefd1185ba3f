// Package proposal is what two sides of an IPsec tunnel agree on: proposals of IKE
// and ESP, in strongSwan's words or in plainer ones. It tells what can't be one,
// what is weak, and how much of a packet is left for those inside.
package proposal

import (
	"fmt"
	"slices"
	"strings"
)

// A Use is what a proposal is for.
type Use int

// The uses. ESP has no PRF, and a group only for perfect forward secrecy.
const (
	IKE Use = iota
	ESP
)

// String returns the name of the protocol.
func (u Use) String() string {
	if u == ESP {
		return "ESP"
	}
	return "IKE"
}

// What is proposed where nothing is said: AES in GCM and a NIST curve, of the
// strength that both strongSwan since 5.0 and Amazon have.
const (
	DefaultIKE = "aes256gcm16-prfsha384-ecp384"
	DefaultESP = "aes256gcm16-ecp384"
)

// A Proposal is a choice of algorithms, each in the words of swanctl.conf(5). Of
// several of one sort the other side may take any.
type Proposal struct {
	Use        Use
	Encryption []string
	Integrity  []string // empty where the encryption has it within, as GCM does
	PRF        []string // in IKE alone; left out, that of Integrity
	Groups     []string // of the key exchange; in ESP empty for none of its own
	Sequence   []string // esn and noesn, in ESP alone
	more       []string // further key exchanges, ke1_mlkem768
}

// Parse reads a proposal in the words of strongSwan, as in
// aes256gcm16-prfsha384-ecp384, or with spaces between plainer ones, as in
// AES-256-GCM SHA-384 group 20. Its errors say the way out.
func Parse(use Use, text string) (Proposal, error) {
	p := Proposal{Use: use}
	words, err := split(text)
	if err != nil {
		return p, err
	}
	var hashes []string // integrity or PRF: which, shows when all is known
	into := [...]*[]string{
		encryption: &p.Encryption, integrity: &p.Integrity, hash: &hashes, prf: &p.PRF,
		group: &p.Groups, sequence: &p.Sequence, further: &p.more,
	}
	for _, word := range words {
		list := into[lookUp(word)]
		if list == nil {
			return p, unknown(word)
		}
		*list = append(*list, word)
	}
	if p.AEAD() && use == IKE {
		p.PRF = append(p.PRF, prefixed("prf", hashes)...)
	} else {
		p.Integrity = append(p.Integrity, hashes...)
	}
	return p, p.check()
}

// AEAD says whether the encryption protects integrity too, RFC 5116.
func (p Proposal) AEAD() bool { return slices.ContainsFunc(p.Encryption, aead) }

// String returns the proposal as swanctl reads it.
func (p Proposal) String() string {
	return strings.Join(slices.Concat(p.Encryption, p.Integrity, p.PRF, p.Groups, p.more, p.Sequence), "-")
}

// check refuses what strongSwan would leave out of the connection without a word
// to the one who waits for it; see check_proposal of libstrongswan.
func (p Proposal) check() error {
	mixed := p.AEAD() && !all(p.Encryption, aead)
	switch {
	case len(p.Encryption) == 0:
		return fmt.Errorf("it has no encryption; begin with one, as in %s", example(p.Use))
	case mixed:
		return fmt.Errorf("%s has integrity within and %s has not; make two proposals of them", first(p.Encryption, aead), first(p.Encryption, plain))
	case p.AEAD() && len(p.Integrity) > 0 && p.Use == IKE:
		return fmt.Errorf("%s has integrity within, so %s has no place; write its PRF, prfsha384 for example", p.Encryption[0], p.Integrity[0])
	case p.AEAD() && len(p.Integrity) > 0:
		return fmt.Errorf("%s has integrity within; leave %s out", p.Encryption[0], p.Integrity[0])
	case !p.AEAD() && len(p.Integrity) == 0:
		return fmt.Errorf("nothing protects the integrity of what %s encrypts; add sha256, or take aes256gcm16", p.Encryption[0])
	case p.Use == ESP && len(p.PRF) > 0:
		return fmt.Errorf("ESP has no PRF; leave %s out", p.PRF[0])
	case p.Use == IKE && p.AEAD() && len(p.PRF) == 0:
		return fmt.Errorf("%s needs a PRF beside it in IKE; write %s-prfsha384 and the group", p.Encryption[0], p.Encryption[0])
	case p.Use == IKE && len(p.Groups) == 0:
		return fmt.Errorf("IKE needs a group for its key exchange; add ecp384, for example")
	case p.Use == IKE && len(p.Sequence) > 0:
		return fmt.Errorf("%s is of ESP; leave it out of IKE", p.Sequence[0])
	}
	return nil
}

func example(use Use) string {
	if use == ESP {
		return DefaultESP
	}
	return DefaultIKE
}

func all(words []string, is func(string) bool) bool { return first(words, not(is)) == "" }

func plain(word string) bool { return !aead(word) }

func not(is func(string) bool) func(string) bool { return func(s string) bool { return !is(s) } }

// first returns the first word of which that is true, empty for none.
func first(words []string, is func(string) bool) string {
	if i := slices.IndexFunc(words, is); i >= 0 {
		return words[i]
	}
	return ""
}

func prefixed(prefix string, words []string) []string {
	var all []string
	for _, w := range words {
		all = append(all, prefix+w)
	}
	return all
}
