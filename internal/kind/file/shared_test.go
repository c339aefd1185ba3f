package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// A directory that others use is not closed, whoever named it: profiles = "/tmp".
func TestFoldersOfEverybodyAreNotClosed(t *testing.T) {
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
