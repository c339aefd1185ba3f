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
	c.OneOf("tls_key", s.tlsKey(), tlsCryptV2, tlsCrypt, tlsAuth, "none")
	if s.verifies() && s.tlsKey() != tlsCryptV2 {
		c.Add("tls_crypt_v2_verify", `use tls_key = "tls-crypt-v2", or leave this out`, "only a key of tls-crypt-v2 tells whose it is")
	}
	switch s.tlsKey() {
	case tlsAuth:
		c.Warn("tls_key", "use tls-crypt-v2, or tls-crypt for clients before OpenVPN 2.5", "tls-auth shows strangers the certificates")
	case "none":
		c.Warn("tls_key", "use tls-crypt-v2, or tls-crypt for clients before OpenVPN 2.5", "strangers can talk to the TLS library of the server")
	}
	c.OneOf("compression", s.compression(), "none", "migrate", "lzo")
	if s.compression() == "lzo" {
		c.Warn("compression", `use compression = "migrate" while clients still ask for it, then leave it out`, "compression gives secrets away (VORACLE), keeps the data out of the kernel, and OpenVPN 2.7 no longer does it")
	}
	if s.DH != nil {
		if !slices.Contains([]int{2048, 3072, 4096, 6144, 8192}, *s.DH) {
			c.Add("dh", "use 2048, 3072, 4096, 6144 or 8192, or leave it out", "there is no group of %d bits in RFC 7919", *s.DH)
		} else {
			c.Warn("dh", "leave it out: every client since OpenVPN 2.4 knows elliptic curves", "finite-field Diffie-Hellman is being phased out")
		}
	}
}

func (s *Server) checkTLS(c *check) {
	t := s.tls()
	version := resource.Or(t.MinVersion, "1.2")
	c.OneOf("tls.min_version", version, "1.0", "1.1", "1.2", "1.3")
	if version == "1.0" || version == "1.1" {
		c.Warn("tls.min_version", "use 1.2", "TLS %s is deprecated (RFC 8996)", version)
	}
	c.OneOf("tls.cert_profile", resource.Or(t.CertProfile, "preferred"), "legacy", "preferred", "suiteb", "insecure")
	if resource.Or(t.CertProfile, "preferred") == "insecure" {
		c.Warn("tls.cert_profile", "reissue them, and use preferred", "insecure takes certificates that can be forged")
	}
	c.words("tls.ciphers", t.Ciphers)
	c.words("tls.ciphersuites", t.Ciphersuites)
	c.words("tls.groups", t.Groups)
	if len(t.Ciphers) > 0 {
		c.Warn("tls.ciphers", "leave it out", "a list of one's own grows old, and says nothing about TLS 1.3")
	}
}

func (s *Server) checkCiphers(c *check) {
	if s.DataCiphers != nil && len(s.DataCiphers) == 0 {
		c.Add("data_ciphers", "leave it out", "without a cipher nobody can connect")
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
		c.Warn("cipher", "leave it out; for clients of OpenVPN 2.3 use data_ciphers_fallback", "since OpenVPN 2.6 a server uses cipher only for clients that can't negotiate one")
		if s.DataCiphersFallback != nil && *s.DataCiphersFallback != *s.Cipher {
			c.Add("cipher", "leave it out", "it is the old name of data_ciphers_fallback, which says something else")
		}
	}
	digest := resource.Or(s.Digest, "SHA256")
	c.words("digest", []string{digest})
	if strings.EqualFold(digest, "none") {
		c.Warn("digest", `use digest = "SHA256"`, "NOBODY CHECKS THE PACKETS of ciphers without a digest of their own")
	}
}

func (c *check) cipher(path, name string) {
	c.words(path, []string{name})
	if strings.EqualFold(name, "none") {
		c.Warn(path, "use AES-256-GCM", "EVERYTHING WOULD BE SENT IN THE CLEAR")
	}
	if openvpn.Weak(name) {
		c.Add(path, "use AES-256-GCM, or AES-256-CBC for clients of OpenVPN 2.3", "%s is broken, and OpenSSL 3 refuses it", name)
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
		c.Warn(path, `leave it out once no client needs it; dco = "false" says that it is meant so`, "%s keeps the data of all clients out of the kernel, which has AES-GCM and CHACHA20-POLY1305 alone", cipher)
	}
}
