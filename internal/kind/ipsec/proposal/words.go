package proposal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A kind of word is what an algorithm is for.
type kind int

const (
	none kind = iota
	encryption
	integrity
	hash // integrity or PRF, as the encryption asks for
	prf
	group
	sequence
	further
)

// The words of swanctl.conf(5), in strongSwan's proposal_keywords_static.txt.
var (
	isCipher = regexp.MustCompile(`^(null|3des|des|cast128|idea|` +
		`(aes|camellia)(128|192|256)?(ctr)?|(aes|camellia)(128|192|256)ccm(8|12|16|64|96|128)|` +
		`aes(128|192|256)gcm(8|12|16|64|96|128)|aes(128|192|256)gmac|` +
		`(blowfish|serpent|twofish)(128|192|256)?|chacha20poly1305(compat)?)$`)
	isAEAD      = regexp.MustCompile(`(gcm|ccm)\d*$|gmac$|^chacha20poly1305`)
	isHash      = regexp.MustCompile(`^(md5|sha1|sha256|sha384|sha512|aesxcbc|aescmac|camelliaxcbc)$`)
	isIntegrity = regexp.MustCompile(`^(md5_128|sha|sha1_160|sha256_96|sha2_256|sha2_384|sha2_512|sha2_256_96)$`)
	isPRF       = regexp.MustCompile(`^prf(md5|sha1|sha256|sha384|sha512|aesxcbc|aescmac|camelliaxcbc)$`)
	isGroup     = regexp.MustCompile(`^(modpnull|modp(512|768|1024|1536|2048|3072|4096|6144|8192)|modp1024s160|modp2048s(224|256)|` +
		`ecp(192|224|256|384|521)|ecp(224|256|384|512)bp|curve25519|x25519|curve448|x448|mlkem(512|768|1024))$`)
	isSequence = regexp.MustCompile(`^(no)?esn$`)
	isFurther  = regexp.MustCompile(`^ke[1-7]_[a-z0-9]+$`)
)

var sorts = []struct {
	kind kind
	is   *regexp.Regexp
}{{encryption, isCipher}, {hash, isHash}, {integrity, isIntegrity}, {prf, isPRF}, {group, isGroup}, {sequence, isSequence}, {further, isFurther}}

// groups are the groups of Diffie and Hellman by their numbers, of which
// strongSwan takes only the names; see IANA's registry of IKEv2, transform type 4.
var groups = map[string]string{
	"1": "modp768", "2": "modp1024", "5": "modp1536", "14": "modp2048", "15": "modp3072", "16": "modp4096", "17": "modp6144", "18": "modp8192",
	"19": "ecp256", "20": "ecp384", "21": "ecp521", "22": "modp1024s160", "23": "modp2048s224", "24": "modp2048s256",
	"25": "ecp192", "26": "ecp224", "27": "ecp224bp", "28": "ecp256bp", "29": "ecp384bp", "30": "ecp512bp", "31": "curve25519", "32": "curve448",
}

var isNumbered = regexp.MustCompile(`^(?:group|dh|dhgroup)-?(\d{1,2})$`)

// Group returns strongSwan's name of a numbered group, empty where it has none.
func Group(number int) string { return groups[fmt.Sprint(number)] }

func aead(word string) bool { return isAEAD.MatchString(word) }

// lookUp returns what a word of strongSwan is for.
func lookUp(word string) kind {
	for _, w := range sorts {
		if w.is.MatchString(word) {
			return w.kind
		}
	}
	return none
}

// split returns the words of a proposal, each as strongSwan has it.
func split(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("it is empty; leave the attribute out for the default")
	}
	if text == "default" {
		return nil, fmt.Errorf("what default stands for depends on the release of strongSwan; name the algorithms, as in %s", DefaultIKE)
	}
	lower := strings.ToLower(strings.TrimSpace(text))
	between := " \t,/"
	if !strings.ContainsAny(lower, between) && plainer(lower) == "" {
		between = "-"
	}
	words := joined(strings.FieldsFunc(lower, func(r rune) bool { return strings.ContainsRune(between, r) }))
	for i, word := range words {
		if name := plainer(word); name != "" {
			words[i] = name
		}
	}
	return words, nil
}

// joined puts a number beside the group that it is of, and leaves out what only
// makes a sentence.
func joined(words []string) []string {
	var all []string
	for _, w := range words {
		last := len(all) - 1
		switch {
		case slices.Contains([]string{"and", "with", "in"}, w):
		case last >= 0 && (all[last] == "group" || all[last] == "dh"):
			all[last] += w
		default:
			all = append(all, w)
		}
	}
	return all
}

var (
	isBlock   = regexp.MustCompile(`^(aes|camellia)-?(128|192|256)(?:-?(cbc|ctr|ccm|gcm)(?:-?(8|12|16|64|96|128))?)?$`)
	isSHA     = regexp.MustCompile(`^(?:hmac-)?sha-?(?:2-)?(256|384|512)$`)
	isOldSHA  = regexp.MustCompile(`^(?:hmac-)?sha-?1(?:-96)?$`)
	isCurve   = regexp.MustCompile(`^(?:nist)?p-?(256|384|521)$`)
	isBareMod = regexp.MustCompile(`^modp-(\d{3,4})$`)
)

// plainer returns what a word as people, standards or Amazon write it is called in
// strongSwan, empty where it is no such word.
func plainer(word string) string {
	if m := isBlock.FindStringSubmatch(word); m != nil {
		mode, size := m[3], m[4]
		if mode == "cbc" {
			mode = ""
		}
		if (mode == "gcm" || mode == "ccm") && size == "" {
			size = "16"
		}
		return m[1] + m[2] + mode + size
	}
	if m := isSHA.FindStringSubmatch(word); m != nil {
		return "sha" + m[1]
	}
	if m := isCurve.FindStringSubmatch(word); m != nil {
		return "ecp" + m[1]
	}
	if m := isBareMod.FindStringSubmatch(word); m != nil {
		return "modp" + m[1]
	}
	if m := isNumbered.FindStringSubmatch(word); m != nil {
		return groups[m[1]]
	}
	switch {
	case isOldSHA.MatchString(word):
		return "sha1"
	case word == "chacha20-poly1305":
		return "chacha20poly1305"
	case word == "3des-cbc":
		return "3des"
	}
	return ""
}

func unknown(word string) error {
	if m := isNumbered.FindStringSubmatch(word); m != nil {
		return fmt.Errorf("strongSwan knows no group %s; write its name, %s for group 20", m[1], Group(20))
	}
	return fmt.Errorf("%q is no algorithm of strongSwan; see swanctl.conf(5), or leave the attribute out for the default", word)
}
