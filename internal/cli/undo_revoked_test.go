package cli

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whoever was revoked stays so, however many undos follow each other, and
// whatever stood between them: a destroy, also one that was killed, puts a
// configuration in force that knows of no list.
func TestWhoWasRevokedStaysSoThroughEveryUndo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this test as root, in a container")
	}
	for name, steps := range map[string][]string{
		"a destroy that was killed before": {"apply ", "kill", "destroy", "apply bob", "apply ", "rollback", "rollback", "rollback"},
		"a destroy that was killed after":  {"apply bob", "apply ", "kill", "destroy", "back 1"},
		"one undo after the other":         {"apply bob", "apply ", "kill", "destroy", "rollback", "rollback"},
		"all was destroyed":                {"apply ", "apply bob", "apply ", "destroy", "back 2"},
		"all was destroyed, and came back": {"apply ", "apply bob", "apply ", "destroy", "rollback", "rollback", "rollback"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newOutlaw(t)
			for _, step := range steps {
				u.step(step)
			}
		})
	}
}

// outlaw is a host on which bob was revoked.
type outlaw struct {
	*testing.T
	*rig

	revoked map[string][]string // serial numbers that a list ever barred, by the key of its CA
	in      bool                // bob was last let in by a person
	told    []string
}

func newOutlaw(t *testing.T) *outlaw {
	r, err := newRig(testDir(t))
	if err != nil {
		t.Fatal(err)
	}
	return &outlaw{T: t, rig: r, revoked: make(map[string][]string)}
}

func (u *outlaw) step(step string) {
	u.Helper()
	word, arg, _ := strings.Cut(step, " ")
	switch word {
	case "apply":
		u.in = arg != ""
		u.configure(arg)
		u.do("apply", "--yes")
	case "kill":
		u.steps = 1
	case "destroy":
		u.do("destroy", "--yes")
	case "rollback":
		u.do("rollback", "--yes")
	case "back":
		all, _ := filepath.Glob(filepath.Join(u.dir, "state", "snapshots", "*.json"))
		at := int(arg[0] - '0')
		u.do("rollback", "--yes", strings.TrimSuffix(filepath.Base(all[at]), ".json"))
	}
	u.look()
}

// configure asks for a PKI with alice and, where he is named, bob.
func (u *outlaw) configure(bob string) {
	u.Helper()
	text := "pki \"office\" {\n directory = %q\n subject { common_name = \"CA\" }\n server \"vpn\" {}\n client \"alice\" {}\n"
	if bob != "" {
		text += " client \"bob\" {}\n"
	}
	if err := u.write(fmt.Sprintf(text+"}\nthing \"a\" { text = \"1\" }\n", filepath.Join(u.dir, "pki"))); err != nil {
		u.Fatal(err)
	}
}

func (u *outlaw) do(args ...string) {
	u.Helper()
	code, killed := u.run(args...)
	u.told = append(u.told, strings.Join(args, " ")+"\n"+u.out.String())
	if code != 0 && !killed {
		u.Fatal(strings.Join(u.told, "---\n"))
	}
}

// look checks that all that was ever revoked is barred, where there is a list,
// and that nobody gave bob another certificate.
func (u *outlaw) look() {
	u.Helper()
	der := parsePEM(filepath.Join(u.dir, "pki", "crl.pem"))
	if der == nil {
		return
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		u.Fatal(err)
	}
	var barred []string
	for _, e := range list.RevokedCertificateEntries {
		barred = append(barred, fmt.Sprintf("%x", e.SerialNumber))
	}
	ca := string(list.AuthorityKeyId)
	for _, serial := range u.revoked[ca] {
		if !slices.Contains(barred, serial) {
			u.Fatalf("%s was revoked, and is let in again\n%s", serial, strings.Join(u.told, "---\n"))
		}
	}
	u.revoked[ca] = barred
	if der := parsePEM(filepath.Join(u.dir, "pki", "certs", "bob.crt")); der != nil && !u.in {
		u.Fatalf("bob's certificate is back\n%s", strings.Join(u.told, "---\n"))
	}
}

// Where the CA stands and all is lost that told whom it had revoked, a plan says
// what a new list means.
func TestPlanSaysThatEveryRevocationIsVoid(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this test as root, in a container")
	}
	u := newOutlaw(t)
	u.step("apply bob")
	u.step("apply ")
	for _, path := range []string{"state", "pki/issued", "pki/crl.pem"} {
		if err := os.RemoveAll(filepath.Join(u.dir, path)); err != nil {
			t.Fatal(err)
		}
	}
	u.later = 24 * time.Hour
	u.do("plan")
	if !strings.Contains(u.out.String(), "every revocation before is void") {
		t.Errorf("the plan says nothing of it:\n%s", u.out.String())
	}
	u.do("apply", "--yes")
	u.do("plan")
	if strings.Contains(u.out.String(), "void") {
		t.Errorf("it goes on to say so:\n%s", u.out.String())
	}
}
