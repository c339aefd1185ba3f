package hostkey

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"vpnd/internal/nettest"
)

// server is an SSH server with these keys on loopback, and its address.
func server(t *testing.T, keys ...any) (string, []ssh.PublicKey) {
	t.Helper()
	config := &ssh.ServerConfig{NoClientAuth: true}
	var public []ssh.PublicKey
	for _, key := range keys {
		s, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		config.AddHostKey(s)
		public = append(public, s.PublicKey())
	}
	at := nettest.Serve(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { _, _, _, _ = ssh.NewServerConn(conn, config) })
	return at.String(), public
}

func both(t *testing.T) (string, []ssh.PublicKey) {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return server(t, r, ed)
}

func line(key ssh.PublicKey) string {
	return "host_key = \"" + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + "\"\n"
}

// A line is written once a person has said so, or the fingerprint fits, and never
// otherwise.
func TestNothingIsPinnedBlindly(t *testing.T) {
	address, keys := both(t)
	_, others := both(t)
	for _, c := range []struct {
		what, fingerprint, answer string
		terminal                  bool
		out, err                  string
	}{
		{what: "a person says yes", answer: "yes\n", terminal: true, out: line(keys[1])},
		{what: "a person says y", answer: "y\n", terminal: true, err: "nothing is pinned"},
		{what: "a person says nothing", answer: "\n", terminal: true, err: "nothing is pinned"},
		{what: "the input ends", terminal: true, err: "nothing is pinned"},
		{what: "nobody is there", answer: "yes\n", err: "--fingerprint SHA256:"},
		{what: "the fingerprint fits", fingerprint: ssh.FingerprintSHA256(keys[1]), out: line(keys[1])},
		{what: "that of the other key fits", fingerprint: ssh.FingerprintSHA256(keys[0]), out: line(keys[0])},
		{what: "it is that of another host", fingerprint: ssh.FingerprintSHA256(others[0]), terminal: true, answer: "yes\n", err: "somebody is in between"},
		{what: "it is none", fingerprint: "md5:aa", err: "is no fingerprint"},
	} {
		var out, said bytes.Buffer
		err := run(t.Context(), Streams{strings.NewReader(c.answer), &out, &said, c.terminal}, address, c.fingerprint)
		if out.String() != c.out || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: wrote %q, and says %v", c.what, out.String(), err)
		}
		if c.terminal && c.fingerprint == "" && !strings.Contains(said.String(), ssh.FingerprintSHA256(keys[1])) {
			t.Errorf("%s: the fingerprint is not shown:\n%s", c.what, said.String())
		}
	}
}

// What a tunnel would refuse is not written for one.
func TestAWeakKeyIsNotPinned(t *testing.T) {
	weak, _, _, _, err := ssh.ParseAuthorizedKey([]byte("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDIxC/JcXbjLZbIIx9C7/f4T8YM2FA2JHAz1k1pGNlcb3BUM18qn4HPOVCFXKsqytKRVprc6LzWAVuRe1Xo75D5wWmBH+m8B/N3MDoTnJcY8/w9kIl3RcZ9Mi2lORz1NRRHkgUPISkPbOSMlRB0kYPAHGWhtkJuIWqk/Rukme7TIQ=="))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := pin(&out, weak); err == nil || !strings.Contains(err.Error(), "1024 bits") || out.Len() > 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestWhatCanNotBeFetched(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for target, want := range map[string]string{
		nobody:               "can't be reached",
		"-oProxyCommand=x":   "is no host",
		"a b":                "is no host",
		"tunnel@127.0.0.1":   "is no host",
		"127.0.0.1:ssh":      "is no host",
		"127.0.0.1:99999999": "is no host",
	} {
		var out bytes.Buffer
		if err := run(t.Context(), Streams{strings.NewReader("yes\n"), &out, &out, true}, target, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", target, err)
		}
	}
}
