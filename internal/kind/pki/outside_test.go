package pki

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// elsewhereCA is a CA of openssl, in a directory of its own.
func (r *room) elsewhereCA() {
	r.Helper()
	r.put("/pki/ca.cnf", `[ca]
default_ca = o
[o]
dir = away
database = $dir/index.txt
serial = $dir/serial
crlnumber = $dir/crlnumber
new_certs_dir = $dir
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
default_days = 90
default_crl_days = 30
policy = p
copy_extensions = copy
x509_extensions = leaf
unique_subject = no
[p]
commonName = supplied
organizationName = optional
[req]
distinguished_name = dn
[dn]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[leaf]
basicConstraints = critical,CA:false
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
`)
	r.run("mkdir", "away")
	r.put("/away/index.txt", "")
	r.put("/away/serial", "1000\n")
	r.put("/away/crlnumber", "01\n")
	r.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650", "-subj", "/CN=Elsewhere CA", "-keyout", "away/ca.key", "-out", "away/ca.crt", "-config", "pki/ca.cnf", "-extensions", "root")
	r.run("cp", "away/ca.crt", "pki/ca.crt")
}

func (r *room) signElsewhere(csr, crt string, args ...string) {
	r.Helper()
	r.run("openssl", append([]string{"ca", "-batch", "-config", "pki/ca.cnf", "-in", csr, "-out", crt, "-notext"}, args...)...)
}

func (r *room) listElsewhere(crl string) {
	r.Helper()
	r.run("openssl", "ca", "-batch", "-config", "pki/ca.cnf", "-gencrl", "-out", crl)
}

// asked is a wish for a certificate of that CA.
func asked(name, usage string) (CertificateRequest, Certificate) {
	request := CertificateRequest{Key: p("/pki/" + name + ".key"), Usage: &usage, Subject: &policy.Subject{CommonName: name}}
	cert := leaf(name, usage)
	cert.IssuerKey, cert.Request, cert.External = nil, p("/pki/"+name+".csr"), p(true)
	return request, cert
}

func (r *room) awaits(name string, want *Certificate) string {
	r.Helper()
	return kindOf(newCertificates(r.Host)).Awaits(r.Context(), name, r.seen(newCertificates(r.Host), name, want), r.normal(newCertificates(r.Host), name, want))
}

// listAwaits is what a list waits for.
func (r *room) listAwaits(name string, want *CRL) string {
	r.Helper()
	return kindOf(newCRLs(r.Host)).Awaits(r.Context(), name, r.seen(newCRLs(r.Host), name, want), r.normal(newCRLs(r.Host), name, want))
}

func kindOf[T any](v resource.Verbs[T]) resource.Kind {
	return resource.Define("it", "", resource.Traits{}, v)
}

func (r *room) normal(v any, name string, want any) any {
	r.Helper()
	k := erasedKind(v)
	normal, err := k.Normalize(context.Background(), map[string]any{name: want})
	if err != nil {
		r.Fatalf("%s: %v", name, err)
	}
	return normal[name]
}

func (r *room) seen(v any, name string, want any) any {
	r.Helper()
	o := erasedKind(v).Observe(context.Background(), map[string]any{name: r.normal(v, name, want)})[name]
	if o.Err != nil {
		r.Fatal(o.Err)
	}
	return o.Got
}

func erasedKind(v any) resource.Kind {
	switch v := v.(type) {
	case *certificates:
		return kindOf[Certificate](v)
	case *privateKeys:
		return kindOf[PrivateKey](v)
	}
	return kindOf[CRL](v.(*crls))
}

// bring takes in what came back.
func (r *room) bring(certs map[string]*Certificate, lists map[string]*CRL, files ...string) ([]Brought, error) {
	r.Helper()
	var all [][]byte
	for _, file := range files {
		all = append(all, []byte(r.get(file)))
	}
	return Bring(r.Host, Wishes{Certificates: certs, Lists: lists}, all...)
}

