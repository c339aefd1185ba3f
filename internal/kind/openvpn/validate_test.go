package openvpn

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// The room has an empty /etc/openvpn: what is there is what a test put there.
func TestMain(m *testing.M) { nettest.Main(m, "/etc/openvpn") }

const good = `# a server as vpnd writes it
topology subnet
server 10.8.0.0 255.255.255.0
dev tun0
proto udp
port 1194
dh none
ca /etc/openvpn/server/office/ca.crt
cert /etc/openvpn/server/office/server.crt
key /etc/openvpn/server/office/server.key
crl-verify /etc/openvpn/server/office/crl.pem
client-config-dir "/etc/openvpn/server/office/ccd"
tls-crypt-v2 /etc/openvpn/server/office/tls-crypt-v2.key
persist-key
keepalive 10 120
user nobody
group nogroup
management /run/openvpn-server/office/management.sock unix
status /nowhere/status.log
log-append LOG
push "route 10.0.0.0 255.255.0.0"
`

func TestOpenVPNIsAsked(t *testing.T) {
	nettest.Need(t)
	dir := t.TempDir()
	log := filepath.Join(dir, "openvpn.log")
	base := strings.Replace(good, "LOG", log, 1)
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing of it exists yet", "", "", ""},
		{"its CAs are in a directory that does not exist yet", "ca /etc/openvpn/server/office/ca.crt", "capath /etc/openvpn/server/office", ""},
		{"unknown option", "dh none", "bogus 1", "openvpn refuses the configuration: Options error: Unrecognized option or missing or extra parameter(s) in line 7: bogus"},
		{"a removed option", "dh none", "dh none\nncp-disable", "openvpn refuses the configuration: Options error: Unrecognized option or missing or extra parameter(s) in line 8: ncp-disable"},
		{"a missing dh", "dh none", "dh /srv/nowhere.pem", "openvpn refuses the configuration: Options error: --dh fails with '/srv/nowhere.pem': No such file or directory (errno=2)"},
		{"no dh at all", "dh none\n", "", "openvpn refuses the configuration: Options error: You must define DH file (--dh)"},
		{"a network too large", "10.8.0.0 255.255.255.0", "10.0.0.0 255.0.0.0", "openvpn refuses the configuration: Options error: --server directive netmask allows for too many host addresses (subnet must be 255.255.0.0 (/16) or higher)"},
		{"a user it lacks", "user nobody", "user no-such-user", `this host has no user "no-such-user"; set user to one it has`},
		{"a group it lacks", "group nogroup", "group no-such-group", `this host has no group "no-such-group"; set group to one it has, such as nogroup on Debian or nobody on Fedora and its kin`},
		{"a digest it lacks", "dh none", "dh none\nauth SHA265", "openvpn refuses the configuration: Message hash algorithm 'SHA265' not found"},
		{"a cipher it lacks", "dh none", "dh none\ndata-ciphers AES-256-GCM:AES-265-GCM", "openvpn refuses the configuration: Options error: --data-ciphers list contains unsupported ciphers or is too long."},
		{"a fallback it lacks", "dh none", "dh none\ndata-ciphers-fallback BF-CBC", "openvpn refuses the configuration: Cipher BF-CBC not supported"},
		{"a cipher of TLS it lacks", "dh none", "dh none\ntls-cipher NOPE", "openvpn refuses the configuration: Failed to set restricted TLS cipher list: NOPE"},
		{"a suite it lacks", "dh none", "dh none\ntls-ciphersuites NOPE", "openvpn refuses the configuration: Failed to set restricted TLS 1.3 cipher list: NOPE"},
		{"a group it lacks", "dh none", "dh none\ntls-groups X25519:NOPE", "openvpn refuses the configuration: Failed to set allowed TLS group list: X25519:NOPE"},
		{"a key that is none", "ca /etc/openvpn/server/office/ca.crt\ncert /etc/openvpn/server/office/server.crt\nkey /etc/openvpn/server/office/server.key", "<key>\nnone\n</key>\n<cert>\nnone\n</cert>\n<ca>\nnone\n</ca>", "openvpn refuses the configuration: Cannot load inline certificate file"},
		{"port-share on UDP", "dh none", "dh none\nport-share 127.0.0.1 443", "openvpn refuses the configuration: Options error: --port-share only works in TCP server mode"},
		{"an inline file is no directive", "dh none", "<dh>\nlog-append x\nbogus\n</dh>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "office.conf")
			if err := os.WriteFile(path, []byte(strings.Replace(base, c.old, c.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := Validate(context.Background(), path); err != nil {
				got = err.Error()
			}
			// OpenVPN adds its version to some answers.
			if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
	if _, err := os.Stat(log); !os.IsNotExist(err) {
		t.Errorf("asking wrote the log of the server: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "vpnd-openvpn-*")); len(left) > 0 {
		t.Errorf("asking left %v behind", left)
	}
}

func TestTheAnswerIsNotWaitedForWithoutEnd(t *testing.T) {
	nettest.Need(t)
	path := filepath.Join(t.TempDir(), "office.conf")
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Validate(ctx, path); err == nil || !strings.Contains(err.Error(), "asking openvpn") {
		t.Errorf("with the context gone: %v", err)
	}
}

func TestWithoutOpenVPNThereIsNobodyToAsk(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Validate(context.Background(), "/nowhere"); err != nil {
		t.Error(err)
	}
}
