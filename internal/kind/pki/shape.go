// Package pki converges keys, certificates, revocation lists and what OpenVPN
// needs of key material.
//
// Everything here is a file, and most of it depends on other files: a
// certificate on its key and its issuer, a list on the ledger, a profile on
// its parts. Whether it still fits them is what the predicates fresh and
// current say. A wish that names the bytes themselves, in pem or content, is
// one that was observed before: those bytes come back, and nothing is judged.
package pki

import (
	"net/netip"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// PrivateKey is a private key in a file, 0600 from its first byte. Its name is
// the absolute path. A key that only stands in another format is converted,
// not replaced.
type PrivateKey struct {
	Algorithm   *string          `vpnd:"algorithm" doc:"ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519, rsa-2048, rsa-3072 or rsa-4096" default:"ecdsa-p256"`
	Format      *string          `vpnd:"format" doc:"pkcs8 for TLS and IPsec, openssh for SSH, which also writes the public key beside it as .pub" default:"pkcs8"`
	Certificate *string          `vpnd:"certificate,hint" doc:"path of the certificate of a CA that is void without this key: while that stands, the key keeps its algorithm, and a lost or unsuitable one is an error and never replaced"`
	Keep        *bool            `vpnd:"keep,hint" doc:"whether a key that stands keeps its algorithm, until it is taken away to be made anew"`
	Away        *bool            `vpnd:"away,hint" doc:"whether it may be elsewhere while that certificate stands; a key that is not there is then as it shall be"`
	Succeeds    *string          `vpnd:"succeeds,hint" doc:"path of the certificate of a CA that signs until the one of this key can; nothing else rests on it before"`
	Mode        *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner       *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group       *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current     *bool            `vpnd:"current,computed" doc:"whether the public key beside it, where its format has one, belongs to it"`
	Public      *Public          `vpnd:"public,computed,hint,glance" doc:"its public half as OpenSSH writes it, for whom it shall let in, where that is its format"`
	PEM         *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
}

// Public is a public key as in a .pub file, without its comment.
type Public string

// Certificate is an X.509 certificate in a PEM file. Its name is the absolute
// path. Without an issuer it is self-signed. A new one is signed for the key
// as that is, so a renewed certificate has the old one's key; the old one
// stands until it runs out or is revoked. No certificate outlives its issuer.
type Certificate struct {
	Key         *string            `vpnd:"key,hint" doc:"path of its private key; left out, somebody else has it, and request tells of it"`
	Usage       *string            `vpnd:"usage" doc:"ca, server, client or signing" default:"server"`
	Subject     *policy.Subject    `vpnd:"subject,block,required" doc:"the distinguished name"`
	DNSNames    []string           `vpnd:"dns_names" doc:"subject alternative names that are host names"`
	Domains     []string           `vpnd:"permitted_domains" doc:"of a CA: the only domains of whose host names it may sign certificates, name constraints of RFC 5280"`
	PathLength  *int               `vpnd:"path_length" doc:"of a CA: how many CAs may stand between it and whoever holds a certificate, pathLenConstraint of RFC 5280; left out, none of a new one"`
	IPAddresses []netip.Addr       `vpnd:"ip_addresses" doc:"subject alternative names that are addresses"`
	Validity    *resource.Duration `vpnd:"validity,hint,later" doc:"how long a new one is good for, at most as long as its issuer" default:"825d"`
	RenewBefore *resource.Duration `vpnd:"renew_before,hint" doc:"how long before its end it is renewed; left out, a third of its life"`
	Issuer      *string            `vpnd:"issuer,hint" doc:"path of the certificate that signs it; left out, it signs itself"`
	IssuerKey   *string            `vpnd:"issuer_key,hint" doc:"path of the private key that signs it; left out, its issuer is elsewhere and is asked by the request"`
	IssuerPEM   *resource.Secret   `vpnd:"issuer_pem,hint,fleeting" doc:"the private key that signs it, instead of the one at that path: it is for the apply that it is given to, and never written down"`
	Request     *string            `vpnd:"request,hint" doc:"path of the request for it: to an issuer elsewhere, or, where key is left out, of whoever has the key"`
	Ledger      *string            `vpnd:"ledger,hint" doc:"directory that keeps a copy of all that the issuer signed"`
	Former      []string           `vpnd:"former,hint" doc:"paths of the certificates of CAs whose place the issuer took; what they signed stands until it is renewed"`
	Void        []string           `vpnd:"void,hint" doc:"serial numbers in hexadecimal of certificates of that name that are revoked in any case"`
	Overlap     *string            `vpnd:"overlap,hint" doc:"of a CA whose place another one took: the directory of what it signed. It is not renewed, and ends when nothing of that is good"`
	Generation  *int               `vpnd:"generation,hint" doc:"of a CA: which of its PKI it is, as ca_generation counts them"`
	Link        *bool              `vpnd:"link,hint" doc:"whether it is the certificate of a CA as the one before signed it, so that who knows only that one trusts it"`
	External    *bool              `vpnd:"external,hint" doc:"whether its issuer has to be there before, since nobody makes it"`
	Away        *bool              `vpnd:"away,hint" doc:"whether the key of its issuer is there only while something is to be signed, and what needs it waits"`
	KeyAway     *bool              `vpnd:"key_away,hint" doc:"of a CA below another one: whether its own key may be elsewhere while the certificate stands"`
	Topmost     *bool              `vpnd:"topmost,hint" doc:"of a CA below another one: whether that has to be a root, since nothing is known of one above it"`
	Succeeds    *string            `vpnd:"succeeds,hint" doc:"of a CA that is to take the place of another one: path of the certificate of that one, which signs until this one stands; nothing else rests on it before"`
	Mode        *resource.Mode     `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner       *string            `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group       *string            `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Fresh       *bool              `vpnd:"fresh,computed,ages" doc:"whether its renewal window has not begun; one that lasts as long as its issuer has none, and one from the future is for the clock to catch up with"`
	Current     *bool              `vpnd:"current,computed" doc:"whether it belongs to its key, was signed by its issuer as that is now and is not revoked in the ledger"`
	Recorded    *bool              `vpnd:"recorded,computed,meta" doc:"whether it stands in the ledger"`
	Another     *bool              `vpnd:"another,computed,hint" doc:"whether another CA was put in the place of the one that signed it, and has signed nothing yet"`
	Clock       *string            `vpnd:"clock,computed,hint" doc:"what the clock of the host says, where that is before it is good"`
	FreshUntil  *time.Time         `vpnd:"fresh_until,computed,hint" doc:"when its renewal window begins, RFC 3339 in UTC"`
	Remains     *string            `vpnd:"remains,computed,hint" doc:"for what a CA remains whose place another one took"`
	NotAfter    *string            `vpnd:"not_after,computed" doc:"when it runs out, RFC 3339 in UTC"`
	Serial      *string            `vpnd:"serial,computed" doc:"serial number in hexadecimal"`
	PEM         *string            `vpnd:"pem,computed" doc:"the certificate itself"`
}

// CRL is a certificate revocation list in a PEM file, RFC 5280. Its name is
// the absolute path. It lists every certificate of the ledger that has not run
// out and either was once revoked or whose name is not among the members, and
// whatever is not known to have run out and was ever listed: by the list that
// stands, by a copy of one in a directory of a program that reads it, by what is on
// record. So a list that is lost comes back whole, and who comes back under an
// old name needs a new certificate.
type CRL struct {
	Issuer     *string            `vpnd:"issuer,hint,required" doc:"path of the certificate of the CA"`
	IssuerKey  *string            `vpnd:"issuer_key,hint" doc:"path of the private key of the CA; left out, the CA is elsewhere, and its lists are brought"`
	IssuerPEM  *resource.Secret   `vpnd:"issuer_pem,hint,fleeting" doc:"the private key of the CA, instead of the one at that path: it is for the apply that it is given to, and never written down"`
	Ledger     *string            `vpnd:"ledger,hint,required" doc:"directory that keeps a copy of all that the CA signed"`
	Issued     *string            `vpnd:"issued,hint" doc:"what the CA signed besides: an index.txt of OpenSSL or easy-rsa, or a directory of certificates"`
	Members    []string           `vpnd:"members,hint" doc:"common names whose certificates stand; all others are revoked. Left out, only what was revoked by its serial number is listed"`
	Refused    []string           `vpnd:"refused,hint" doc:"common names of which every certificate is revoked, also those that only issued tells of"`
	Revoke     map[string]string  `vpnd:"revoke,hint" doc:"serial numbers in hexadecimal that are revoked in any case, and their common names where these are known"`
	External   *bool              `vpnd:"external,hint" doc:"whether the CA has to be there before, since nobody makes it"`
	Overlap    *bool              `vpnd:"overlap,hint" doc:"whether another CA took the place of this one, so that no list is needed once nothing that it signed is good"`
	Away       *bool              `vpnd:"away,hint" doc:"whether the key of the CA is there only while something is to be signed, and what needs it waits"`
	Validity   *resource.Duration `vpnd:"validity,hint,later" doc:"how long a list is good for; it is renewed when half of that is gone" default:"180d"`
	Mode       *resource.Mode     `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner      *string            `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group      *string            `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Revoked    []string           `vpnd:"revoked,computed,glance" doc:"common names that are no members and of which no certificate stands"`
	Fresh      *bool              `vpnd:"fresh,computed,ages" doc:"whether less than half of its life is gone; one from the future is for the clock to catch up with"`
	FreshUntil *time.Time         `vpnd:"fresh_until,computed,hint" doc:"when half of its life is gone, RFC 3339 in UTC"`
	Clock      *string            `vpnd:"clock,computed,hint" doc:"what the clock of the host says, where that is before it is good"`
	Another    *bool              `vpnd:"another,computed,hint" doc:"whether another CA was put in the place of the one that signed it, and has signed nothing yet"`
	Lacks      *string            `vpnd:"lacks,computed,hint" doc:"whom a list of a CA elsewhere does not bar and shall"`
	CutsOff    *string            `vpnd:"cuts_off,computed,hint" doc:"whom the CAs vouch for that it is to list and does not yet"`
	Current    *bool              `vpnd:"current,computed" doc:"whether it lists every certificate that is known to be revoked, and was signed by the CA as that is now"`
	Barred     map[string]string  `vpnd:"barred,computed,hint,memory" doc:"serial numbers that are revoked, and their common names as far as they are known"`
	Signed     map[string]string  `vpnd:"signed,computed,hint,memory" doc:"serial numbers of the ledger that are not revoked, with when they run out and their common names"`
	Number     *string            `vpnd:"number,computed,hint,memory" doc:"the number of the list"`
	Authority  *string            `vpnd:"authority,computed,hint,memory" doc:"identifier of the key that the CA has"`
	PEM        *string            `vpnd:"pem,computed" doc:"the list itself"`
}

// Ledger is the directory in which a CA keeps a copy of every certificate that it
// signed, SERIAL.pem, a note on every one that it revoked, SERIAL.revoked, and
// the number of its last list, crlnumber. Its name is the absolute path. It goes together with what it holds.
type Ledger struct {
	Mode  *resource.Mode `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0700"`
	Owner *string        `vpnd:"owner,meta" doc:"user that owns the directory, by name or number" default:"root"`
	Group *string        `vpnd:"group,meta" doc:"group that owns the directory, by name or number" default:"root"`

	Entries *resource.Secret `vpnd:"entries,computed" doc:"what it holds, read where it is about to go, so that all that was ever signed and revoked comes back with it"`
}

// Authority is what a pki block tells other blocks: where things are and whom
// it knows, never key material.
type Authority struct {
	Name        string          `vpnd:"name"`
	Directory   string          `vpnd:"directory" doc:"directory of the PKI, 0700"`
	Certificate string          `vpnd:"ca_certificate" doc:"path of the certificate of the CA"`
	Hash        string          `vpnd:"ca_hash" doc:"what OpenSSL names files of CAs of that name after; empty for a CA that existed before"`
	CRL         string          `vpnd:"crl" doc:"path of the revocation list"`
	Trusted     []string        `vpnd:"trusted" doc:"paths of the certificates of all CAs to trust: this one, and those whose place it took"`
	Lists       []string        `vpnd:"lists" doc:"paths of their revocation lists"`
	Links       []string        `vpnd:"links" doc:"paths of what goes with a server's certificate, so that those trust it who know an earlier CA only"`
	Next        string          `vpnd:"next" doc:"path of the certificate of the CA that is to take the place of this one and has none yet; empty where none is"`
	Ledger      string          `vpnd:"ledger" doc:"directory of all that these CAs signed"`
	Servers     map[string]Pair `vpnd:"servers" doc:"certificates of servers by name"`
	Clients     map[string]Pair `vpnd:"clients" doc:"certificates of clients that are not revoked, by name"`
	Server      map[string]Pair `vpnd:"server" doc:"the same as servers, as in pki.sites.server[\"gw\"]"`
	Revoked     []string        `vpnd:"revoked" doc:"names of clients that are revoked"`
	Refused     []string        `vpnd:"refused" doc:"common names of those who may not come in"`
	Void        []string        `vpnd:"void" doc:"serial numbers in hexadecimal that are revoked by the block"`
	Subject     string          `vpnd:"subject" doc:"the distinguished name of the CA; empty where it existed before"`
	Key         string          `vpnd:"ca_key" doc:"path of the private key of the CA, empty where it is elsewhere"`
	Away        bool            `vpnd:"ca_key_away" doc:"whether that key may be there only while something is to be signed"`
	PathLength  int             `vpnd:"path_length" doc:"how many CAs may stand below it; -1 where that is not known here"`
	Domains     []string        `vpnd:"permitted_domains" doc:"the only domains of whose host names it may sign certificates; none where it may of any"`
	Above       []Level         `vpnd:"above" doc:"the CAs above it, the one that signed it first, the root last"`
	Outside     bool            `vpnd:"outside" doc:"whether the CA is elsewhere, so that its lists come later than what they are to bar"`
	Imported    bool            `vpnd:"imported" doc:"whether the CA existed before, so that it may have signed for others too"`
}

// Pair is where a certificate and its private key are.
type Pair struct {
	CommonName  string `vpnd:"common_name"`
	Certificate string `vpnd:"certificate" doc:"path of the certificate"`
	Key         string `vpnd:"key" doc:"path of the private key"`
	CA          string `vpnd:"ca_certificate" doc:"path of the certificate of the CA that issued it"`
	CRL         string `vpnd:"crl" doc:"path of the revocation list of that CA"`

	Former      []string `vpnd:"former" doc:"paths of the certificates of CAs whose place that one took"`
	FormerLists []string `vpnd:"former_lists" doc:"paths of their revocation lists"`

	Above      []string `vpnd:"above" doc:"paths of the certificates of the CAs above that one, up to the root"`
	AboveLists []string `vpnd:"above_lists" doc:"paths of their revocation lists"`

	Given string `vpnd:"given" doc:"directory of what the CA signed, where that is one that existed before; empty where it is not"`
}

// TrustParts is a file of the CAs of the PKI to trust, see [Level.TrustParts].
func (a Authority) TrustParts() []Part { return a.Level().TrustParts() }

// ListParts is a file of their revocation lists, see [Level.ListParts].
func (a Authority) ListParts() []Part { return a.Level().ListParts() }

// ChainParts is the certificate at a path, with what leads from it to every CA that
// people know.
func (a Authority) ChainParts(certificate string) []Part {
	all := []Part{{File: &certificate}}
	for i := range a.Links {
		all = append(all, Part{File: &a.Links[i], Overlap: &a.Ledger, CA: &a.Trusted[i+1]})
	}
	return all
}
