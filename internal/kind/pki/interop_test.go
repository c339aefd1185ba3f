package pki

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/pki/dhparams"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/kind/pki/tlscrypt"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestOpenSSLVerifies(t *testing.T) {
	for _, algorithm := range policy.Algorithms {
		t.Run(algorithm, func(t *testing.T) {
			r := newRoom(t)
			r.newCA(algorithm)
			keys, certs := newPrivateKeys(r.Host), newCertificates(r.Host)
			makeIt(r, keys, "/pki/server.key", PrivateKey{Algorithm: &algorithm})
			makeIt(r, keys, "/pki/bob.key", PrivateKey{Algorithm: p("ecdsa-p256")})
			server := leaf("server", policy.UsageServer)
			server.Subject = &policy.Subject{CommonName: "server", Country: "US", Province: "NY", Locality: "New York", Organization: "Acme, Inc.", OrganizationalUnit: "IT", Email: "it@example.com"}
			server.DNSNames, server.IPAddresses = []string{"vpn.example.com"}, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}
			makeIt(r, certs, "/pki/server.crt", server)
			makeIt(r, certs, "/pki/bob.crt", leaf("bob", policy.UsageClient))
			crl := CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"server", "bob"}}
			makeIt(r, newCRLs(r.Host), "/pki/crl.pem", crl)

			verify := func(purpose, cert string) (string, error) {
				return r.try("openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", "pki/ca.crt", "-CRLfile", "pki/crl.pem", "-purpose", purpose, cert)
			}
			for purpose, cert := range map[string]string{"sslserver": "pki/server.crt", "sslclient": "pki/bob.crt"} {
				if out, err := verify(purpose, cert); err != nil {
					t.Errorf("%s: %s", cert, out)
				}
			}
			if out, err := verify("sslserver", "pki/bob.crt"); err == nil {
				t.Errorf("a client's certificate passes for a server's: %s", out)
			}
			if got := r.run("openssl", "pkey", "-in", "pki/server.key", "-noout", "-text", "-check"); !strings.Contains(got, "Key is valid") {
				t.Error(got)
			}
			r.now = r.now.Add(time.Second)
			crl.Members = []string{"server"}
			makeIt(r, newCRLs(r.Host), "/pki/crl.pem", crl)
			if out, err := verify("sslclient", "pki/bob.crt"); err == nil || !strings.Contains(out, "certificate revoked") {
				t.Errorf("revoked, and yet: %s", out)
			}
			if out, err := verify("sslserver", "pki/server.crt"); err != nil {
				t.Error(out)
			}
		})
	}
}

func TestOpenSSLReadsWhatWasAskedFor(t *testing.T) {
	r := newRoom(t)
	r.newCA("rsa-2048")
	makeIt(r, newPrivateKeys(r.Host), "/pki/server.key", PrivateKey{Algorithm: p("rsa-2048")})
	server := leaf("server", policy.UsageServer)
	server.Subject = &policy.Subject{CommonName: "server", Country: "US", Province: "NY", Locality: "New York", Organization: "Acme, Inc.", OrganizationalUnit: "IT", Email: "it@example.com"}
	server.DNSNames, server.IPAddresses = []string{"vpn.example.com"}, []netip.Addr{netip.MustParseAddr("192.0.2.1")}
	got := makeIt(r, newCertificates(r.Host), "/pki/server.crt", server)
	text := r.run("openssl", "x509", "-in", "pki/server.crt", "-noout", "-text")
	for _, want := range []string{
		"Subject: C = US, ST = NY, L = New York, O = \"Acme, Inc.\", OU = IT, CN = server, emailAddress = it@example.com",
		"Issuer: O = \"Acme, Inc.\", CN = Acme VPN CA",
		"X509v3 Key Usage: critical\n                Digital Signature, Key Encipherment\n",
		"X509v3 Extended Key Usage: \n                TLS Web Server Authentication\n",
		"X509v3 Basic Constraints: critical\n                CA:FALSE\n",
		"X509v3 Subject Key Identifier:",
		"X509v3 Authority Key Identifier:",
		"DNS:vpn.example.com, IP Address:192.0.2.1",
		"Not Before: " + r.now.Add(-policy.Backdate).Format("Jan _2 15:04:05 2006") + " GMT",
		"Not After : " + r.now.Add(90*24*time.Hour).Format("Jan _2 15:04:05 2006") + " GMT",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("misses %q:\n%s", want, text)
		}
	}
	if len(*got.Serial) < 24 || *got.NotAfter != r.now.Add(90*24*time.Hour).Format(time.RFC3339) {
		t.Errorf("%s %s", *got.Serial, *got.NotAfter)
	}
	text = r.run("openssl", "x509", "-in", "pki/ca.crt", "-noout", "-text")
	for _, want := range []string{"CA:TRUE, pathlen:0", "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the CA misses %q:\n%s", want, text)
		}
	}
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{}})
	text = r.run("openssl", "crl", "-in", "pki/crl.pem", "-noout", "-text")
	for _, want := range []string{"X509v3 CRL Number:", "X509v3 Authority Key Identifier:", "Cessation Of Operation"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list misses %q:\n%s", want, text)
		}
	}
}

