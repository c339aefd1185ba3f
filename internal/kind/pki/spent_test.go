package pki

import (
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// rolled is a succession in which the old CA has signed for a alone, and both lists and
// the files of a server stand. A process of OpenVPN that runs trusts the old CA still,
// whatever becomes of the file, and lets in whom no list is about.
func rolled(t *testing.T) (s *succession, server map[string]AssembledFile) {
	s = newSuccession(t)
	s.ca.Validity = p(7300 * resource.Day)
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/ca-2.key", PrivateKey{})
	makeIt(s.room, newCertificates(s.Host), "/pki/ca-2.crt", s.ca)
	makeIt(s.room, newPrivateKeys(s.Host), "/pki/a.key", PrivateKey{})
	makeIt(s.room, newCertificates(s.Host), "/pki/a.crt", leaf("a", policy.UsageClient))
	s.members("a")
	both := Authority{Trusted: []string{"/pki/ca-2.crt", "/pki/ca.crt"}, Lists: []string{"/pki/crl-2.pem", "/pki/crl.pem"}, Ledger: "/pki/issued"}
	leaving := both.TrustParts()
	leaving[1].Leaves = p(true)
	return s, map[string]AssembledFile{"/trusted": {Parts: leaving}, "/lists": {Parts: both.ListParts()}}
}

func (s *succession) assemble(server map[string]AssembledFile) {
	s.Helper()
	for name, want := range server {
		makeIt(s.room, assembled.NewAssembledFiles(s.Host), name, want)
	}
}

// Who was the last that an earlier CA signed for is revoked. It leaves, and its list stays,
// with them on it.
func TestRevokedStaysRevokedThoughHisWasTheLastOfACA(t *testing.T) {
	s, server := rolled(t)
	s.assemble(server)
	s.members([]string{}...)
	s.assemble(server)
	if s.get("/trusted") != s.get("/pki/ca-2.crt") {
		t.Error("the old CA is trusted, and nothing that it signed is good")
	}
	if s.get("/lists") != s.get("/pki/crl-2.pem")+s.get("/pki/crl.pem") {
		t.Error("the list of the old CA is gone")
	}
	s.run("sh", "-c", "cat pki/ca.crt pki/ca-2.crt >cas")
	if out, err := s.try("openssl", "verify", "-crl_check", "-CAfile", "cas", "-CRLfile", "lists", "pki/a.crt"); err == nil || !strings.Contains(out, "revoked") {
		t.Errorf("openssl verify: %v: %s", err, out)
	}
	s.now = s.now.Add(11 * 365 * 24 * time.Hour)
	makeIt(s.room, newCRLs(s.Host), "/pki/crl-2.pem", s.list)
	makeIt(s.room, assembled.NewAssembledFiles(s.Host), "/lists", server["/lists"])
	if s.get("/lists") != s.get("/pki/crl-2.pem") {
		t.Error("the list of the old CA outlives it")
	}
}

// A run that is killed has noted which certificate of somebody is void and signed no list
// yet. It is owed.
func TestListOfAnEarlierCAIsOwedToTheEnd(t *testing.T) {
	s, _ := rolled(t)
	cert, err := policy.ParseCertificate([]byte(s.get("/pki/a.crt")))
	if err != nil {
		t.Fatal(err)
	}
	s.put("/pki/issued/"+policy.SerialOf(cert.SerialNumber)+".revoked", "")
	s.oldList.Revoke = map[string]string{policy.SerialOf(cert.SerialNumber): "a"}
	got, want := s.seen(newCRLs(s.Host), "/pki/crl.pem", &s.oldList), s.normal(newCRLs(s.Host), "/pki/crl.pem", &s.oldList)
	if len(resource.Compare(got, want)) == 0 {
		t.Fatal("a is on no list, and none is to be made")
	}
	makeIt(s.room, newCRLs(s.Host), "/pki/crl.pem", s.oldList)
	if list, err := parseCRL([]byte(s.get("/pki/crl.pem"))); err != nil || len(list.RevokedCertificateEntries) != 1 {
		t.Errorf("a is on no list: %v", err)
	}
}

// A ledger without anything of a CA has lost it, and tells nothing of what is good.
func TestEarlierCAOutlivesTheLedger(t *testing.T) {
	s, server := rolled(t)
	s.assemble(server)
	s.run("sh", "-c", "rm pki/issued/*.pem")
	s.assemble(server)
	if s.get("/trusted") != s.get("/pki/ca-2.crt")+s.get("/pki/ca.crt") {
		t.Error("the old CA went with the ledger")
	}
}

// Two lists of one CA are told apart by when they were issued, also where one follows the
// other at once, and none is of the future.
func TestEachListIsLaterThanTheOneBefore(t *testing.T) {
	s, _ := rolled(t)
	before, err := parseCRL([]byte(s.get("/pki/crl.pem")))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.remove("/pki/issued/crlnumber")
		s.oldList.Revoke = map[string]string{policy.SerialOf(before.Number): ""}
		makeIt(s.room, newCRLs(s.Host), "/pki/crl.pem", s.oldList)
		list, err := parseCRL([]byte(s.get("/pki/crl.pem")))
		if err != nil || !list.ThisUpdate.After(before.ThisUpdate) || list.ThisUpdate.After(s.now) {
			t.Fatalf("after %s, at %s, comes %s (%v)", before.ThisUpdate, s.now, list.ThisUpdate, err)
		}
		before = list
	}
	s.now = before.ThisUpdate
	s.oldList.Revoke = map[string]string{"abcdef": ""}
	makeIt(s.room, newCRLs(s.Host), "/pki/crl.pem", s.oldList)
	if list, err := parseCRL([]byte(s.get("/pki/crl.pem"))); err != nil || list.ThisUpdate.After(s.now) {
		t.Errorf("a list of the future: %v (%v)", list.ThisUpdate, err)
	}
}

// A list is never left out for what is lost or spoilt: one of a CA still to come is no part
// of what OpenVPN reads.
func TestNoListIsLeftOutForWhatIsLost(t *testing.T) {
	s, server := rolled(t)
	made := func() error {
		s.run("rm", "-f", "lists")
		return tryIt(s.room, assembled.NewAssembledFiles(s.Host), "/lists", server["/lists"])
	}
	whole := s.get("/pki/ca.crt")
	for what, spoil := range map[string]func(){"spoilt": func() { s.put("/pki/ca.crt", "?") }, "lost": func() { s.remove("/pki/ca.crt") }} {
		if spoil(); made() != nil || s.get("/lists") != s.get("/pki/crl-2.pem")+s.get("/pki/crl.pem") {
			t.Errorf("the list of an earlier CA whose certificate is %s is left out", what)
		}
		s.put("/pki/ca.crt", whole)
	}
	ca, list, before := s.get("/pki/ca-2.crt"), s.get("/pki/crl-2.pem"), s.get("/pki/crl.pem")
	s.remove("/pki/ca-2.crt")
	if err := made(); err != nil || s.get("/lists") != list+before {
		t.Errorf("the list of a CA whose certificate is lost is left out (%v)", err)
	}
	s.put("/pki/ca-2.crt", ca)
	s.remove("/pki/crl-2.pem")
	if err := made(); err == nil || !strings.Contains(err.Error(), "reading its part /pki/crl-2.pem") {
		t.Errorf("a list that is lost is left out (%v)", err)
	}
	s.remove("/pki/ca-2.crt")
	if err := made(); err == nil || !strings.Contains(err.Error(), "reading its part /pki/crl-2.pem") {
		t.Errorf("a list that is lost with its CA is left out (%v)", err)
	}
}
