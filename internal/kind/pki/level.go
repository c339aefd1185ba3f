package pki

// Level is a CA above another one: what whoever checks a certificate needs of it.
type Level struct {
	Name    string   `vpnd:"name" doc:"label of its pki block"`
	Subject string   `vpnd:"subject" doc:"the distinguished name of the CA; empty where it existed before"`
	Hash    string   `vpnd:"ca_hash" doc:"what OpenSSL names files of CAs of that name after; empty where it existed before"`
	Ledger  string   `vpnd:"ledger" doc:"directory of all that it signed"`
	Trusted []string `vpnd:"trusted" doc:"paths of its certificate, and those of CAs whose place it took"`
	Lists   []string `vpnd:"lists" doc:"paths of their revocation lists"`
	Given   bool     `vpnd:"given" doc:"whether it existed before"`
	Void    []string `vpnd:"void" doc:"serial numbers in hexadecimal that it revokes by its block"`
}

// Level is the CA as those below see it.
func (a Authority) Level() Level {
	return Level{a.Name, a.Subject, a.Hash, a.Ledger, a.Trusted, a.Lists, a.Imported, a.Void}
}

// TrustParts is a file of the CAs to trust, the one that signs now first. An earlier one
// leaves with the last that it signed.
func (l Level) TrustParts() []Part {
	all := []Part{{File: &l.Trusted[0]}}
	if l.Given {
		all[0].Given = &l.Ledger
	}
	for i := 1; i < len(l.Trusted); i++ {
		all = append(all, Part{File: &l.Trusted[i], Overlap: &l.Ledger, CA: &l.Trusted[i]})
	}
	return all
}

// ListParts is a file of the revocation lists of these. OpenVPN lets in whom no list is
// about, and a process trusts the CAs that it began with: the list of an earlier one
// stays for as long as that itself is good.
func (l Level) ListParts() []Part {
	all := []Part{{File: &l.Lists[0]}}
	for i := 1; i < len(l.Lists); i++ {
		all = append(all, Part{File: &l.Lists[i], CA: &l.Trusted[i]})
	}
	return all
}

// TrustAbove are the certificates of the CAs above, for who trusts the root: OpenSSL
// wants a chain to end there.
func (a Authority) TrustAbove() []Part {
	var all []Part
	for _, l := range a.Above {
		all = append(all, l.TrustParts()...)
	}
	return all
}

// ListsAbove are the lists of the CAs above. Readers want one of each level.
func (a Authority) ListsAbove() []Part {
	var all []Part
	for _, l := range a.Above {
		all = append(all, l.ListParts()...)
	}
	return all
}

// ChainAbove leads from a certificate to the root, which whoever checks it has.
func (a Authority) ChainAbove() []Part {
	if len(a.Above) == 0 {
		return nil
	}
	all := a.TrustParts()
	for _, l := range a.Above[:len(a.Above)-1] {
		all = append(all, l.TrustParts()...)
	}
	return all
}

// CertificatesAbove are the paths of the certificates of all CAs above.
func (a Authority) CertificatesAbove() []string {
	var all []string
	for _, l := range a.Above {
		all = append(all, l.Trusted...)
	}
	return all
}

// CRLsAbove are the paths of their lists.
func (a Authority) CRLsAbove() []string {
	var all []string
	for _, l := range a.Above {
		all = append(all, l.Lists...)
	}
	return all
}
