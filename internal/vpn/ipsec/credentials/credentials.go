// Package credentials is how the sides of an IPsec tunnel prove who they are: by a
// pre-shared key, or by certificates, of which charon gets copies.
package credentials

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Pair is where the certificate and the key of this side are, and the CA and the
// revocation list of who issued it, as far as that is known.
type Pair struct {
	Certificate string  `vpnd:"certificate" doc:"absolute path of the certificate"`
	Key         string  `vpnd:"key" doc:"absolute path of the private key"`
	CA          *string `vpnd:"ca_certificate" doc:"absolute path of the certificate of the CA"`
	CRL         *string `vpnd:"crl" doc:"absolute path of the revocation list"`

	Former      []string `vpnd:"former" doc:"absolute paths of the certificates of CAs whose place that one took, and whose certificates are good still"`
	FormerLists []string `vpnd:"former_lists" doc:"absolute paths of their revocation lists"`

	Above      []string `vpnd:"above" doc:"absolute paths of the certificates of the CAs above that one, up to the root"`
	AboveLists []string `vpnd:"above_lists" doc:"absolute paths of their revocation lists"`

	Given *string `vpnd:"given" doc:"directory of what the CA signed, where that is one that existed before"`
}

// Credentials are those of one block. Without a pair it is a pre-shared key.
type Credentials struct {
	Name       string // of the block
	Pair       *Pair
	CA, CRL    *string // instead of those of the pair
	Revocation *string // how revocation is judged; left out, relaxed
}

// Where charon's certificates and keys are, in the directories that swanctl(8) loads
// when it starts. They are copies: a PKI is for nobody but root to enter.
const swanctl = "/etc/swanctl/"

func (c *Credentials) certificate() string { return swanctl + "x509/vpnd-" + c.Name + ".pem" }
func (c *Credentials) key() string         { return swanctl + "private/vpnd-" + c.Name + ".pem" }
func (c *Credentials) authority() string   { return swanctl + "x509ca/vpnd-" + c.Name + ".pem" }
func (c *Credentials) list() string        { return swanctl + "x509crl/vpnd-" + c.Name + ".pem" }

// Authority returns where the CA of the other side is, empty for nowhere.
func (c *Credentials) Authority() string {
	if c.CA == nil && c.Pair != nil {
		return resource.Or(c.Pair.CA, "")
	}
	return resource.Or(c.CA, "")
}

// A copied is a file of charon's, and the one that it has the content of.
type copied struct{ to, from string }

// numbered are the files of charon for what is of other CAs than that of the pair: it
// reads one certificate, or one list, of each.
func numbered(file, word string, first int, from []string) []copied {
	var all []copied
	for i, one := range from {
		all = append(all, copied{fmt.Sprintf("%s-%s%d.pem", strings.TrimSuffix(file, ".pem"), word, first+i), one})
	}
	return all
}

// places are where copies stand.
func places(all []copied) []string {
	var to []string
	for _, one := range all {
		to = append(to, one.to)
	}
	return to
}

// former are the earlier CAs, which are trusted only where that of the pair is.
func (c *Credentials) former() (files, lists []copied) {
	if c.CA != nil || c.Pair == nil {
		return nil, nil
	}
	if c.CRL == nil {
		lists = numbered(c.list(), "", 2, c.Pair.FormerLists)
	}
	return numbered(c.authority(), "", 2, c.Pair.Former), lists
}

// above are the CAs above that of the pair, and their lists: what this side shows leads
// to them, and so does what the other side shows. Where ca names another one for that,
// the CA of the pair is but a step to the root.
func (c *Credentials) above() (files, lists []copied) {
	if c.Pair == nil {
		return nil, nil
	}
	if c.CRL == nil && c.CA == nil {
		lists = numbered(c.list(), "above-", 1, c.Pair.AboveLists)
	}
	from := c.Pair.Above
	if c.CA != nil && c.Pair.CA != nil && len(from) > 0 {
		from = append([]string{*c.Pair.CA}, from...)
	}
	return numbered(c.authority(), "above-", 1, from), lists
}

// List returns where the revocation list of that CA is, empty for nowhere. One of a
// PKI says nothing of what another CA issued.
func (c *Credentials) List() string {
	if c.CRL == nil && c.CA == nil && c.Pair != nil {
		return resource.Or(c.Pair.CRL, "")
	}
	return resource.Or(c.CRL, "")
}

// Copies are what charon reads, where it looks. Each follows its source, as a connection
// follows the copy: that one comes after the other, and takes notice of it, the
// configuration sees to.
func (c *Credentials) Copies(after ...resource.ID) []resource.Resource {
	if c.Pair == nil {
		return nil
	}
	var all []resource.Resource
	add := func(to string, mode resource.Mode, from string) {
		all = append(all, resource.Resource{ID: resource.ID{Kind: pki.KindAssembledFile, Name: to}, After: after, Want: &pki.AssembledFile{
			Parts: []pki.Part{{File: &from}}, Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
		}})
	}
	add(c.certificate(), 0o644, c.Pair.Certificate)
	add(c.key(), 0o600, c.Pair.Key)
	add(c.authority(), 0o644, c.Authority())
	if c.CA == nil && resource.Or(c.Pair.Given, "") != "" {
		all[len(all)-1].Want.(*pki.AssembledFile).Parts[0].Given = c.Pair.Given
	}
	if c.List() != "" {
		add(c.list(), 0o644, c.List())
	}
	former, formerLists := c.former()
	above, aboveLists := c.above()
	for _, other := range slices.Concat(former, formerLists, above, aboveLists) {
		add(other.to, 0o644, other.from)
	}
	return all
}

// IsPath says whether a path can stand in a configuration of strongSwan: it is absolute,
// and nothing in it is another directive.
func IsPath(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || strings.ContainsRune("\"\\{}#", r) || r == 0x7f })
}

// Local is this side of a connection, of that IKE identity.
func (c *Credentials) Local(id *string) *ipsec.End {
	end := &ipsec.End{Auth: resource.Ptr("psk"), ID: id}
	if c.Pair != nil {
		end.Auth = resource.Ptr("pubkey")
		end.Certificates, end.Key = []string{c.certificate()}, resource.Ptr(c.key())
	}
	return end
}

// Remote is the other side.
func (c *Credentials) Remote(id *string) *ipsec.End {
	end := &ipsec.End{Auth: resource.Ptr("psk"), ID: id}
	if c.Pair != nil {
		end.Auth = resource.Ptr("pubkey")
		former, formerLists := c.former()
		above, aboveLists := c.above()
		end.CACerts, end.Above = append([]string{c.authority()}, places(former)...), places(above)
		end.Revocation = resource.Ptr(resource.Or(c.Revocation, "relaxed"))
		if c.List() != "" {
			end.CRLs = append([]string{c.list()}, places(formerLists)...)
		}
		end.CRLs = append(end.CRLs, places(aboveLists)...)
	}
	return end
}
