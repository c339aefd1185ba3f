package proposal

import (
	"slices"
	"strings"
)

// A Path is what ESP packets travel on.
type Path struct {
	MTU  int  // of the uplink in bytes; 0 is 1500
	Six  bool // they travel in IPv6
	UDP  bool // wrapped in UDP, since an address is translated on the way (RFC 3948)
	Bare bool // transport mode: the packet inside has no IP header of its own
}

const (
	header4, header6   = 20, 40
	headerUDP          = 8
	headerESP, trailer = 8, 2 // SPI and sequence number; length of the padding and next header (RFC 4303)
	headerTCP          = 20
)

// MTU returns the longest packet that fits into one ESP packet on the path,
// whichever of its algorithms the other side takes, in bytes.
func (p Proposal) MTU(path Path) int {
	least := 0
	for _, cipher := range p.Encryption {
		for _, icv := range p.icvs(cipher) {
			iv, block := ivAndBlock(cipher)
			room := path.mtu() - path.outer() - headerESP - iv - icv
			if fits := room - room%block - trailer; least == 0 || fits < least {
				least = fits
			}
		}
	}
	return least
}

// MSS returns the longest segment of TCP that passes unfragmented by whichever of
// the proposals is agreed on, in bytes; six is that of packets of IPv6 inside.
func MSS(all []Proposal, path Path, six bool) int {
	least := path.mtu()
	for _, p := range all {
		least = min(least, p.MTU(path))
	}
	if path.Bare { // what is subtracted below stands outside
		return least - headerTCP
	}
	if six {
		return least - header6 - headerTCP
	}
	return least - header4 - headerTCP
}

func (p Path) mtu() int {
	if p.MTU == 0 {
		return 1500
	}
	return p.MTU
}

func (p Path) outer() int {
	size := header4
	if p.Six {
		size = header6
	}
	if p.UDP {
		size += headerUDP
	}
	return size
}

// ivAndBlock returns the bytes of an initialisation vector, and what a payload is
// padded to: RFC 4106, 4309, 7634, 3686, and for CBC the block of the cipher.
func ivAndBlock(cipher string) (iv, block int) {
	switch {
	case aead(cipher) || strings.HasSuffix(cipher, "ctr"):
		return 8, 4
	case cipher == "null":
		return 0, 4
	case slices.Contains([]string{"3des", "des", "cast128", "idea"}, cipher) || strings.HasPrefix(cipher, "blowfish"):
		return 8, 8
	default:
		return 16, 16
	}
}

// icvs returns the bytes of the check value beside a cipher, for each choice there
// is: RFC 2403, 2404, 4868, 3566, 4494, 4106.
func (p Proposal) icvs(cipher string) []int {
	if aead(cipher) {
		switch {
		case strings.HasSuffix(cipher, "gcm8"), strings.HasSuffix(cipher, "ccm8"), strings.HasSuffix(cipher, "64"):
			return []int{8}
		case strings.HasSuffix(cipher, "m12"), strings.HasSuffix(cipher, "96"):
			return []int{12}
		default:
			return []int{16}
		}
	}
	var sizes []int
	for _, word := range p.Integrity {
		size := 12
		switch word {
		case "md5_128", "sha256", "sha2_256":
			size = 16
		case "sha1_160":
			size = 20
		case "sha384", "sha2_384":
			size = 24
		case "sha512", "sha2_512":
			size = 32
		}
		sizes = append(sizes, size)
	}
	return sizes
}
