package openvpn

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pki"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// TestServerAndProfileAgree writes what the block expands into, has OpenVPN
// check the configuration, and lets a client connect with its profile: over
// loopback, in a network with nothing else in it.
func TestServerAndProfileAgree(t *testing.T) {
	nettest.Need(t)
	base := func() *Server {
		s := today()
		s.Remote, s.Log = word("127.0.0.1"), nil
		s.Pool = &Pool{Start: addr("10.8.0.128")}
		s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9"), Routes: nets("10.9.0.0/24"), Push: &Push{Routes: nets("10.7.0.0/24")}}}
		return s
	}
	for name, c := range map[string]struct {
		change func(*Server)
		reply  []string // what the client must be told
	}{
		"tls-crypt-v2 over TCP": {func(*Server) {}, []string{"ifconfig 10.8.0.9 255.255.255.0", "route 10.0.0.0 255.255.0.0", "route 10.7.0.0 255.255.255.0", "dhcp-option DNS 10.0.0.2", "ping 10"}},
		"tls-crypt-v2 over UDP": {func(s *Server) { s.Listen = nil }, []string{"ifconfig 10.8.0.9 255.255.255.0"}},
		"tls-crypt": {func(s *Server) {
			s.TLSKey, s.Listen, s.Network6 = word("tls-crypt"), []string{"udp/127.0.0.1:1200"}, prefix("fd00:8::/64")
			s.Clients[0].Address6 = addr("fd00:8::9")
			s.Push.RedirectGateway = resource.Ptr(true)
			s.Push.Measured = []PushedRoute{{Network: "2001:db8:7::/48", Metric: resource.Ptr(60)}}
		}, []string{"ifconfig-ipv6 fd00:8::9/64 fd00:8::1", "redirect-gateway def1 ipv6", "route-ipv6 2001:db8:7::/48 fd00:8::1 60"}},
		"IPv6 goes nowhere": {func(s *Server) {
			s.Push.BlockIPv6, s.Push.BlockOutsideDNS, s.Push.SearchDomains = resource.Ptr(true), resource.Ptr(true), []string{"a.example.com", "b.example.com"}
			s.Push.ExcludeRoutes, s.Push.Measured = nets("10.0.5.0/24"), []PushedRoute{{Network: "10.3.0.0/16", Metric: resource.Ptr(70)}}
		}, []string{
			"redirect-gateway !ipv4 ipv6", "block-ipv6", "ifconfig-ipv6 fd15", "block-outside-dns", "dhcp-option DOMAIN-SEARCH a.example.com", "DOMAIN-SEARCH b.example.com",
			"route 10.0.5.0 255.255.255.0 net_gateway", "route 10.3.0.0 255.255.0.0 vpn_gateway 70",
		}},
		"nothing of what all are told": {func(s *Server) {
			s.Push.RedirectGateway, s.Push.BlockOutsideDNS = resource.Ptr(true), resource.Ptr(true)
			s.Clients[0].Push.RedirectGateway, s.Clients[0].Push.BlockOutsideDNS = resource.Ptr(false), resource.Ptr(false)
		}, []string{"dhcp-option DNS 10.0.0.2", "!redirect", "!block", "!ifconfig-ipv6"}},
		"IPv6 alone": {func(s *Server) {
			s.Network, s.Network6, s.Pool, s.Push, s.Listen = nil, prefix("fd00:8::/64"), nil, &Push{RedirectGateway: resource.Ptr(true)}, []string{"udp6/1194"}
			s.Clients = []Client{{Name: "tpham", Address6: addr("fd00:8::9")}}
		}, []string{"ifconfig-ipv6 fd00:8::9/64 fd00:8::1", "!ifconfig 1", "redirect-gateway def1 ipv6 !ipv4"}},
		"everything": {func(s *Server) {
			*s = *all()
			s.Listen, s.Remote, s.Remotes, s.Log = []string{"udp6/1195"}, word("127.0.0.1"), nil, nil
		}, []string{"ifconfig 10.8.0.9 255.255.255.0", `setenv-safe GREETING "a \\ b"`}},
		"the seed": {func(s *Server) {
			*s = *seed()
			s.Remote, s.Log, s.Status = word("127.0.0.1"), nil, nil
		}, []string{"block-ipv6", "dhcp-option DNS 10.0.0.3"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := base()
			c.change(s)
			for _, m := range s.Validate("office") {
				if !m.Warning {
					t.Fatalf("%+v", m)
				}
			}
			room := materialise(t, s)
			if err := openvpn.Validate(context.Background(), "/etc/openvpn/server/office.conf"); err != nil {
				t.Fatal(err)
			}
			server := start(t, "--cd", root, "--config", "office.conf")
			server.waitFor(t, "Initialization Sequence Completed")
			client := start(t, "--config", filepath.Join(room, "tpham.ovpn"), "--ifconfig-noexec", "--route-noexec", "--connect-timeout", "5")
			client.waitFor(t, "Initialization Sequence Completed")
			reply := client.line("PUSH_REPLY")
			for _, want := range c.reply {
				word, not := strings.CutPrefix(want, "!")
				if strings.Contains(reply, word) == not {
					t.Errorf("of %q the client was told\n%s", want, reply)
				}
			}
			for _, complaint := range []string{"used inconsistently", "must be a valid"} {
				if line := client.line(complaint); line != "" {
					t.Errorf("the sides disagree: %s", line)
				}
			}
		})
	}
}