func TestSelfSigned(t *testing.T) {
	r := newRoom(t)
	makeIt(r, newPrivateKeys(r.Host), "/pki/s.key", PrivateKey{})
	want := Certificate{Key: p("/pki/s.key"), Usage: p(policy.UsageSigning), Subject: &policy.Subject{CommonName: "Signing"}}
	first := makeIt(r, newCertificates(r.Host), "/pki/s.crt", want)
	if out := r.run("openssl", "verify", "-check_ss_sig", "-CAfile", "pki/s.crt", "pki/s.crt"); !strings.Contains(out, "OK") {
		t.Error(out)
	}
	r.remove("/pki/s.key")
	makeIt(r, newPrivateKeys(r.Host), "/pki/s.key", PrivateKey{Algorithm: p("ed25519")})
	if second := makeIt(r, newCertificates(r.Host), "/pki/s.crt", want); *first.Serial == *second.Serial {
		t.Error("a certificate for a key that is gone was kept")
	}
}

func TestSSHKeygenReads(t *testing.T) {
	for _, algorithm := range []string{"ecdsa-p256", "ed25519", "rsa-2048"} {
		r := newRoom(t)
		v := newPrivateKeys(r.Host)
		makeIt(r, v, "/pki/id", PrivateKey{Algorithm: &algorithm, Format: p(policy.OpenSSH), Mode: p(resource.Mode(0o600))})
		public := r.run("ssh-keygen", "-y", "-f", "pki/id")
		if strings.TrimSpace(public) != strings.TrimSpace(r.get("/pki/id.pub")) {
			t.Errorf("%s: ssh-keygen says %s, beside it stands %s", algorithm, public, r.get("/pki/id.pub"))
		}
		key := r.get("/pki/id")
		r.put("/pki/id.pub", strings.TrimSpace(public)+" me@home\n")
		makeIt(r, v, "/pki/id", PrivateKey{Algorithm: &algorithm, Format: p(policy.OpenSSH)})
		if !strings.Contains(r.get("/pki/id.pub"), "me@home") {
			t.Error("somebody's comment was taken away")
		}
		r.put("/pki/id.pub", "garbage")
		makeIt(r, v, "/pki/id", PrivateKey{Algorithm: &algorithm, Format: p(policy.OpenSSH)})
		if r.get("/pki/id.pub") != public || r.get("/pki/id") != key {
			t.Errorf("%s: %s", algorithm, r.get("/pki/id.pub"))
		}
		if err := resourcetest.Remove(t.Context(), v, "/pki/id"); err != nil {
			t.Fatal(err)
		}
		if left, err := r.List("/pki"); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}

func TestDHParamsAreTheNamedGroups(t *testing.T) {
	for _, bits := range []int{2048, 3072, 4096, 6144, 8192} {
		r := newRoom(t)
		makeIt(r, dhparams.NewDHParams(r.Host), "/pki/dh.pem", dhparams.DHParams{Bits: &bits})
		want := r.run("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", fmt.Sprintf("group:ffdhe%d", bits))
		if r.get("/pki/dh.pem") != want {
			t.Errorf("ffdhe%d is another group", bits)
		}
		if bits == 2048 {
			if out := r.run("openssl", "dhparam", "-in", "pki/dh.pem", "-check", "-noout"); !strings.Contains(out, "DH parameters appear to be ok") {
				t.Error(out)
			}
		}
	}
}

func TestOpenVPNReadsItsKeys(t *testing.T) {
	r := newRoom(t)
	v2 := tlscrypt.NewTLSCryptV2Keys(r.Host)
	makeIt(r, v2, "/pki/v2-server.key", tlscrypt.TLSCryptV2Key{})
	makeIt(r, v2, "/pki/v2-client.key", tlscrypt.TLSCryptV2Key{Server: p("/pki/v2-server.key")})
	makeIt(r, tlscrypt.NewStaticKeys(r.Host), "/pki/ta.key", tlscrypt.StaticKey{})
	r.newCA("ecdsa-p256")
	r.issue("peer")
	for _, wrap := range []string{"tls-crypt pki/ta.key", "tls-auth pki/ta.key 1"} {
		// A connection to a port where nobody listens: by then OpenVPN has read
		// every key and made its TLS context.
		r.put("/conf", strings.Join([]string{
			"client", "dev null", "ifconfig-noexec", "remote 127.0.0.1 9 tcp-client", "ca pki/ca.crt", "cert pki/peer.crt", "key pki/peer.key",
			wrap, "connect-retry-max 1", "connect-timeout 1", "remote-cert-tls server",
		}, "\n")+"\n")
		out, _ := r.try("timeout", "20", "openvpn", "--config", "conf")
		if !strings.Contains(out, "Attempting to establish TCP connection") {
			t.Errorf("%s: %s", wrap, out)
		}
	}
	other := newRoom(t)
	makeIt(other, tlscrypt.NewTLSCryptV2Keys(other.Host), "/pki/v2-server.key", tlscrypt.TLSCryptV2Key{})
	r.put("/pki/v2-server.key", other.get("/pki/v2-server.key"))
	got, err := resourcetest.Observe(t.Context(), v2, "/pki/v2-client.key")
	if err != nil || *got.Current {
		t.Errorf("another server's key opens it: %v %v", got, err)
	}
	makeIt(r, v2, "/pki/v2-client.key", tlscrypt.TLSCryptV2Key{Server: p("/pki/v2-server.key")})
}

// The handshake itself: a server with our key, a client with our wrapped one.
func TestOpenVPNHandshake(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	makeIt(r, newPrivateKeys(r.Host), "/pki/server.key", PrivateKey{})
	makeIt(r, newCertificates(r.Host), "/pki/server.crt", leaf("server", policy.UsageServer))
	r.issue("bob")
	makeIt(r, newCRLs(r.Host), "/pki/crl.pem", CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"server", "bob"}})
	v2 := tlscrypt.NewTLSCryptV2Keys(r.Host)
	makeIt(r, v2, "/pki/v2s.key", tlscrypt.TLSCryptV2Key{})
	makeIt(r, v2, "/pki/v2c.key", tlscrypt.TLSCryptV2Key{Server: p("/pki/v2s.key")})
	port := fmt.Sprint(20000 + os.Getpid()%20000)
	r.put("/server.conf", strings.Join([]string{
		"dev null", "ifconfig-noexec", "tls-server", "proto udp", "local 127.0.0.1", "port " + port, "dh none",
		"ca pki/ca.crt", "cert pki/server.crt", "key pki/server.key", "tls-crypt-v2 pki/v2s.key", "crl-verify pki/crl.pem", "remote-cert-tls client",
	}, "\n")+"\n")
	r.put("/client.conf", strings.Join([]string{
		"dev null", "ifconfig-noexec", "tls-client", "remote 127.0.0.1 " + port + " udp", "nobind",
		"ca pki/ca.crt", "cert pki/bob.crt", "key pki/bob.key", "tls-crypt-v2 pki/v2c.key", "remote-cert-tls server", "verify-x509-name server name",
	}, "\n")+"\n")
	server := r.start("openvpn", "--config", "server.conf")
	client := r.start("openvpn", "--config", "client.conf")
	for client.Scan() {
		if strings.Contains(client.Text(), "Initialization Sequence Completed") {
			return
		}
		t.Log("client:", client.Text())
	}
	for server.Scan() {
		t.Log("server:", server.Text())
	}
	t.Error("the two don't meet")
}

