package cli

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestToolsOfRootAreFoundBehindThoseOfThePath(t *testing.T) {
	for path, want := range map[string]string{
		"":                        "/usr/local/sbin:/usr/sbin:/sbin",
		"/usr/bin:/bin":           "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
		"/sbin:/opt/bin:/usr/bin": "/sbin:/opt/bin:/usr/bin:/usr/local/sbin:/usr/sbin",
	} {
		t.Setenv("PATH", path)
		seeSbin()
		if got := os.Getenv("PATH"); got != want {
			t.Errorf("of %q: %q, want %q", path, got, want)
		}
	}
}

// Where a path really leads is found out alike for the first file of a directory and for
// the hundredth, when the directory has been listed.
func TestRealOfManyFiles(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(root+"/is", 0o700), os.Mkdir(root+"/state", 0o700), os.Symlink("is", root+"/dir"), os.Symlink("../state", root+"/is/link"), os.WriteFile(root+"/is/file", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	seen := make(directories)
	for range 3 * often {
		for path, want := range map[string]string{"/dir/file": "/is/file", "/dir/nothing": "/is/nothing", "/dir/link": "/state", "/none/file": "/none/file"} {
			if got := seen.real(root + path); got != root+want {
				t.Fatalf("%s leads to %s", path, got)
			}
		}
	}
}
