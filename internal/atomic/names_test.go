package atomic

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func accounts(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\ntoor:x:0:0\nopenvpn:x:990:991::/:/bin/false\n7:x:8:8\nroot:x:5:5\nbroken\nbad:x:y:z\n+nis\n",
		"group":  "root:x:0:\nnogroup:x:65534:\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLookup(t *testing.T) {
	root := accounts(t)
	for _, c := range []struct {
		owner, group string
		uid, gid     int
	}{
		{"root", "root", 0, 0},
		{"toor", "0", 0, 0},
		{"openvpn", "nogroup", 990, 65534},
		{"7", "4242", 7, 4242}, // though somebody is called so
	} {
		uid, gid, err := numbers(root, c.owner, c.group)
		if err != nil || uid != c.uid || gid != c.gid {
			t.Errorf("%s:%s is %d:%d, %v", c.owner, c.group, uid, gid, err)
		}
	}
	_, _, err := numbers(root, "nobody", "-1")
	want := "there is no user \"nobody\"; create it first, or give a number\nthere is no group \"-1\"; create it first, or give a number"
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestNamesOfNumbers(t *testing.T) {
	names, err := ReadNames(accounts(t))
	if err != nil {
		t.Fatal(err)
	}
	for uid, want := range map[int]string{0: "root", 990: "openvpn", 5: "5", 7: "7", 8: "8"} {
		if got := names.User(uid); got != want {
			t.Errorf("user %d is %s, want %s", uid, got, want)
		}
	}
	if got := names.Group(65534) + " " + names.Group(1); got != "nogroup 1" {
		t.Error(got)
	}
	if names, err = ReadNames(t.TempDir()); err != nil || names.User(0) != "root" || names.Group(1) != "1" {
		t.Errorf("without accounts: %s, %v", names.User(0), err)
	}
}

func TestTargetOfATemporary(t *testing.T) {
	for name, want := range map[string]string{
		temporaryOf("a.key"): "a.key", temporaryOf(".x"): ".x",
		"a.key": "", ".a.key": "", ".vpnd-AAAAAAAA": "", "": "", "a.key.vpnd-AAAAAAAA": "", ".a.vpnd-AAAA": "",
	} {
		if got, ok := Target(name); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t", name, got, ok)
		}
	}
}

// numbers returns those of an owner and a group, each given by name or number.
func numbers(root, owner, group string) (uid, gid int, err error) {
	names, err := ReadNames(root)
	if err != nil {
		return 0, 0, err
	}
	uid, errUser := names.UID(owner)
	gid, errGroup := names.GID(group)
	return uid, gid, errors.Join(errUser, errGroup)
}
