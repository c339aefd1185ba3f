package system

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// twoFactors is a server that asks for certificate, password and code, and talks only to
// keys that it knows. %s is the rest of the pki block, and the auth block.
const twoFactors = `
pki "office" {
  subject { common_name = "Acme VPN CA" }
  server "server" {}
  client "alice" {}
  client "bob" {}
  client "carol" {}
}
openvpn_server "office" {
  network             = "10.8.0.0/24"
  pki                 = pki.office
  remote              = "203.0.113.1"
  tls_crypt_v2_verify = true
  auth {
    %s
  }
}
`

// An entrance is a server that asks who comes, and the laptop from which people do.
type entrance struct{ scene }

// TestSecondFactor has people come in with what they have and know, with what is
// somebody else's, with what was used before and with what is lost.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		o, err := office.Open(t.Context(), labtest.Of(t, release, "libpam-google-authenticator"), vpnd, "../../examples/minimal")
		if err != nil {
			t.Fatal(err)
		}
		d := entrance{scene{o, t}}
		d.sh(`for u in alice bob carol; do useradd -M -s /usr/sbin/nologin $u; done
printf 'alice:wonder land\nbob:bu#il"der\ncarol:christmas\n' | chpasswd`)
		first := d.print()
		d.configure(fmt.Sprintf(twoFactors, "pam {}\n totp { issuer = \"Acme VPN\" }"))
		d.apply()
		t.Run("codes", func(t *testing.T) { d.in(t).codes() })
		t.Run("tokens", func(t *testing.T) { d.in(t).tokens() })
		if release == lab.Trixie { // where PAM has to forget, that takes half a minute each time
			t.Run("lost", func(t *testing.T) { d.in(t).lost() })
			t.Run("revoked", func(t *testing.T) { d.in(t).shutOut() })
			t.Run("command", func(t *testing.T) { d.in(t).command() })
		}
		t.Run("peers", func(t *testing.T) { d.in(t).peers() })
		d.vpnd(0, "destroy", "--yes")
		d.as(first, "destroying")
	})
}

func (d entrance) in(t *testing.T) entrance { d.scene = d.scene.in(t); return d }

// seed is that of somebody's app, as they are shown it.
func (d entrance) seed(name string) string {
	d.t.Helper()
	out, _, err := d.VPND(d.t.Context(), "client", "totp", name)
	d.ok(err)
	u, err := url.Parse(strings.TrimSpace(out))
	if err != nil || u.Query().Get("secret") == "" {
		d.t.Fatalf("no seed is shown: %q %v", out, err)
	}
	return u.Query().Get("secret")
}

// code is what an app shows, so many steps of half a minute from now; RFC 6238.
func (d entrance) code(seed string, steps int64) string {
	d.t.Helper()
	key, err := base32.StdEncoding.DecodeString(seed)
	d.ok(err)
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], uint64(time.Now().Unix()/30+steps))
	mac := hmac.New(sha1.New, key)
	mac.Write(count[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1000000)
}

// response is a password and the answer to the static challenge, as clients send them;
// openvpn(8) under static-challenge.
func response(password, code string) string {
	return "SCRV1:" + base64.StdEncoding.EncodeToString([]byte(password)) + ":" + base64.StdEncoding.EncodeToString([]byte(code))
}

// dials starts a client of the laptop, which stays, and says whether it came in.
func (d entrance) dials(profile, user, password string) bool {
	d.t.Helper()
	text, err := d.Gateway.ReadFile("/var/lib/vpnd/profiles/office/" + profile + ".ovpn")
	d.ok(err)
	return d.dialsWith(string(text), user, password)
}

var asking = regexp.MustCompile(`(?m)^(auth-user-pass|auth-retry|static-challenge).*\n`)

func (d entrance) dialsWith(profile, user, password string) bool {
	d.t.Helper()
	ctx := d.t.Context()
	d.ok(d.Laptop.WriteFile(ctx, "/root/up", []byte(user+"\n"+password+"\n"), 0o600))
	d.ok(d.Laptop.WriteFile(ctx, "/root/client.ovpn", []byte(asking.ReplaceAllString(profile, "")), 0o600))
	out := labtest.Run(d.t, d.Laptop, "sh", "-c", `rm -f /root/log
openvpn --config /root/client.ovpn --auth-user-pass /root/up --auth-retry none --connect-retry 1 --hand-window 15 --daemon --log /root/log --writepid /root/pid
for i in $(seq 600); do
	grep -qE "Initialization Sequence Completed|AUTH_FAILED|process exiting|TLS handshake failed" /root/log && break
	sleep 0.1
done
cat /root/log`)
	in := strings.Contains(out, "Initialization Sequence Completed")
	if !in {
		d.hangsUp()
	}
	if !in && !strings.Contains(out, "AUTH_FAILED") && !strings.Contains(out, "TLS handshake failed") {
		d.t.Fatalf("it neither comes in nor is refused:\n%s", out)
	}
	return in
}

