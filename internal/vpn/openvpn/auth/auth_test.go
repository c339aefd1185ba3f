package auth

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

func word(s string) *string { return &s }

func lasts(s string) *resource.Duration {
	d, err := resource.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return &d
}

func server(a *Auth) Server {
	return Server{Auth: a, Name: "Office", Directory: "/etc/openvpn/server/Office", Vault: "/var/lib/vpnd/pki/office/openvpn-Office", People: []Person{{"alice", "/pki/alice.crt"}, {"bob@example.com", "/pki/bob.crt"}}, Install: true}
}

// ways are what people can be asked by.
var ways = []struct {
	name string
	auth *Auth
}{
	{"none", nil},
	{"password", &Auth{PAM: &PAM{}}},
	{"password for hours", &Auth{PAM: &PAM{Include: word("password-auth")}, Token: &Token{Lifetime: lasts("8h"), Idle: lasts("1h")}}},
	{"password and code", &Auth{PAM: &PAM{}, TOTP: &TOTP{Issuer: word("Acme")}}},
	{"code alone", &Auth{TOTP: &TOTP{Package: word("")}}},
	{"a service of the host", &Auth{PAM: &PAM{Service: word("radius"), Plugin: word("/opt/auth-pam.so"), Answers: map[string]string{"Pass": "password", "Passcode": "otp", "User": "common_name"}}}},
	{"a command", &Auth{Command: []string{"/usr/local/sbin/check", "--realm=vpn"}, Challenge: word("PIN of \"today\"")}},
	{"whoever is typed", &Auth{PAM: &PAM{}, Username: word("any")}},
	{"no certificate", &Auth{Command: []string{"/usr/local/sbin/check"}, Username: word("any"), Certificate: word("none")}},
}

func TestWhatServersAndProfilesSay(t *testing.T) {
	var out strings.Builder
	for _, way := range ways {
		s := server(way.auth)
		fmt.Fprintf(&out, "== %s\n%s", way.name, vpntest.Mistakes(way.auth.Validate(s.Vault)))
		for _, d := range s.Directives() {
			fmt.Fprintf(&out, "server: %q\n", []string(d))
		}
		for _, d := range s.ProfileDirectives() {
			fmt.Fprintf(&out, "profile: %q\n", []string(d))
		}
		fmt.Fprintf(&out, "terms: %v\n%s", s.Terms(), vpntest.Print(s.Needs().Resources))
		for to, from := range s.Needs().Copies {
			fmt.Fprintf(&out, "%s is a copy of %s\n", to, from)
		}
		for _, r := range s.Requirements() {
			fmt.Fprintf(&out, "asks the host about %s\n", r.Path)
		}
	}
	vpntest.Golden(t, "ways.txt", out.String())
}