func TestWhatAnOutsideCASignsIsBrought(t *testing.T) {
	r := newRoom(t)
	r.elsewhereCA()
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	makeIt(r, newPrivateKeys(r.Host), "/pki/gw.key", PrivateKey{})
	request, cert := asked("gw", policy.UsageServer)
	makeIt(r, newRequests(r.Host), "/pki/gw.csr", request)
	if got := r.run("openssl", "req", "-in", "pki/gw.csr", "-verify", "-noout", "-text"); !strings.Contains(got, "TLS Web Server Authentication") || !strings.Contains(got, "CN = gw") {
		t.Error(got)
	}
	if got := r.awaits("/pki/gw.crt", &cert); got != bringSignature {
		t.Errorf("it waits for %q", got)
	}
	list := CRL{Issuer: p("/pki/ca.crt"), Ledger: p("/pki/issued"), External: p(true)}
	if got := r.listAwaits("/pki/crl.pem", &list); got != bringList {
		t.Errorf("the list waits for %q", got)
	}
	r.signElsewhere("pki/gw.csr", "away/gw.crt")
	r.listElsewhere("away/crl.pem")
	certs, lists := map[string]*Certificate{"/pki/gw.crt": &cert}, map[string]*CRL{"/pki/crl.pem": &list}
	r.now = r.now.Add(2 * time.Second)
	taken, err := r.bring(certs, lists, "/away/gw.crt", "/away/crl.pem")
	if err != nil || len(taken) != 2 {
		t.Fatal(taken, err)
	}
	for _, got := range []string{r.awaits("/pki/gw.crt", &cert), r.listAwaits("/pki/crl.pem", &list)} {
		if got != "" {
			t.Errorf("it was brought, and waits for %q", got)
		}
	}
	makeIt(r, newCertificates(r.Host), "/pki/gw.crt", cert)
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	r.run("openssl", "verify", "-x509_strict", "-crl_check", "-purpose", "sslserver", "-CAfile", "pki/ca.crt", "-CRLfile", "pki/crl.pem", "pki/gw.crt")
	if _, err := r.bring(certs, nil, "/away/gw.crt"); err == nil || !strings.Contains(err.Error(), "stands there already") {
		t.Errorf("taken twice: %v", err)
	}
	// In its renewal window it waits again, and stands meanwhile.
	r.now = r.now.Add(70 * 24 * time.Hour)
	if got := r.awaits("/pki/gw.crt", &cert); got != bringSignature {
		t.Errorf("it is due and waits for %q", got)
	}
	if got := r.listAwaits("/pki/crl.pem", &list); got != bringList {
		t.Errorf("the list is due and waits for %q", got)
	}
}

