package ssh

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"vpnd/internal/kind/file"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

const (
	ed  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"
	ed2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN2sMjVCU1JTuUZuikMpGQyWxM1J4URKZBbCVsbh+F9K"
)

func word(s string) *string { return &s }

func span(d time.Duration) *resource.Duration { return resource.Ptr(resource.Duration(d)) }

// seed is ssh -AfL 8500:host:port -N user@server, without the agent.
func seed() *Tunnel {
	return &Tunnel{
		Host: word("server"), User: word("user"), HostKey: word(ed + " root@server"), KeyType: word("rsa-2048"),
		Locals: []Local{{Listen: word("127.0.0.1:8500"), To: word("host:5432")}},
	}
}

func everything() *Tunnel {
	return &Tunnel{
		Host: word("[2001:db8::1]:2222"), User: word("tunnel"), HostKeys: []string{ed, ed2},
		Key: &Key{Name: "/etc/vpnd/keys/db", Format: word("openssh")},
		Locals: []Local{
			{Listen: word("[::1]:443"), To: word("[2001:db8::2]:443"), Probe: span(0)},
			{Listen: word("/run/vpnd-ssh-db/pg.sock"), To: word("/run/postgresql/.s.PGSQL.5432"), Probe: span(5 * time.Minute)},
		},
		Remotes:   []Remote{{Listen: word("8080"), To: word("127.0.0.1:80")}, {Listen: word("/run/there.sock"), To: word("/run/here.sock")}},
		Socks:     []Socks{{Listen: word("127.0.0.1:1080")}},
		Keepalive: span(10 * time.Second), ConnectTimeout: span(30 * time.Second), Retry: span(5 * time.Second),
		SocketMode: resource.Ptr(resource.Mode(0o660)), Package: resource.Ptr(false),
	}
}

func account() *Account {
	return &Account{
		PublicKeys: []string{ed + " vpnd", ed2}, PermitOpen: []string{"db.internal:5432", "[2001:db8::2]:443"}, PermitListen: []string{"8080"},
		From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	}
}