// Where a certificate is needed a program looks at each client, whatever let it in, and
// OpenVPN reads the commands as the words that they are made of.
func TestNobodyGetsByTheDoorman(t *testing.T) {
	for _, way := range ways[1:] {
		said := map[string][]string{}
		for _, d := range server(way.auth).Directives() {
			said[d[0]] = d[1:]
		}
		if way.auth.Tied() != (said["client-connect"] != nil && strings.Contains(said["client-connect"][0], "/same-name")) {
			t.Errorf("%s: client-connect %q", way.name, said["client-connect"])
		}
		if plugin := said["plugin"]; way.auth.Tied() && plugin != nil && !strings.Contains(plugin[1], " login COMMONNAME") {
			t.Errorf("%s: PAM is asked about somebody else: %q", way.name, plugin)
		}
		if command := said["auth-user-pass-verify"]; command != nil {
			words, err := openvpn.Words(command[0])
			if err != nil || strings.Join(words[1:], "\x00") != strings.Join(way.auth.Command, "\x00") {
				t.Errorf("%s: OpenVPN reads %q: %v", way.name, words, err)
			}
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	var out strings.Builder
	for _, c := range []struct {
		name string
		auth Auth
	}{
		{"nobody is asked", Auth{}},
		{"both", Auth{PAM: &PAM{}, Command: []string{"/bin/true"}}},
		{"services", Auth{PAM: &PAM{Service: word("../shadow"), Include: word("a b")}}},
		{"a service that is there, and a code", Auth{PAM: &PAM{Service: word("radius")}, TOTP: &TOTP{}}},
		{"upper case", Auth{PAM: &PAM{Service: word("Radius")}}},
		{"a line more", Auth{PAM: &PAM{Include: word("common-auth\nauth sufficient pam_permit.so")}}},
		{"plugin", Auth{PAM: &PAM{Plugin: word("a b\" c")}}},
		{"plugin elsewhere", Auth{PAM: &PAM{Plugin: word("../x.so")}}},
		{"answers of its own", Auth{PAM: &PAM{Answers: map[string]string{"Password": "password"}}}},
		{"an answer with blanks", Auth{PAM: &PAM{Service: word("x"), Answers: map[string]string{"Pass word": "password"}}}},
		{"the name is answered", Auth{PAM: &PAM{Service: word("x"), Answers: map[string]string{"Login": "password"}}}},
		{"no such answer", Auth{PAM: &PAM{Service: word("x"), Answers: map[string]string{"Pin": "PASSWORD"}}}},
		{"somebody else's name", Auth{PAM: &PAM{Service: word("x"), Answers: map[string]string{"User": "username"}}}},
		{"no command", Auth{Command: []string{}}},
		{"a relative command", Auth{Command: []string{"check"}}},
		{"shell", Auth{Command: []string{"/bin/sh", "-c", "true; rm x", "$(x)", "a\nb", `a"b`, ""}}},
		{"home", Auth{Command: []string{"/home/alice/check"}}},
		{"challenge", Auth{Command: []string{"/bin/true"}, Challenge: word("a\nscript-security 3")}},
		{"challenge for a code", Auth{TOTP: &TOTP{}, Challenge: word("PIN")}},
		{"issuer", Auth{TOTP: &TOTP{Issuer: word("Acme: VPN"), Package: word("a b")}}},
		{"a code of anybody", Auth{TOTP: &TOTP{}, Username: word("any")}},
		{"tokens", Auth{PAM: &PAM{}, Token: &Token{Lifetime: lasts("1s"), Idle: lasts("2h")}}},
		{"words", Auth{PAM: &PAM{}, Username: word("me"), Certificate: word("maybe")}},
		{"no certificate, and its name", Auth{PAM: &PAM{}, Certificate: word("optional")}},
	} {
		out.WriteString("== " + c.name + "\n" + vpntest.Mistakes(c.auth.Validate("/var/lib/vpnd/pki/x")))
	}
	out.WriteString("== where seeds can't be\n" + vpntest.Mistakes((&Auth{TOTP: &TOTP{}}).Validate("/var/lib/a b")) + vpntest.Mistakes((&Auth{TOTP: &TOTP{}}).Validate("/var/${USER}")))
	vpntest.Golden(t, "mistakes.txt", out.String())
}

// Whoever may change the program that is asked, or a service of PAM, would let anybody in.
func TestAProgramThatOthersCanChangeIsRefused(t *testing.T) {
	nettest.Root(t, "to own a program")
	program := filepath.Join(t.TempDir(), "check")
	for mode, want := range map[os.FileMode]bool{0o755: true, 0o775: false, 0o757: false} {
		if err := os.WriteFile(program, nil, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(program, mode); err != nil {
			t.Fatal(err)
		}
		asked := false
		for _, r := range server(&Auth{Command: []string{program}}).Requirements() {
			if r.Path != "auth.command" {
				continue
			}
			asked = true
			if m := r.Met(t.Context(), resource.Prospect{}); (m == nil) != want {
				t.Errorf("mode %o: %+v", mode, m)
			}
		}
		if !asked {
			t.Fatal("nobody asks about the program")
		}
	}
}
