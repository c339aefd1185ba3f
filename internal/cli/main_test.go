package cli

import (
	"os"
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