// hangsUp ends the client of the laptop.
func (d entrance) hangsUp() {
	d.t.Helper()
	labtest.Run(d.t, d.Laptop, "sh", "-c", `pid=$(cat /root/pid); kill $pid 2>/dev/null; for i in $(seq 100); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done`)
}

// comes says whether somebody comes in, and has them leave again.
func (d entrance) comes(profile, user, password string) bool {
	d.t.Helper()
	in := d.dials(profile, user, password)
	if in {
		d.hangsUp()
	}
	return in
}

// expect wants somebody to come in, or to be refused.
func (d entrance) expect(want bool, what, profile, user, password string) {
	d.t.Helper()
	if got := d.comes(profile, user, password); got != want {
		d.t.Errorf("%s: comes in %v, and shall %v; the server says:\n%s", what, got, want, d.sh("journalctl -u openvpn-server@office -o cat | tail -15"))
	}
}

// codes is about certificate, password and code of one person, and of several. PAM's
// module takes three attempts in half a minute, and the codes before and after.
func (d entrance) codes() {
	d.names(d.sh("cat /var/lib/vpnd/profiles/office/alice.ovpn"), "auth-user-pass\n", `static-challenge "Code of the app" 1`)
	alice, bob, carol := d.seed("alice"), d.seed("bob"), d.seed("carol")
	code := d.code(alice, 0)
	d.expect(true, "alice", "alice", "alice", response("wonder land", code))
	d.expect(false, "a code that was used", "alice", "alice", response("wonder land", code))
	d.expect(false, "a wrong password", "alice", "alice", response("wunderland", d.code(alice, 1)))
	d.expect(false, "bob with the password of alice", "bob", "bob", response("wonder land", d.code(bob, -1)))
	d.expect(false, "bob who says to be alice", "bob", "alice", response(`bu#il"der`, d.code(bob, 0)))
	d.expect(true, "bob", "bob", "bob", response(`bu#il"der`, d.code(bob, 1)))
	d.expect(false, "a wrong code", "carol", "carol", response("christmas", "000000"))
	d.expect(false, "the code of alice", "carol", "carol", response("christmas", d.code(alice, 1)))
	d.expect(false, "no code", "carol", "carol", "christmas")
	d.converged()
	for _, seed := range []string{alice, bob, carol} {
		if found := d.sh("vpnd plan --verbose | grep -c " + seed + "; vpnd show | grep -c " + seed + "; journalctl | grep -c " + seed + "; grep -rl " + seed + " /var/lib/vpnd /run/vpnd /etc | grep -v openvpn-office/totp/ | wc -l"); found != "0\n0\n0\n0" {
			d.t.Errorf("a seed is told of: %q", found)
		}
	}
	if open := d.sh("find /var/lib/vpnd/pki/office/openvpn-office/totp -type f -perm /077"); open != "" {
		d.t.Errorf("others can read %s", open)
	}
}

// tokens is about those who were let in already: nobody is asked again because the
// server restarts, and what lets one name in lets no other certificate in.
func (d entrance) tokens() {
	d.waits()
	// The code of the next half minute may be used up, and is perhaps that of now.
	if !d.dials("alice", "alice", response("wonder land", d.code(d.seed("alice"), 1))) {
		d.t.Fatal("alice does not come in")
	}
	before := d.sh("date +%s")
	d.sh("sleep 1; systemctl restart openvpn-server@office")
	d.shortly("journalctl -u openvpn-server@office -o cat --since @" + before + " | grep -q \"auth-token authentication succeeded for username 'alice'\"")
	d.shortlyOn("grep -c 'Initialization Sequence Completed' /root/log | grep -qx 2")
	d.lacks(d.sh("journalctl -u openvpn-server@office -o cat --since @"+before), "deferred auth for")
	d.hangsUp()

	key, err := d.Gateway.ReadFile("/etc/openvpn/server/office/auth-token.key")
	d.ok(err)
	d.expect(true, "a token of alice", "alice", "alice", tokenOf(key, "alice"))
	d.expect(false, "a token of bob, with the certificate of alice", "alice", "bob", tokenOf(key, "bob"))
	d.expect(false, "a token of bob as that of alice", "alice", "alice", tokenOf(key, "bob"))
	d.vpnd(0, "client", "totp", "alice", "--new", "--yes")
	d.expect(false, "a token of alice, of before her phone was lost", "alice", "alice", tokenOf(key, "alice"))
	d.expect(true, "alice, with her new phone", "alice", "alice", response("wonder land", d.code(d.seed("alice"), 0)))
}