// What is brought is not trusted before it is checked, and nothing of it is taken where
// one thing is wrong.
func TestWhatIsNotTakenIn(t *testing.T) {
	r := newRoom(t)
	r.elsewhereCA()
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	certs, lists := make(map[string]*Certificate), map[string]*CRL{"/pki/crl.pem": {Issuer: p("/pki/ca.crt"), Ledger: p("/pki/issued"), External: p(true)}}
	for name, usage := range map[string]string{"gw": policy.UsageServer, "alice": policy.UsageClient} {
		makeIt(r, newPrivateKeys(r.Host), "/pki/"+name+".key", PrivateKey{})
		request, cert := asked(name, usage)
		makeIt(r, newRequests(r.Host), "/pki/"+name+".csr", request)
		certs["/pki/"+name+".crt"] = &cert
	}
	r.signElsewhere("pki/gw.csr", "away/gw.crt")
	r.put("/pki/any.cnf", "[srv]\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n[none]\n[ca]\nbasicConstraints=critical,CA:true\n")
	other := func(out, section string, args ...string) {
		r.run("openssl", append([]string{"x509", "-req", "-in", "pki/alice.csr", "-CA", "away/ca.crt", "-CAkey", "away/ca.key", "-CAcreateserial", "-extfile", "pki/any.cnf", "-extensions", section, "-out", out}, args...)...)
	}
	other("away/server.crt", "srv")
	other("away/none.crt", "none")
	other("away/early.crt", "none", "-days", "-1")
	r.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Elsewhere CA", "-keyout", "away/forged.key", "-out", "away/forged.ca", "-days", "10")
	r.run("openssl", "x509", "-req", "-in", "pki/alice.csr", "-CA", "away/forged.ca", "-CAkey", "away/forged.key", "-CAcreateserial", "-copy_extensions", "copyall", "-out", "away/forged.crt")
	r.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=stranger", "-keyout", "away/x.key", "-out", "away/x.csr")
	r.run("openssl", "x509", "-req", "-in", "away/x.csr", "-CA", "away/ca.crt", "-CAkey", "away/ca.key", "-CAcreateserial", "-out", "away/stranger.crt")
	r.put("/away/junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	r.now = r.now.Add(time.Minute)
	for file, want := range map[string]string{
		"server.crt":   "its extended key usage is that of server, and it is asked for as that of a client",
		"none.crt":     "and it is asked for as that of a client",
		"forged.crt":   "the CA /pki/ca.crt did not sign it",
		"stranger.crt": "nothing that waits here has its key",
		"junk":         "it holds a certificate that can't be read",
		"ca.key":       "it holds a private key",
		"ca.cnf":       "it holds no certificate and no revocation list",
	} {
		if file == "ca.cnf" {
			r.put("/away/ca.cnf", "junk")
		}
		_, err := r.bring(certs, lists, "/away/gw.crt", "/away/"+file)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if found, err := Issued(r.Host, "/pki/issued"); err != nil || len(found) > 0 {
		t.Errorf("something was taken: %v %v", found, err)
	}
	r.now = r.now.Add(200 * 24 * time.Hour)
	if _, err := r.bring(certs, lists, "/away/gw.crt"); err == nil || !strings.Contains(err.Error(), "it ran out on") {
		t.Error(err)
	}
	r.now = r.now.Add(-400 * 24 * time.Hour)
	if _, err := r.bring(certs, lists, "/away/gw.crt"); err == nil || !strings.Contains(err.Error(), "the clock of this host says") {
		t.Error(err)
	}
}

// A list of an outside CA takes nobody off, never goes back, and what it bars stands no
// more; whom it does not bar though they are out is told.
func TestListsOfAnOutsideCA(t *testing.T) {
	r := newRoom(t)
	r.elsewhereCA()
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	list := CRL{Issuer: p("/pki/ca.crt"), Ledger: p("/pki/issued"), External: p(true), Members: []string{"alice", "bob"}}
	certs, lists := make(map[string]*Certificate), map[string]*CRL{"/pki/crl.pem": &list}
	for _, name := range []string{"alice", "bob"} {
		makeIt(r, newPrivateKeys(r.Host), "/pki/"+name+".key", PrivateKey{})
		request, cert := asked(name, policy.UsageClient)
		makeIt(r, newRequests(r.Host), "/pki/"+name+".csr", request)
		certs["/pki/"+name+".crt"] = &cert
		r.signElsewhere("pki/"+name+".csr", "away/"+name+".crt")
	}
	r.now = r.now.Add(2 * time.Second)
	r.listElsewhere("away/crl1.pem")
	if _, err := r.bring(certs, lists, "/away/alice.crt", "/away/bob.crt", "/away/crl1.pem"); err != nil {
		t.Fatal(err)
	}
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	makeIt(r, newCertificates(r.Host), "/pki/alice.crt", *certs["/pki/alice.crt"])
	list.Members = []string{"bob"}
	if got := r.seen(newCRLs(r.Host), "/pki/crl.pem", &list).(*CRL); got.Lacks == nil || !strings.HasPrefix(*got.Lacks, "alice, who may not come in any more") {
		t.Errorf("nobody is told that alice still may: %v", got.Lacks)
	}
	r.run("openssl", "ca", "-batch", "-config", "pki/ca.cnf", "-revoke", "away/alice.crt")
	r.listElsewhere("away/crl2.pem")
	if _, err := r.bring(certs, lists, "/away/crl2.pem"); err != nil {
		t.Fatal(err)
	}
	got := makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	if got.Lacks != nil {
		t.Errorf("lacks %s", *got.Lacks)
	}
	if _, err := r.bring(certs, lists, "/away/crl1.pem"); err == nil || !strings.Contains(err.Error(), "a later list of that CA is here") {
		t.Errorf("an old list: %v", err)
	}
	// An index that forgot makes a list that would let alice in again.
	r.put("/away/index.txt", "")
	r.listElsewhere("away/crl3.pem")
	if _, err := r.bring(certs, lists, "/away/crl3.pem"); err == nil || !strings.Contains(err.Error(), "it would let alice in again") {
		t.Errorf("a list that forgot: %v", err)
	}
	if want := r.awaits("/pki/alice.crt", certs["/pki/alice.crt"]); want != bringSignature {
		t.Errorf("a certificate that its CA revoked passes for good, and waits for %q", want)
	}
	if _, err := r.bring(certs, lists, "/away/alice.crt"); err == nil || !strings.Contains(err.Error(), "its CA has revoked it") {
		t.Errorf("a revoked certificate: %v", err)
	}
}

// A list that OpenSSL reads as something else than the list of all that the CA revoked
// would let in who was revoked, or shut everybody out.
func TestListsThatReadersMistake(t *testing.T) {
	r := newRoom(t)
	r.elsewhereCA()
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	lists := map[string]*CRL{"/pki/crl.pem": {Issuer: p("/pki/ca.crt"), Ledger: p("/pki/issued"), External: p(true)}}
	r.put("/pki/ca.cnf", r.get("/pki/ca.cnf")+`[delta]
2.5.29.27=critical,DER:020101
[other]
2.5.29.35=DER:30:06:80:04:01:02:03:04
[scope]
issuingDistributionPoint=critical,@point
[point]
fullname=URI:http://ca.example.com/a.crl
[reasons]
issuingDistributionPoint=critical,@some
[some]
onlysomereasons=keyCompromise
[odd]
1.2.3.4=critical,DER:0500
[users]
issuingDistributionPoint=critical,@user
authorityKeyIdentifier=keyid:always
[user]
onlyuser=TRUE
`)
	r.now = r.now.Add(time.Minute)
	for _, c := range []struct{ section, want string }{
		{"delta", "it tells what changed since another list"},
		{"other", "it names another key of its CA"},
		{"scope", "it is for a part of what its CA signed"},
		{"reasons", "it is for a part of what its CA signed"},
		{"odd", "it says 1.2.3.4, which readers have to know and don't"},
		{"users", ""},
	} {
		r.run("openssl", "ca", "-batch", "-config", "pki/ca.cnf", "-gencrl", "-crlexts", c.section, "-out", "away/"+c.section+".pem")
		_, err := r.bring(nil, lists, "/away/"+c.section+".pem")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", c.section, err)
		}
	}
	back := &x509.RevocationList{Number: big.NewInt(99), ThisUpdate: r.now.Add(-time.Minute), NextUpdate: r.now.Add(time.Hour)}
	back.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: r.now.Add(-time.Minute), ReasonCode: 8}}
	ca, err := policy.ParseCertificate([]byte(r.get("/away/ca.crt")))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := pem.Decode([]byte(r.get("/away/ca.key")))
	signer, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, back, ca, signer.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	r.put("/away/back.crl", string(der))
	if _, err := r.bring(nil, lists, "/away/back.crl"); err == nil || !strings.Contains(err.Error(), "it takes serial number 07 off itself") {
		t.Errorf("removeFromCRL: %v", err)
	}
}