func expanded(t *testing.T, e resource.Expander, name string) []resource.Resource {
	t.Helper()
	if v, ok := e.(resource.Validator); ok {
		if found := v.Validate(name); len(found) > 0 {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
	}
	all, err := e.Expand(name)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatATunnelStandsFor(t *testing.T) {
	vpntest.Golden(t, "seed.txt", vpntest.Print(expanded(t, seed(), "db")))
	vpntest.Golden(t, "everything.txt", vpntest.Print(expanded(t, everything(), "db")))
	vpntest.Golden(t, "account.txt", vpntest.Print(expanded(t, account(), "tunnel")))
	vpntest.Golden(t, "listen.txt", vpntest.Print(expanded(t, &Account{PublicKeys: []string{ed}, PermitListen: []string{"192.0.2.1:8080"}}, "tunnel")))
}

func content(t *testing.T, all []resource.Resource, path string) string {
	t.Helper()
	for _, r := range all {
		if f, ok := r.Want.(*file.File); ok && r.ID.Name == path {
			return *f.Content
		}
	}
	t.Fatalf("there is no %s", path)
	return ""
}

// What is written is what ssh itself reads out of it.
func TestSSHReadsTheConfigurationAsItIsMeant(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		nettest.LeaveOut(t, "there is no ssh to ask")
	}
	for name, c := range map[string]struct {
		tunnel *Tunnel
		says   []string
	}{
		"seed": {seed(), []string{
			"hostname server", "port 22", "user user", "stricthostkeychecking true", "userknownhostsfile /etc/ssh/vpnd/db/known_hosts", "globalknownhostsfile none",
			"identitiesonly yes", "forwardagent no", "permitlocalcommand no", "exitonforwardfailure yes", "batchmode yes", "serveraliveinterval 3", "serveralivecountmax 3",
			"hostkeyalias vpnd-ssh-db", "updatehostkeys false", "localforward [127.0.0.1]:8500 [host]:5432", "forwardx11 no", "identityfile /run/credentials/vpnd-ssh-db.service/key",
			"passwordauthentication no", "tunnel false",
		}},
		"everything": {everything(), []string{
			"hostname 2001:db8::1", "port 2222", "localforward [::1]:443 [2001:db8::2]:443", "localforward /run/vpnd-ssh-db/pg.sock /run/postgresql/.s.PGSQL.5432",
			"remoteforward 8080 [127.0.0.1]:80", "remoteforward /run/there.sock /run/here.sock", "dynamicforward [127.0.0.1]:1080", "streamlocalbindmask 0117",
		}},
	} {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(content(t, expanded(t, c.tunnel, "db"), "/etc/ssh/vpnd/db/config")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(ssh, "-G", "-F", path, "--", "vpnd-ssh-db").CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		for _, line := range c.says {
			if !strings.Contains("\n"+string(out), "\n"+line+"\n") {
				t.Errorf("%s: ssh does not say %q:\n%s", name, line, out)
			}
		}
	}
}

func TestEveryMistakeOfATunnelIsNamed(t *testing.T) {
	wrong := everything()
	wrong.Host, wrong.User, wrong.HostKey, wrong.Key = word("-oProxyCommand=x"), word("root"), word("ssh-dss AAAA"), &Key{Name: "/etc/key", Format: word("pkcs8")}
	wrong.Locals = append(wrong.Locals,
		Local{Listen: word("[::1]:443"), To: word("db:99999"), Probe: span(time.Second)},
		Local{Listen: word("localhost:8501"), To: word("0.0.0.0:1")},
		Local{Listen: word("*:8502"), To: word("db:1")},
		Local{Listen: word("db.internal:8503"), To: word("db:1")},
		Local{Listen: word("/tmp/sock"), To: word("/run/a b")},
		Local{Listen: word("/run/vpnd-ssh-a.b/control"), To: word("db:1")},
		Local{Listen: word("/run/vpnd-ssh-a.b/" + strings.Repeat("x", 90)), To: word("[::ffff:192.0.2.1]:1")},
		Local{Listen: word("[::ffff:127.0.0.1]:8504"), To: word("db:1")},
	)
	wrong.Remotes = append(wrong.Remotes, Remote{Listen: word("8080"), To: word("here:80")}, Remote{Listen: word("0.0.0.0:81"), To: word("here")})
	wrong.Socks = append(wrong.Socks, Socks{Listen: word("/run/vpnd-ssh-db/socks")})
	wrong.Keepalive, wrong.SocketMode, wrong.KeyType = span(1500*time.Millisecond), resource.Ptr(resource.Mode(0o777)), word("dsa")
	none := &Tunnel{Host: word("host"), User: word("tunnel"), KeyFile: word("/root/my key"), SocketMode: resource.Ptr(resource.Mode(0o666))}
	rsa := &Tunnel{Host: word("host"), User: word("tunnel"), HostKey: word(short), Socks: []Socks{{Listen: word("127.0.0.1:1080")}}}
	touch := &Tunnel{Host: word("host"), User: word("tunnel"), HostKeys: []string{ed, touched}, Socks: rsa.Socks}
	vpntest.Golden(t, "mistakes.txt", vpntest.Mistakes(wrong.Validate("a.b"))+"\n"+vpntest.Mistakes(none.Validate("db"))+"\n"+vpntest.Mistakes(rsa.Validate("db"))+"\n"+vpntest.Mistakes(touch.Validate("db")))
}

// short is a key of RSA with 1024 bits.
const short = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDIxC/JcXbjLZbIIx9C7/f4T8YM2FA2JHAz1k1pGNlcb3BUM18qn4HPOVCFXKsqytKRVprc6LzWAVuRe1Xo75D5wWmBH+m8B/N3MDoTnJcY8/w9kIl3RcZ9Mi2lORz1NRRHkgUPISkPbOSMlRB0kYPAHGWhtkJuIWqk/Rukme7TIQ=="

// touched is a key that somebody has to touch a device for.
var touched = "sk-ssh-ed25519@openssh.com " + base64.StdEncoding.EncodeToString(ssh.Marshal(struct{ Kind, Key, Application string }{ssh.KeyAlgoSKED25519, strings.Repeat("k", ed25519.PublicKeySize), "ssh:"}))

func TestEveryMistakeOfAnAccountIsNamed(t *testing.T) {
	wrong := &Account{
		PublicKeys: []string{
			ed, ed + " again", `command="sh" ` + ed, "ssh-ed25519-cert-v01@openssh.com AAAA", "ssh-ed25519 AAAA", ed + "\n" + ed2, "", "-----BEGIN OPENSSH PRIVATE KEY-----",
		},
		PermitOpen:   []string{"db:*", "*:5432", "/run/sock", `db:1",no-restrict`, "db"},
		PermitListen: []string{"80", "0.0.0.0:8080", "/run/sock"},
		Sockets:      resource.Ptr(true), From: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")},
	}
	vpntest.Golden(t, "account_mistakes.txt", vpntest.Mistakes(wrong.Validate("Root *"))+"\n"+vpntest.Mistakes((&Account{PublicKeys: []string{}}).Validate("root")))
}

// Nothing else may listen where it does: no other block, and nobody on the host.
func TestWhereItListensIsItsAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().String()
	tunnel := seed()
	tunnel.Locals[0].Listen, tunnel.Socks = &at, []Socks{{Listen: word("0.0.0.0:1080")}}
	want := []resource.Claim{{Sort: "listener", Value: "tcp/" + at, Path: "local"}, {Sort: "listener", Value: "tcp/1080", Path: "socks"}}
	if is := tunnel.Claims("db"); !slices.Equal(is, want) {
		t.Errorf("other blocks are told of %v", is)
	}
	all, err := tunnel.Expand("db")
	if err != nil {
		t.Fatal(err)
	}
	free := all[len(all)-1].Requires
	if len(free) != 2 || free[0].Path != "local[0].listen" || free[1].Path != "socks[0].listen" {
		t.Fatalf("%s wants %+v", all[len(all)-1].ID, free)
	}
	if m := free[0].Met(t.Context(), resource.Prospect{}); m == nil || !strings.Contains(m.Summary, "listens on tcp/"+at) {
		t.Errorf("somebody listens there, which is told as: %v", m.Err())
	}
	l.Close()
	if m := free[0].Met(t.Context(), resource.Prospect{}); m != nil {
		t.Errorf("nobody listens there any more: %v", m.Err())
	}
}

// A key that is given has to be there, ssh to read it, and nobody else.
func TestAGivenKeyIsLookedAt(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	open, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	for _, c := range []struct {
		text []byte
		mode os.FileMode
		want string
	}{
		{nil, 0, "there is no " + file},
		{pem.EncodeToMemory(open), 0o600, ""},
		{pem.EncodeToMemory(open), 0o644, "has mode 0644, so that others can read it"},
		{pem.EncodeToMemory(locked), 0o600, "has a passphrase"},
		{[]byte(ed + "\n"), 0o600, "holds no private key that ssh reads"},
	} {
		if c.text != nil {
			if err := errors.Join(os.WriteFile(file, c.text, 0o600), os.Chmod(file, c.mode)); err != nil {
				t.Fatal(err)
			}
		}
		tunnel := seed()
		tunnel.KeyType, tunnel.KeyFile = nil, &file
		all := expanded(t, tunnel, "db")
		unit := all[slices.IndexFunc(all, func(r resource.Resource) bool { return strings.HasSuffix(r.ID.Name, "vpnd-ssh-db.service") })]
		m := unit.Requires[0].Met(t.Context(), resource.Prospect{})
		if c.want == "" && m != nil || c.want != "" && (m == nil || m.Warning || !strings.Contains(m.Summary, c.want)) {
			t.Errorf("instead of %q: %v", c.want, m.Err())
		}
	}
}

// A port without an address is one of the loopback addresses, also where another one
// has sshd listen at the address that a tunnel asks for.
func TestAPortAloneStaysOnLoopback(t *testing.T) {
	for _, c := range []struct{ permit, sshd, keys string }{
		{"8080", "8080", `permitlisten="8080"`},
		{"8080 192.0.2.1:9090", "localhost:8080 127.0.0.1:8080 [::1]:8080 192.0.2.1:9090", `permitlisten="localhost:8080",permitlisten="127.0.0.1:8080",permitlisten="[::1]:8080",permitlisten="192.0.2.1:9090"`},
	} {
		a := &Account{PublicKeys: []string{ed}, PermitListen: strings.Fields(c.permit)}
		all := expanded(t, a, "tunnel")
		if text := content(t, all, dropin("tunnel")); !strings.Contains(text, "    PermitListen "+c.sshd+"\n") {
			t.Errorf("sshd is told of %s:\n%s", c.permit, text)
		}
		if text := content(t, all, authorized("tunnel")); !strings.Contains(text, "restrict,port-forwarding,"+c.keys+" ssh-") {
			t.Errorf("the keys are let in for %s as:\n%s", c.permit, text)
		}
		if is := a.expect("tunnel"); strings.Contains(c.permit, " ") && !slices.Contains(is, "permitlisten "+c.sshd) {
			t.Errorf("sshd -T is expected to say %q", is)
		}
	}
}

// Whatever stands in a block, nothing of it becomes another directive of any program:
// it is refused, or written as it is in its place.
func TestNothingBecomesAnotherDirective(t *testing.T) {
	paths := map[string]bool{"key_file": true, "key": true, "socket": true, "to socket": true}
	for _, bad := range []string{
		"x\nProxyCommand sh", "x\rProxyCommand sh", "x ProxyCommand=sh", "x\"", "x'", "x\\", "x#", "%h", "${HOME}", "$(id)", "`id`", "-x", "x;id", "x,y", "x\x00", "x\ty", "~/x", "x!", "*", "é",
	} {
		for place, put := range map[string]func(*Tunnel){
			"host":      func(t *Tunnel) { t.Host = &bad },
			"host:port": func(t *Tunnel) { t.Host = word("host:" + bad) },
			"user":      func(t *Tunnel) { t.User = &bad },
			"host_key":  func(t *Tunnel) { t.HostKey = word(bad + " " + ed) },
			"key_file":  func(t *Tunnel) { t.KeyFile = word("/etc/" + bad) },
			"key":       func(t *Tunnel) { t.Key = &Key{Name: "/etc/" + bad, Format: word("openssh")} },
			"listen":    func(t *Tunnel) { t.Locals[0].Listen = word(bad + ":8500") },
			"port":      func(t *Tunnel) { t.Locals[0].Listen = word("127.0.0.1:" + bad) },
			"socket":    func(t *Tunnel) { t.Locals[0].Listen = word("/run/vpnd-ssh-db/" + bad) },
			"to":        func(t *Tunnel) { t.Locals[0].To = word(bad + ":5432") },
			"to socket": func(t *Tunnel) { t.Locals[0].To = word("/run/" + bad) },
			"remote":    func(t *Tunnel) { t.Remotes = []Remote{{Listen: word(bad), To: word("a:1")}} },
			"remote to": func(t *Tunnel) { t.Remotes = []Remote{{Listen: word("8080"), To: word(bad)}} },
			"socks":     func(t *Tunnel) { t.Socks = []Socks{{Listen: word(bad + ":1")}} },
		} {
			tunnel := seed()
			if put(tunnel); bad == "-x" && paths[place] {
				continue // it stands behind a slash
			}
			refused(t, place, bad, tunnel.Validate("db"))
		}
		refused(t, "name", bad, seed().Validate(bad))
		for place, a := range map[string]*Account{
			"key":           {PublicKeys: []string{bad + " " + ed}, PermitOpen: []string{"a:1"}},
			"permit_open":   {PublicKeys: []string{ed}, PermitOpen: []string{bad + ":1"}},
			"permit_listen": {PublicKeys: []string{ed}, PermitListen: []string{bad + ":1"}},
		} {
			if bad != "*" {
				refused(t, place, bad, a.Validate("tunnel"))
			}
		}
		refused(t, "account", bad, account().Validate(bad))
	}
}

func refused(t *testing.T, place, bad string, found []resource.Mistake) {
	t.Helper()
	for _, m := range found {
		if !m.Warning || bad == "*" {
			return
		}
	}
	t.Errorf("%s takes %q", place, bad)
}

// A comment of a key is nobody's business and could be anything.
func TestCommentsOfKeysGoNowhere(t *testing.T) {
	tunnel, a := seed(), account()
	tunnel.HostKey, a.PublicKeys = word(ed+` x"#`), []string{ed + ` x"#`}
	for path, all := range map[string][]resource.Resource{"/etc/ssh/vpnd/db/known_hosts": expanded(t, tunnel, "db"), "/etc/ssh/vpnd/account.tunnel.keys": expanded(t, a, "tunnel")} {
		if text := content(t, all, path); !strings.HasSuffix(text, " "+ed+"\n") {
			t.Errorf("%s:\n%s", path, text)
		}
	}
}