// tokenOf is one of OpenVPN's auth-gen-token for a name; auth_token.c.
func tokenOf(key []byte, name string) string {
	block, _ := pem.Decode(key)
	now := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Unix()))
	said := append([]byte("twelve bytes"), append(now, now...)...)
	mac := hmac.New(sha256.New, block.Bytes[64:96])
	mac.Write([]byte(name))
	mac.Write(said)
	return "SESS_ID_AT_" + base64.StdEncoding.EncodeToString(mac.Sum(said))
}

// waits until PAM's module has forgotten earlier attempts.
func (d entrance) waits() {
	d.t.Helper()
	d.sh("sleep 31")
}

// shortlyOn waits until a script ends well on the laptop.
func (d entrance) shortlyOn(script string) {
	d.t.Helper()
	labtest.Run(d.t, d.Laptop, "sh", "-c", "for i in $(seq 600); do if "+script+"; then exit 0; fi; sleep 0.1; done; tail -20 /root/log >&2; exit 1")
}

// lost is about what is no longer there: a phone, PAM's service, the list of keys.
// Nothing of it lets anybody in.
func (d entrance) lost() {
	old := d.seed("carol")
	key, err := d.Gateway.ReadFile("/etc/openvpn/server/office/auth-token.key")
	d.ok(err)
	if !d.dials("carol", "carol", response("christmas", d.code(old, 0))) {
		d.t.Fatal("carol does not come in")
	}
	d.sh("sleep 1")
	d.names(d.vpnd(0, "client", "totp", "carol", "--new", "--yes"), "otpauth://totp/Acme%20VPN:carol?secret=")
	d.shortlyOn("! kill -0 $(cat /root/pid) 2>/dev/null || grep -q 'Restart\\|restart\\|AUTH_FAILED\\|Connection reset' /root/log")
	d.hangsUp()
	d.shortly("! vpnd client show carol | grep -q 'from 203'")
	d.converged()
	d.expect(false, "a token of before, of carol", "carol", "carol", tokenOf(key, "carol"))
	d.expect(true, "a token of bob, whose phone was not lost", "bob", "bob", tokenOf(key, "bob"))
	d.vpnd(0, "rollback", "--yes")
	d.expect(false, "a token of before, of carol, after an undo", "carol", "carol", tokenOf(key, "carol"))
	d.expect(false, "the app on the phone that was lost, after an undo", "carol", "carol", response("christmas", d.code(old, 1)))
	d.apply()
	d.converged()
	fresh := d.seed("carol")
	d.expect(false, "the app on the phone that was lost", "carol", "carol", response("christmas", d.code(old, 0)))
	d.expect(true, "the new one", "carol", "carol", response("christmas", d.code(fresh, -1)))

	// PAM goes by its service "other", which asks for a password alone.
	d.sh("mv /etc/pam.d/vpnd-openvpn-office /root/")
	d.expect(false, "a password alone, PAM's service being lost", "carol", "carol", response("christmas", ""))
	d.names(d.vpnd(3, "drift"), "/etc/pam.d/vpnd-openvpn-office")
	d.apply()
	d.sh("cmp /etc/pam.d/vpnd-openvpn-office /root/vpnd-openvpn-office && rm /root/vpnd-openvpn-office")

	d.waits()
	d.sh("rm /etc/openvpn/server/office/known-keys")
	d.expect(false, "with no list of keys", "carol", "carol", response("christmas", d.code(fresh, 0)))
	d.apply()
	d.expect(true, "with the list back", "carol", "carol", response("christmas", d.code(fresh, 1)))
}

// shutOut is about who was revoked: refused before TLS begins, while others stay.
func (d entrance) shutOut() {
	d.waits()
	bob, err := d.Gateway.ReadFile("/var/lib/vpnd/profiles/office/bob.ovpn")
	d.ok(err)
	if !d.dials("alice", "alice", response("wonder land", d.code(d.seed("alice"), 0))) {
		d.t.Fatal("alice does not come in")
	}
	stays := d.sh("systemctl show -P MainPID openvpn-server@office")
	labtest.Run(d.t, d.Laptop, "cp", "/root/log", "/root/log.alice")
	labtest.Run(d.t, d.Laptop, "cp", "/root/pid", "/root/pid.alice")
	d.vpnd(0, "client", "revoke", "bob", "--yes")
	d.converged()
	since := d.sh("date +%s; sleep 1")
	if d.dialsWith(string(bob), "bob", "whatever") {
		d.t.Error("bob was revoked and comes in")
	}
	said := d.sh("journalctl -u openvpn-server@office -o cat --since @" + since)
	d.names(said, "TLS CRYPT V2 VERIFY SCRIPT ERROR")
	d.lacks(said, "VERIFY OK", "VERIFY ERROR", "deferred auth")
	if now := d.sh("systemctl show -P MainPID openvpn-server@office"); now != stays {
		d.t.Errorf("the server is another process: %s, and was %s", now, stays)
	}
	if n := labtest.Run(d.t, d.Laptop, "sh", "-c", "kill -0 $(cat /root/pid.alice) && grep -c 'Initialization Sequence Completed' /root/log.alice"); strings.TrimSpace(n) != "1" {
		d.t.Errorf("alice came in %s times", n)
	}
	labtest.Run(d.t, d.Laptop, "sh", "-c", "kill $(cat /root/pid.alice)")
}