// The key of a CA may be away. What needs it waits, what does not goes on, and nothing is
// wrong meanwhile.
func TestKeyOfTheCAMayBeAway(t *testing.T) {
	r := newRoom(t)
	key := PrivateKey{Certificate: p("/pki/ca.crt"), Away: p(true)}
	ca := Certificate{Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Acme VPN CA"}, Validity: p(3650 * resource.Day), Away: p(true)}
	list := CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"a"}, Away: p(true)}
	a := leaf("a", policy.UsageClient)
	a.Away = p(true)
	if got := r.awaits("/pki/ca.crt", &ca); got != "" {
		t.Fatalf("a CA that is only now made waits for %q", got)
	}
	makeIt(r, newPrivateKeys(r.Host), "/pki/ca.key", key)
	makeIt(r, newCertificates(r.Host), "/pki/ca.crt", ca)
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	makeIt(r, newPrivateKeys(r.Host), "/pki/a.key", PrivateKey{})
	makeIt(r, newCertificates(r.Host), "/pki/a.crt", a)
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	secret := r.get("/pki/ca.key")
	r.remove("/pki/ca.key")
	for name, c := range map[string]struct{ v, want any }{
		"/pki/ca.key": {newPrivateKeys(r.Host), &key}, "/pki/ca.crt": {newCertificates(r.Host), &ca},
		"/pki/a.crt": {newCertificates(r.Host), &a}, "/pki/crl.pem": {newCRLs(r.Host), &list},
	} {
		if diffs := resource.Compare(r.seen(c.v, name, c.want), r.normal(c.v, name, c.want)); len(diffs) > 0 {
			t.Errorf("%s is to be changed: %+v", name, diffs)
		}
	}
	if err := tryIt(r, newPrivateKeys(r.Host), "/pki/ca.key", key); err == nil || !strings.Contains(err.Error(), "is elsewhere") {
		t.Errorf("a new key was made: %v", err)
	}
	list.Members = []string{}
	const want = "the key of its CA, /pki/ca.key: "
	if got := r.listAwaits("/pki/crl.pem", &list); !strings.HasPrefix(got, want) {
		t.Errorf("a revocation waits for %q", got)
	}
	b := leaf("b", policy.UsageClient)
	b.Away = p(true)
	if got := r.awaits("/pki/b.crt", &b); !strings.HasPrefix(got, want) {
		t.Errorf("a new certificate waits for %q", got)
	}
	r.now = r.now.Add(9 * 365 * 24 * time.Hour)
	if got := r.awaits("/pki/ca.crt", &ca); !strings.HasPrefix(got, want) {
		t.Errorf("the CA itself waits for %q", got)
	}
	r.put("/pki/ca.key", secret)
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	makeIt(r, newCertificates(r.Host), "/pki/ca.crt", ca)
	parsed, err := policy.ParseCertificate([]byte(r.get("/pki/ca.crt")))
	if err != nil || parsed.NotBefore.Before(r.now.Add(-time.Hour)) {
		t.Errorf("the CA was not renewed: %v", err)
	}
}