// TestOneProfileForAllWays lets a client in by the second listener while nobody answers
// at the first, and by the first one once it does: with the same profile.
func TestOneProfileForAllWays(t *testing.T) {
	nettest.Need(t)
	s := today()
	s.Listen, s.Remote, s.Log, s.Network6 = []string{"udp/1194", "tcp/4443"}, word("127.0.0.1"), nil, prefix("fd00:8::/64")
	s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9"), Address6: addr("fd00:8::9")}}
	for _, m := range s.Validate("office") {
		if !m.Warning || m.Path != "client.tpham.address" {
			t.Fatalf("%+v", m)
		}
	}
	room := materialise(t, s)
	for n, way := range []struct {
		process string
		reply   []string
	}{
		{"office-tcp-4443", []string{"ifconfig 10.8.0.137 255.255.255.0", "route-gateway 10.8.0.129", "topology subnet", "ifconfig-ipv6 fd00:8::8000:0:0:9/65 fd00:8::8000:0:0:1", "route-ipv6 fd00:8::/64", "route 10.0.0.0 255.255.0.0"}},
		{"office", []string{"ifconfig 10.8.0.9 255.255.255.0", "route-gateway 10.8.0.1", "ifconfig-ipv6 fd00:8::9/65 fd00:8::1"}},
	} {
		if err := openvpn.Validate(context.Background(), root+"/"+way.process+".conf"); err != nil {
			t.Fatal(err)
		}
		server := start(t, "--cd", root, "--config", way.process+".conf")
		server.waitFor(t, "Initialization Sequence Completed")
		client := start(t, "--config", filepath.Join(room, "tpham.ovpn"), "--ifconfig-noexec", "--route-noexec", "--connect-timeout", "3", "--dev", fmt.Sprintf("dials%d", n), "--dev-type", "tun")
		client.waitFor(t, "Initialization Sequence Completed")
		reply := client.line("PUSH_REPLY")
		for _, want := range way.reply {
			if !strings.Contains(reply, want) {
				t.Errorf("by %s the client was not told %q:\n%s", way.process, want, reply)
			}
		}
		if wrong := server.line("MULTI ERROR"); wrong != "" {
			t.Errorf("the server complains: %s", wrong)
		}
	}
}

// materialise writes the files of the expansion, as their kinds would, and
// returns the directory of the profiles.
func materialise(t *testing.T, s *Server) string {
	t.Helper()
	return materialiseWith(t, s, writePKI)
}

