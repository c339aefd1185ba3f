package openvpn

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

func (s *Server) checkSecurity(c *check) {
	s.checkTLS(c)
	s.checkCiphers(c)
	c.oneOf("tls_key", s.tlsKey(), tlsCryptV2, tlsCrypt, tlsAuth, "none")
	if s.verifies() && s.tlsKey() != tlsCryptV2 {
		c.add("tls_crypt_v2_verify", "only a key of tls-crypt-v2 tells whose it is", `use tls_key = "tls-crypt-v2", or leave this out`)
	}
	switch s.tlsKey() {
	case tlsAuth:
		c.warn("tls_key", "tls-auth shows strangers the certificates", "use tls-crypt-v2, or tls-crypt for clients before OpenVPN 2.5")
	case "none":
		c.warn("tls_key", "strangers can talk to the TLS library of the server", "use tls-crypt-v2, or tls-crypt for clients before OpenVPN 2.5")
	}
	c.oneOf("compression", s.compression(), "none", "migrate", "lzo")
	if s.compression() == "lzo" {
		c.warn("compression", "compression gives secrets away (VORACLE), keeps the data out of the kernel, and OpenVPN 2.7 no longer does it",
			`use compression = "migrate" while clients still ask for it, then leave it out`)
	}
	if s.DH != nil {
		if !slices.Contains([]int{2048, 3072, 4096, 6144, 8192}, *s.DH) {
			c.add("dh", fmt.Sprintf("there is no group of %d bits in RFC 7919", *s.DH), "use 2048, 3072, 4096, 6144 or 8192, or leave it out")
		} else {
			c.warn("dh", "finite-field Diffie-Hellman is being phased out", "leave it out: every client since OpenVPN 2.4 knows elliptic curves")
		}
	}
}

func (s *Server) checkTLS(c *check) {
	t := s.tls()
	version := resource.Or(t.MinVersion, "1.2")
	c.oneOf("tls.min_version", version, "1.0", "1.1", "1.2", "1.3")
	if version == "1.0" || version == "1.1" {
		c.warn("tls.min_version", "TLS "+version+" is deprecated (RFC 8996)", "use 1.2")
	}
	c.oneOf("tls.cert_profile", resource.Or(t.CertProfile, "preferred"), "legacy", "preferred", "suiteb", "insecure")
	if resource.Or(t.CertProfile, "preferred") == "insecure" {
		c.warn("tls.cert_profile", "insecure takes certificates that can be forged", "reissue them, and use preferred")
	}
	c.words("tls.ciphers", t.Ciphers)
	c.words("tls.ciphersuites", t.Ciphersuites)
	c.words("tls.groups", t.Groups)
	if len(t.Ciphers) > 0 {
		c.warn("tls.ciphers", "a list of one's own grows old, and says nothing about TLS 1.3", "leave it out")
	}
}

func (s *Server) checkCiphers(c *check) {
	if s.DataCiphers != nil && len(s.DataCiphers) == 0 {
		c.add("data_ciphers", "without a cipher nobody can connect", "leave it out")
	}
	for i, cipher := range s.dataCiphers() {
		c.cipher(fmt.Sprintf("data_ciphers[%d]", i), strings.TrimPrefix(cipher, "?"))
		c.offloaded(s, fmt.Sprintf("data_ciphers[%d]", i), strings.TrimPrefix(cipher, "?"))
	}
	if s.DataCiphersFallback != nil {
		c.cipher("data_ciphers_fallback", *s.DataCiphersFallback)
		c.offloaded(s, "data_ciphers_fallback", *s.DataCiphersFallback)
	}
	if s.Cipher != nil {
		c.cipher("cipher", *s.Cipher)
		c.offloaded(s, "cipher", *s.Cipher)
		c.warn("cipher", "since OpenVPN 2.6 a server uses cipher only for clients that can't negotiate one",
			"leave it out; for clients of OpenVPN 2.3 use data_ciphers_fallback")
		if s.DataCiphersFallback != nil && *s.DataCiphersFallback != *s.Cipher {
			c.add("cipher", "it is the old name of data_ciphers_fallback, which says something else", "leave it out")
		}
	}
	digest := resource.Or(s.Digest, "SHA256")
	c.words("digest", []string{digest})
	if strings.EqualFold(digest, "none") {
		c.warn("digest", "NOBODY CHECKS THE PACKETS of ciphers without a digest of their own", `use digest = "SHA256"`)
	}
}

func (c *check) cipher(path, name string) {
	c.words(path, []string{name})
	if strings.EqualFold(name, "none") {
		c.warn(path, "EVERYTHING WOULD BE SENT IN THE CLEAR", "use AES-256-GCM")
	}
	if openvpn.Weak(name) {
		c.add(path, fmt.Sprintf("%s is broken, and OpenSSL 3 refuses it", name), "use AES-256-GCM, or AES-256-CBC for clients of OpenVPN 2.3")
	}
}

// Offloads says whether the kernel shall carry the data where it can (DCO).
func (s *Server) Offloads() bool { return resource.Or(s.DCO, "auto") != "false" }

// aead says whether a cipher signs what it encrypts, as all do that the kernel has.
func aead(cipher string) bool {
	return strings.Contains(strings.ToUpper(cipher), "GCM") || strings.Contains(strings.ToUpper(cipher), "POLY1305")
}

// offloaded tells of a cipher that keeps the data of every client out of the kernel;
// dco_check_option in dco.c of OpenVPN. Topology, fragment and compression say so
// themselves, and so does what is wrong with a cipher otherwise.
func (c *check) offloaded(s *Server, path, cipher string) {
	if s.Offloads() && !aead(cipher) && isWord.MatchString(cipher) && !openvpn.Weak(cipher) && !strings.EqualFold(cipher, "none") {
		c.warn(path, cipher+" keeps the data of all clients out of the kernel, which has AES-GCM and CHACHA20-POLY1305 alone",
			`leave it out once no client needs it; dco = "false" says that it is meant so`)
	}
}