// The key of a CA may be given for one apply. It signs, and is written down nowhere.
func TestKeyOfTheCAMayBeLent(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	secret := r.get("/pki/ca.key")
	r.remove("/pki/ca.key")
	makeIt(r, newPrivateKeys(r.Host), "/pki/a.key", PrivateKey{})
	a := leaf("a", policy.UsageClient)
	a.External = p(true)
	list := CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"a"}, External: p(true)}
	if got := r.awaits("/pki/a.crt", &a); !strings.HasPrefix(got, "the key of its CA, /pki/ca.key: ") {
		t.Errorf("it waits for %q", got)
	}
	a.IssuerPEM, list.IssuerPEM = resource.NewSecret(secret), resource.NewSecret(secret)
	for _, got := range []string{r.awaits("/pki/a.crt", &a), r.listAwaits("/pki/crl.pem", &list)} {
		if got != "" {
			t.Errorf("the key is there, and it waits for %q", got)
		}
	}
	makeIt(r, newCertificates(r.Host), "/pki/a.crt", a)
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", list)
	for _, shape := range []any{&a, &list} {
		data, err := resource.Encode(shape, resource.Reveal)
		if err != nil || strings.Contains(string(data), "PRIVATE KEY") || strings.Contains(string(data), "issuer_pem") {
			t.Errorf("%v %s", err, data)
		}
		if resource.Secretive(shape) {
			t.Error("what is kept of it holds a secret")
		}
		resource.EncodeInOrder(shape, resource.Reveal, func(f resource.Field, _ []byte) {
			if f.Fleeting {
				t.Errorf("%s is written", f.Name)
			}
		})
	}
	r.run("sh", "-c", "! grep -rq 'PRIVATE KEY' pki/issued pki/a.crt pki/crl.pem")
	other := newRoom(t)
	other.newCA("ecdsa-p256")
	a.IssuerPEM = resource.NewSecret(other.get("/pki/ca.key"))
	r.remove("/pki/a.crt")
	if _, err := kindOf(newCertificates(r.Host)).Normalize(t.Context(), map[string]any{"/pki/a.crt": &a}); err == nil || !strings.Contains(err.Error(), "does not belong to the CA") || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("the key of another CA: %v", err)
	}
}
