package document

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// encryptions are the names of ciphers in the XML and the text.
var encryptions = map[string]string{
	"aes-128-cbc": "AES128", "aes-256-cbc": "AES256", "aes128": "AES128", "aes256": "AES256",
	"aes-128-gcm-16": "AES128-GCM-16", "aes-256-gcm-16": "AES256-GCM-16",
	"aes128-gcm-16": "AES128-GCM-16", "aes256-gcm-16": "AES256-GCM-16", "aes-128-gcm": "AES128-GCM-16", "aes-256-gcm": "AES256-GCM-16",
}

// integrities are the names of hash functions there.
var integrities = map[string]string{
	"sha1": "SHA1", "hmac-sha1-96": "SHA1",
	"sha2-256": "SHA2-256", "sha256": "SHA2-256", "sha-256": "SHA2-256", "hmac-sha2-256": "SHA2-256", "hmac-sha2-256-128": "SHA2-256", "hmac-sha256-128": "SHA2-256",
	"sha2-384": "SHA2-384", "sha384": "SHA2-384", "sha-384": "SHA2-384", "hmac-sha2-384": "SHA2-384", "hmac-sha2-384-192": "SHA2-384", "hmac-sha384-192": "SHA2-384",
	"sha2-512": "SHA2-512", "sha512": "SHA2-512", "sha-512": "SHA2-512", "hmac-sha2-512": "SHA2-512", "hmac-sha2-512-256": "SHA2-512", "hmac-sha512-256": "SHA2-512",
}

// encryption and integrity read such names.
func encryption(text string) (string, bool) {
	name, ok := encryptions[strings.ToLower(text)]
	return name, ok
}

func integrity(text string) (string, bool) {
	name, ok := integrities[strings.ToLower(text)]
	return name, ok
}

// aead says whether a cipher proves by itself that nothing was changed.
func aead(encryption string) bool { return strings.Contains(encryption, "GCM") }

// isEncryption, isIntegrity, isGroup and isVersion know the values of the options of a
// tunnel.
func isEncryption(name string) (string, bool) {
	return name, name == "AES128" || name == "AES256" || name == "AES128-GCM-16" || name == "AES256-GCM-16"
}

func isIntegrity(name string) (string, bool) {
	return name, name == "SHA1" || name == "SHA2-256" || name == "SHA2-384" || name == "SHA2-512"
}

func isGroup(n int) (int, bool) { return n, n == 2 || n == 5 || n >= 14 && n <= 24 }

func isVersion(name string) (int, bool) {
	n, ok := map[string]int{"ikev1": 1, "ikev2": 2}[strings.ToLower(name)]
	return n, ok
}

// group reads "group2", "Group 14" or "Diffie-Hellman Group 20".
func group(text string) (int, bool) {
	text = strings.TrimPrefix(strings.ToLower(text), "diffie-hellman ")
	digits, ok := strings.CutPrefix(text, "group")
	n, err := strconv.Atoi(strings.TrimSpace(digits))
	_, known := isGroup(n)
	return n, ok && err == nil && known
}

// seconds reads a number of seconds, of a day at most.
func seconds(text string) (time.Duration, bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.ToLower(text), "seconds"))
	n, err := strconv.Atoi(text)
	return time.Duration(n) * time.Second, err == nil && n > 0 && n <= 24*60*60
}

// life reads how long an SA lives: a quarter of an hour is the least that Amazon has, and
// of much less nothing would be left until there have to be new keys.
func life(text string) (time.Duration, bool) {
	d, ok := seconds(text)
	return d, ok && d >= shortestLife
}

const shortestLife = 15 * time.Minute

// asn reads a number of an autonomous system, RFC 6793.
func asn(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n > 0
}

// address reads an address of a host.
func address(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a, err == nil && a.Zone() == "" && !a.Is4In6() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback()
}

// linkLocal is what inside networks of IPv4 are of, and uniqueLocal what those of IPv6
// are of: see the options of a tunnel in Amazon's documentation.
var (
	linkLocal   = netip.MustParsePrefix("169.254.0.0/16")
	uniqueLocal = netip.MustParsePrefix("fd00::/8")
)

// inside makes the address of one side in a tunnel.
func inside(text string, bits int) (netip.Prefix, bool) {
	a, ok := address(text)
	if !ok {
		return netip.Prefix{}, false
	}
	p := netip.PrefixFrom(a, bits)
	if a.Is6() {
		return p, p.IsValid() && bits >= 64 && uniqueLocal.Contains(a)
	}
	return p, p.IsValid() && bits == 30 && linkLocal.Contains(a)
}

// facing says whether two addresses can be the ends of one tunnel.
func facing(a, b netip.Prefix) bool { return a.Masked() == b.Masked() && a.Addr() != b.Addr() }