// start starts a program that lives as long as the test, at most ten seconds.
func (r *room) start(name string, args ...string) *bufio.Scanner {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = r.Root
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return bufio.NewScanner(out)
}

func TestLeafEndsWithItsCA(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.now = r.now.Add(3600 * 24 * time.Hour)
	got := r.issue("late")
	ca, err := policy.ParseCertificate([]byte(r.get("/pki/ca.crt")))
	if err != nil {
		t.Fatal(err)
	}
	if *got.NotAfter != ca.NotAfter.UTC().Format(time.RFC3339) || !*got.Fresh {
		t.Errorf("ends %s, the CA %s", *got.NotAfter, ca.NotAfter)
	}
	r.now = r.now.Add(51 * 24 * time.Hour)
	err = tryIt(r, newCertificates(r.Host), "/pki/late.crt", leaf("late", policy.UsageClient))
	if err == nil || !strings.Contains(err.Error(), "the CA /pki/ca.crt ran out on "+ca.NotAfter.UTC().Format(time.DateOnly)+"; renew it first") {
		t.Error(err)
	}
	if pool := x509.NewCertPool(); !pool.AppendCertsFromPEM([]byte(r.get("/pki/late.crt"))) {
		t.Error("the certificate is no PEM")
	}
}

// Name constraints are critical, and OpenSSL holds the CA to them. What has no host name
// is let be, unless its common name looks like one.
func TestNameConstraints(t *testing.T) {
	r := newRoom(t)
	makeIt(r, newPrivateKeys(r.Host), "/pki/ca.key", PrivateKey{})
	ca := Certificate{Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Acme VPN CA"}, Domains: []string{"example.com"}}
	got := makeIt(r, newCertificates(r.Host), "/pki/ca.crt", ca)
	if len(got.Domains) != 1 || got.Domains[0] != "example.com" {
		t.Errorf("%q", got.Domains)
	}
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
	if text := r.run("openssl", "x509", "-in", "pki/ca.crt", "-noout", "-text"); !strings.Contains(text, "X509v3 Name Constraints: critical\n                Permitted:\n                  DNS:example.com") {
		t.Error(text)
	}
	for name, hosts := range map[string][]string{"server": {"vpn.example.com"}, "alice": nil, "john.doe": nil, "thief": {"vpn.example.org"}} {
		makeIt(r, newPrivateKeys(r.Host), "/pki/"+name+".key", PrivateKey{})
		want := leaf(name, policy.UsageServer)
		want.DNSNames = hosts
		makeIt(r, newCertificates(r.Host), "/pki/"+name+".crt", want)
		out, err := r.try("openssl", "verify", "-x509_strict", "-CAfile", "pki/ca.crt", "pki/"+name+".crt")
		if (err == nil) != (name == "server" || name == "alice") {
			t.Errorf("%s: %s", name, out)
		}
	}
}
