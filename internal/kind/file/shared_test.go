package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// A directory that others use is not closed, whoever named it: profiles = "/tmp".
func TestDirectoriesOfEverybodyAreNotClosed(t *testing.T) {
	root := accounts(t)
	for name, mode := range map[string]os.FileMode{"tmp": 0o777 | os.ModeSticky, "var": 0o755, "var/lib": 0o755, "etc/own": 0o755, "etc/all": 0o777} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	closed := resource.Mode(0o700)
	same := resource.Mode(0o1777)
	v := DirectoryVerbs{Root: root}
	wants := map[string]*Directory{"/tmp": {Mode: &closed}, "/var/lib": {Mode: &closed}, "/etc": {Mode: &closed}, "/etc/own": {Mode: &closed}, "/etc/all": {Mode: &closed}, "/etc/new": {Mode: &closed}}
	normal, err := v.Normalize(t.Context(), wants)
	refused, general := resource.Split(err)
	if general != nil || len(refused) != 4 || normal["/etc/own"] == nil || normal["/etc/new"] == nil {
		t.Fatalf("%v, %v", normal, err)
	}
	if got := refused["/tmp"].Error(); !strings.Contains(got, "with mode 0700 instead of 1777") || !strings.HasSuffix(got, "as in /tmp/vpnd") {
		t.Error(got)
	}
	if _, err := v.Normalize(t.Context(), map[string]*Directory{"/tmp": {Mode: &same}}); err != nil {
		t.Error(err)
	}
}

// What is to be vpnd's alone is nobody's home, and no directory of a package; who
// writes a block for the directory itself knows what is in it.
func TestDirectoriesOfOthersAreNotTaken(t *testing.T) {
	root := accounts(t)
	put(t, root, "/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob/:/bin/sh\n")
	for _, dir := range []string{"home/bob", "etc/ssl/certs", "etc/ssl/mine", "var/lib/dpkg/info"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, root, "/var/lib/dpkg/info/openssl.list", "/.\n/etc/ssl\n/etc/ssl/certs\n")
	closed, alone := resource.Mode(0o700), true
	v := DirectoryVerbs{Root: root}
	for name, want := range map[string]string{"/home/bob": "the home of bob", "/etc/ssl": "one of the package openssl", "/etc/ssl/certs": "one of the package openssl", "/etc/ssl/mine": "", "/etc/ssl/new": ""} {
		_, err := v.Normalize(t.Context(), map[string]*Directory{name: {Mode: &closed, Alone: &alone}})
		if err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := v.Normalize(t.Context(), map[string]*Directory{name: {Mode: &closed}}); err != nil {
			t.Errorf("asked for by itself: %v", err)
		}
	}
	nettest.Root(t, "to give files away")
	home := filepath.Join(root, "home/bob")
	if err := errors.Join(os.Chmod(home, 0o700), os.Chown(home, 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Normalize(t.Context(), map[string]*Directory{"/home/bob": {Mode: &closed, Alone: &alone}}); err == nil {
		t.Error("a home that nobody else may look into is taken")
	}
}
