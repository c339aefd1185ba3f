package pki

import (
	"path"
	"strings"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/dhparams"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/kind/pki/tlscrypt"
	"vpnd/internal/kind/pki/totp"
	"vpnd/internal/kind/pki/wgkey"
	"vpnd/internal/resource"
)

// Names of the kinds.
const (
	KindPrivateKey     = "private_key"
	KindCertificate    = "certificate"
	KindRequest        = "certificate_request"
	KindCRL            = "crl"
	KindLedger         = "ledger"
	KindStaticKey      = "static_key"
	KindTLSCryptV2Key  = "tls_crypt_v2_key"
	KindWireGuardKey   = "wireguard_key"
	KindWireGuardPSK   = "wireguard_psk"
	KindTLSCryptV2List = "tls_crypt_v2_list"
	KindAuthTokenKey   = "auth_token_key"
	KindTOTPSecret     = "totp_secret"
	KindDHParams       = "dh_params"
	KindAssembledFile  = "assembled_file"
)

// PeerWord stands before each fingerprint on a list of those whom a server without a CA
// lets in, in a part of its own.
const PeerWord = "peer-fingerprint "

// NoPeer is the line of a list of fingerprints on which nobody is: without one OpenVPN
// does not start, and no certificate has this one.
var NoPeer = PeerWord + "00" + strings.Repeat(":00", 31) + "\n"

// Kinds returns all kinds of this package. Where a revocation list, or the copy
// that a server reads, is damaged again and again, who was revoked might come in,
// or nobody.
func Kinds(h derived.Host) []resource.Kind {
	plain, list, copies := resource.Traits{Path: true}, resource.Traits{Path: true}, resource.Traits{Path: true}
	list.Essential, list.View, list.Moves, list.Finds = resource.All, resource.Lists, true, true
	certificate := resource.Traits{Path: true, View: resource.Certificates, Moves: true}
	kept := resource.Traits{Path: true, Moves: true}
	copies.Essential = func(name string) bool { return path.Base(name) == "crl.pem" }
	return []resource.Kind{
		resource.Define(KindPrivateKey, "A private key, in PKCS #8 or in OpenSSH's format. Its label is the path.", kept, newPrivateKeys(h)),
		resource.Define(KindCertificate, "An X.509 certificate, self-signed or signed by another one, renewed before it runs out. Its label is the path.", certificate, newCertificates(h)),
		resource.Define(KindRequest, "A request for a certificate, of a CA elsewhere or by somebody else. Its label is the path.", kept, newRequests(h)),
		resource.Define(KindCRL, "A certificate revocation list, renewed before it runs out. Its label is the path.", list, newCRLs(h)),
		resource.Define(KindLedger, "The directory in which a CA keeps a copy of all that it signed. Its label is the path.", resource.Traits{Path: true, Directory: true, Moves: true}, &ledgers{Host: h}),
		resource.Define(KindStaticKey, "A static key of OpenVPN's tls-crypt or tls-auth. Its label is the path.", kept, tlscrypt.NewStaticKeys(h)),
		resource.Define(KindTLSCryptV2Key, "A key of OpenVPN's tls-crypt-v2, of a server or a client. Its label is the path.", kept, tlscrypt.NewTLSCryptV2Keys(h)),
		resource.Define(KindTLSCryptV2List, "The keys of tls-crypt-v2 that an OpenVPN server talks to. Its label is the path.", resource.Traits{Path: true, Essential: resource.All}, tlscrypt.NewTLSCryptV2Lists(h)),
		resource.Define(KindAuthTokenKey, "The key by which an OpenVPN server knows the tokens that it gave. Its label is the path.", kept, tlscrypt.NewAuthTokenKeys(h)),
		resource.Define(KindTOTPSecret, "The seed of the codes of somebody's app, for PAM's module google-authenticator. Its label is the path.", kept, totp.NewSecrets(h)),
		resource.Define(KindWireGuardKey, "A private key of WireGuard, with its public key beside it. Its label is the path.", kept, wgkey.NewWireGuardKeys(h)),
		resource.Define(KindWireGuardPSK, "A key that two peers of WireGuard share. Its label is the path.", kept, wgkey.NewWireGuardPSKs(h)),
		resource.Define(KindDHParams, "Diffie-Hellman parameters: a group of RFC 7919. Its label is the path.", plain, dhparams.NewDHParams(h)),
		resource.Define(KindAssembledFile, "A file made of text and other files, such as a client's profile. Its label is the path.", copies, assembled.NewAssembledFiles(h)),
	}
}

// What other packages know of the rooms below: shapes, the host, and what can be
// checked of names.
type (
	Host           = derived.Host
	Subject        = policy.Subject
	StaticKey      = tlscrypt.StaticKey
	TLSCryptV2Key  = tlscrypt.TLSCryptV2Key
	TLSCryptV2List = tlscrypt.TLSCryptV2List
	AuthTokenKey   = tlscrypt.AuthTokenKey
	TOTPSecret     = totp.Secret
	WireGuardKey   = wgkey.WireGuardKey
	WireGuardPSK   = wgkey.WireGuardPSK
	DHParams       = dhparams.DHParams
	AssembledFile  = assembled.AssembledFile
	Part           = assembled.Part
)

// Leads is the term of a copy that says where it leads.
const Leads = assembled.Leads
