package lab

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const targets = `MetaKey: main/binary-amd64/Packages
Codename: bookworm-updates
Suite: oldstable-updates
Component: main
Release: bookworm-updates
Repo-URI: http://mirror.example/updates/
Sourcesentry: /etc/apt/sources.list:2

MetaKey: contrib/binary-amd64/Packages
Codename: bookworm
Suite: oldstable
Component: contrib
Release: bookworm
Repo-URI: http://mirror.example/contrib/
Sourcesentry: /etc/apt/sources.list:3

MetaKey: main/binary-amd64/Packages
Codename: bookworm
Suite: oldstable
Component: main
Release: RELEASE
Repo-URI: http://mirror.example/debian/
Sourcesentry: /etc/apt/sources.list:1
`

func TestTarget(t *testing.T) {
	for release, want := range map[string]string{
		"bookworm":  "http://mirror.example/debian/",
		"oldstable": "http://mirror.example/debian/",
		"sid":       "", // not what it is called
	} {
		uri, entry := target(strings.ReplaceAll(targets, "RELEASE", release), "bookworm")
		if uri != want {
			t.Errorf("with the release %s the mirror is %q, want %q", release, uri, want)
		}
		if want != "" && entry != "/etc/apt/sources.list:1" {
			t.Errorf("with the release %s the entry is %q", release, entry)
		}
	}
}

// A machine of one release has no source of the other, which stands on the same
// mirror.
func TestTargetOfAnotherRelease(t *testing.T) {
	text := strings.ReplaceAll(targets, "RELEASE", "bookworm")
	if uri, entry := target(text, Trixie); uri != "http://mirror.example/debian/" || entry != "/etc/apt/sources.list:1" {
		t.Errorf("the mirror of trixie is %q by %q", uri, entry)
	}
	own := strings.NewReplacer("Codename: bookworm\n", "Codename: trixie\n", "Release: bookworm\n", "Release: trixie\n", "mirror", "own").Replace(text)
	for _, both := range []string{text + "\n" + own, own + "\n" + text} {
		if uri, _ := target(both, Trixie); uri != "http://own.example/debian/" {
			t.Errorf("the mirror of trixie is %q where there is one of its own", uri)
		}
	}
	if uri, _ := target(strings.ReplaceAll(text, "bookworm", "noble"), Trixie); uri != "" {
		t.Errorf("Debian's mirror is %q, which is another distribution's", uri)
	}
}

func TestSignedBy(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"debian.sources": "# ours\nTypes: deb\nSigned-By: /keys/first.gpg\n\n\nTypes: deb\nSuites: bookworm\nSigned-By: /keys/second.gpg\n\nTypes: deb\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n",
		"debian.list":    "# ours\ndeb [arch=amd64 signed-by=/keys/line.gpg] http://mirror.example/ bookworm main\ndeb http://mirror.example/ bookworm main\ndeb [signed-by=/keys/a.gpg,/keys/b.gpg] http://mirror.example/ bookworm main\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for entry, want := range map[string]string{
		"debian.sources:1": "/keys/first.gpg",
		"debian.sources:2": "/keys/second.gpg",
		"debian.sources:3": "",
		"debian.sources:4": "",
		"debian.list:2":    "/keys/line.gpg",
		"debian.list:3":    "",
		"debian.list:4":    "/keys/a.gpg",
		"none.list:1":      "",
		"debian.list":      "",
	} {
		if got := signedBy(filepath.Join(dir, entry)); got != want {
			t.Errorf("%s is signed by %q, want %q", entry, got, want)
		}
	}
}

func TestAssignments(t *testing.T) {
	got := assignments("http_proxy='http://proxy.example:3128'\nhttps_proxy='http://proxy.example:3129'\n")
	want := []string{"http_proxy=http://proxy.example:3128", "https_proxy=http://proxy.example:3129"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := assignments(""); got != nil {
		t.Errorf("nothing set gives %q", got)
	}
}