// materialiseWith does so with a PKI that is written to the vault.
func materialiseWith(t *testing.T, s *Server, writePKI func(*testing.T)) string {
	t.Helper()
	room := t.TempDir()
	s.Profiles = &room
	// Closed, as Fedora's package leaves /etc/openvpn/server: what the server
	// reads as nobody is out of reach until the expansion opens the way.
	for _, directory := range []string{"/run/openvpn-server/office", "/run/openvpn-server/office-tcp-4443", "/var/lib/openvpn/office", "/etc/openvpn/server", vault} {
		if err := os.RemoveAll(directory); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(directory, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writePKI(t)
	for _, r := range expand(t, s) {
		switch w := r.Want.(type) {
		case *file.Directory:
			if err := errors.Join(os.MkdirAll(r.ID.Name, 0o700), os.Chmod(r.ID.Name, w.Mode.FileMode())); err != nil {
				t.Fatal(err)
			}
		case *file.File:
			if w.Content != nil { // what it leaves out is OpenVPN's own
				write(t, r.ID.Name, []byte(*w.Content), 0o644)
			}
		case *pki.AssembledFile:
			write(t, r.ID.Name, assemble(t, w.Parts), os.FileMode(*w.Mode))
		case *pki.TLSCryptV2Key:
			if w.Server == nil {
				run(t, "--genkey", "tls-crypt-v2-server", r.ID.Name)
			} else {
				run(t, "--tls-crypt-v2", *w.Server, "--genkey", "tls-crypt-v2-client", r.ID.Name)
			}
		case *pki.StaticKey:
			run(t, "--genkey", "secret", r.ID.Name)
		case *pki.DHParams:
			if out, err := exec.Command("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", r.ID.Name).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
	}
	return room
}

func assemble(t *testing.T, parts []pki.Part) []byte {
	t.Helper()
	var all []byte
	for _, p := range parts {
		if p.Text != nil {
			all = append(all, *p.Text...)
			continue
		}
		if p.Fingerprint != nil {
			out, err := exec.Command("openssl", "x509", "-in", *p.Fingerprint, "-noout", "-fingerprint", "-sha256").Output()
			if err != nil {
				t.Fatal(err)
			}
			_, print, _ := bytes.Cut(out, []byte("="))
			all = append(all, print...)
			continue
		}
		data, err := os.ReadFile(*p.File)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}

func write(t *testing.T, path string, data []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("openvpn", args...).CombinedOutput(); err != nil {
		t.Fatalf("openvpn %s: %v\n%s", args, err, out)
	}
}

// writePKI makes a CA, a certificate of the server and of a client, and a CRL.
func writePKI(t *testing.T) {
	t.Helper()
	now := time.Now()
	issue := func(name string, serial int64, usage []x509.ExtKeyUsage, parent *x509.Certificate, signer *ecdsa.PrivateKey, directory string) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: usage, BasicConstraintsValid: true,
		}
		if parent == nil {
			parent, signer = c, key
			c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(vault, directory, name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
		write(t, filepath.Join(vault, directory, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return parsed, key
	}
	ca, caKey := issue("ca", 1, nil, nil, nil, "")
	issue("server", 2, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, ca, caKey, "servers")
	issue("tpham", 3, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, ca, caKey, "clients")
	issue("anna", 4, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, ca, caKey, "clients")
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}, ca, caKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(vault, "crl.pem"), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}), 0o644)
}

// process is an OpenVPN that the test started.
type process struct {
	lines chan string
	seen  bytes.Buffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	cmd := exec.Command("openvpn", append(args, "--suppress-timestamps")...)
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{lines: make(chan string, 4096)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
		in.Close()
	}()
	go p.read(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return p
}

func (p *process) read(out io.Reader) {
	defer close(p.lines)
	data := make([]byte, 4096)
	rest := ""
	for {
		n, err := out.Read(data)
		rest += string(data[:n])
		for {
			line, after, found := strings.Cut(rest, "\n")
			if !found {
				break
			}
			p.lines <- line
			rest = after
		}
		if err != nil {
			return
		}
	}
}

func (p *process) waitFor(t *testing.T, what string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case line, more := <-p.lines:
			p.seen.WriteString(line + "\n")
			if strings.Contains(line, what) {
				return
			}
			if !more {
				t.Fatalf("ended without saying %q:\n%s", what, p.text())
			}
		case <-late:
			t.Fatalf("never said %q:\n%s", what, p.text())
		}
	}
}

func (p *process) text() string { return p.seen.String() }

func (p *process) line(with string) string {
	for line := range strings.Lines(p.text()) {
		if strings.Contains(line, with) {
			return line
		}
	}
	return ""
}