// command is about a program of the host's own that knows passwords.
func (d entrance) command() {
	const program = "#!/bin/sh\nprintf 'alice\\nlook\"ing $(glass)\\n' | cmp -s - \"$2\" && [ \"$1\" = --realm=vpn ]\n"
	d.ok(d.Gateway.WriteFile(d.t.Context(), "/usr/local/sbin/check", []byte(program), 0o755))
	d.configure(fmt.Sprintf(twoFactors, `command = ["/usr/local/sbin/check", "--realm=vpn"]`))
	d.sh("chmod 777 /usr/local/sbin/check")
	d.names(d.vpnd(1, "plan"), "/usr/local/sbin/check can be changed by", "vpn.hcl:15", "chmod")
	d.sh("chmod 755 /usr/local/sbin/check")
	d.apply()
	if left := d.sh("ls /etc/pam.d/vpnd-* /var/lib/vpnd/pki/office/openvpn-office/totp 2>/dev/null; true"); left != "" {
		d.t.Errorf("of PAM there is left %s", left)
	}
	d.expect(true, "alice", "alice", "alice", `look"ing $(glass)`)
	d.expect(false, "a wrong password", "alice", "alice", "look")
	d.expect(false, "carol who says to be alice", "carol", "alice", `look"ing $(glass)`)
	d.sh("rm /usr/local/sbin/check")
	d.expect(false, "nobody who knows", "alice", "alice", `look"ing $(glass)`)
	d.names(d.sh("systemctl show -P LimitNPROC -P TasksMax openvpn-server@office"), "1024 1024")
}

// peers is about a server without a CA, in the place of the other one.
func (d entrance) peers() {
	const home = `openvpn_server "office" {
  network          = "10.8.0.0/24"
  remote           = "203.0.113.1"
  peer_fingerprint = true
  client "phone" {}
  %s
}`
	d.configure(fmt.Sprintf(home, `client "tablet" {}`))
	d.apply()
	tablet, err := d.Gateway.ReadFile("/var/lib/vpnd/profiles/office/tablet.ovpn")
	d.ok(err)
	d.expect(true, "phone", "phone", "x", "x")
	d.expect(true, "tablet", "tablet", "x", "x")
	if made := d.sh("openssl x509 -in /var/lib/vpnd/peers/office/server.crt -noout -fingerprint -sha256 | cut -d= -f2"); !strings.Contains(string(tablet), "<peer-fingerprint>\n"+made+"\n") {
		d.t.Errorf("the profile does not hold the fingerprint %s", made)
	}
	d.configure(fmt.Sprintf(home, ""))
	d.names(d.vpnd(2, "plan", "--detailed-exitcode"), "peers.conf", "disconnects everybody for a moment")
	d.apply()
	// Its key of tls-crypt-v2 is as good as before: the fingerprint is what is missing.
	if d.dialsWith(string(tablet), "x", "x") {
		d.t.Error("the tablet was removed and comes in")
	}
	d.expect(true, "phone, with the profile of before", "phone", "x", "x")
	d.names(d.vpnd(0, "rollback", "--yes"), "revoked since, and not let in again by an undo: tablet")
	if d.dialsWith(string(tablet), "x", "x") {
		d.t.Error("an undo let the tablet in again")
	}
	d.expect(true, "phone, after an undo", "phone", "x", "x")
	d.apply()
	phone, err := d.Gateway.ReadFile("/var/lib/vpnd/profiles/office/phone.ovpn")
	d.ok(err)
	d.vpnd(0, "client", "revoke", "phone", "--yes")
	d.converged()
	d.sh("systemctl is-active openvpn-server@office")
	if d.dialsWith(string(phone), "x", "x") {
		d.t.Error("the last one was revoked and comes in")
	}
	d.vpnd(0, "client", "add", "phone", "--yes")
	d.expect(true, "phone, with a new profile", "phone", "x", "x")
	if d.dialsWith(string(phone), "x", "x") {
		d.t.Error("the profile of before is good again")
	}
	d.sh("rm /var/lib/vpnd/peers/office/server.key")
	d.names(d.vpnd(0, "plan"), "server.key", "is void then", "needs a new profile: phone")
	d.sh("cp /etc/openvpn/server/office/server.key /var/lib/vpnd/peers/office/server.key")
	d.converged()
}
