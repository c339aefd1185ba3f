package proposal

import (
	"fmt"
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

// Lengths of keys and of check values, the longer ones of one beginning first.
var (
	keys = []string{"128", "192", "256"}
	icvs = []string{"128", "12", "16", "64", "8", "96"}
	mods = []string{"512", "768", "1024", "1536", "2048", "3072", "4096", "6144", "8192"}
)

// sorts are the words of swanctl.conf(5) and what each is for, in strongSwan's
// proposal_keywords_static.txt.
var sorts = sorted()

func sorted() map[string]kind {
	all := make(map[string]kind)
	add := func(k kind, beginnings []string, endings ...string) {
		for _, beginning := range beginnings {
			for _, ending := range endings {
				all[beginning+ending] = k
			}
		}
	}
	blocks := []string{"aes", "camellia"}
	add(encryption, []string{"null", "3des", "des", "cast128", "idea", "chacha20poly1305"}, "")
	add(encryption, []string{"chacha20poly1305"}, "compat")
	add(encryption, with(blocks, append(keys, "")...), "", "ctr")
	add(encryption, with(blocks, keys...), with([]string{"ccm"}, icvs...)...)
	add(encryption, with([]string{"aes"}, keys...), append(with([]string{"gcm"}, icvs...), "gmac")...)
	add(encryption, []string{"blowfish", "serpent", "twofish"}, append(keys, "")...)
	hashes := []string{"md5", "sha1", "sha256", "sha384", "sha512", "aesxcbc", "aescmac", "camelliaxcbc"}
	add(hash, hashes, "")
	add(prf, []string{"prf"}, hashes...)
	add(integrity, []string{"md5_128", "sha", "sha1_160", "sha256_96", "sha2_256", "sha2_384", "sha2_512", "sha2_256_96"}, "")
	add(group, []string{"modpnull", "modp1024s160", "modp2048s224", "modp2048s256", "curve25519", "x25519", "curve448", "x448"}, "")
	add(group, []string{"modp"}, mods...)
	add(group, []string{"ecp"}, "192", "224", "256", "384", "521", "224bp", "256bp", "384bp", "512bp")
	add(group, []string{"mlkem"}, "512", "768", "1024")
	add(sequence, []string{"esn", "noesn"}, "")
	return all
}

// with returns each beginning with each ending.
func with(beginnings []string, endings ...string) []string {
	var all []string
	for _, beginning := range beginnings {
		for _, ending := range endings {
			all = append(all, beginning+ending)
		}
	}
	return all
}

// groups are the groups of Diffie and Hellman by their numbers, of which
// strongSwan takes only the names; see IANA's registry of IKEv2, transform type 4.
var groups = map[string]string{
	"1": "modp768", "2": "modp1024", "5": "modp1536", "14": "modp2048", "15": "modp3072", "16": "modp4096", "17": "modp6144", "18": "modp8192",
	"19": "ecp256", "20": "ecp384", "21": "ecp521", "22": "modp1024s160", "23": "modp2048s224", "24": "modp2048s256",
	"25": "ecp192", "26": "ecp224", "27": "ecp224bp", "28": "ecp256bp", "29": "ecp384bp", "30": "ecp512bp", "31": "curve25519", "32": "curve448",
}

// Group returns strongSwan's name of a numbered group, empty where it has none.
func Group(number int) string { return groups[fmt.Sprint(number)] }

// aead says whether a cipher protects integrity too.
func aead(word string) bool {
	mode := strings.TrimRight(word, "0123456789")
	return strings.HasSuffix(mode, "gcm") || strings.HasSuffix(mode, "ccm") || strings.HasSuffix(word, "gmac") || strings.HasPrefix(word, "chacha20poly1305")
}

// lookUp returns what a word of strongSwan is for.
func lookUp(word string) kind {
	if isFurther(word) {
		return further
	}
	return sorts[word]
}

// isFurther says whether a word is one of the seven further key exchanges of RFC 9370,
// as in ke1_mlkem768.
func isFurther(word string) bool {
	number, exchange, _ := strings.Cut(word, "_")
	return len(number) == 3 && number[:2] == "ke" && '1' <= number[2] && number[2] <= '7' &&
		exchange != "" && strings.Trim(exchange, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
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

func unknown(word string) error {
	if number, ok := groupNumber(word); ok {
		return fmt.Errorf("strongSwan knows no group %s; write its name, %s for group 20", number, Group(20))
	}
	return fmt.Errorf("%q is no algorithm of strongSwan; see swanctl.conf(5), or leave the attribute out for the default", word)
}
