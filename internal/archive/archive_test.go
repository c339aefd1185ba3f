package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
)

func identity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var (
	made    = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	entries = []Entry{
		{Path: "/var/lib/vpnd/pki", Mode: fs.ModeDir | 0o700, User: "root", Group: "root"},
		{Path: "/var/lib/vpnd/pki/ca.key", Mode: 0o600, User: "root", Group: "root", Data: []byte("KEY")},
	}
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	id := identity(t)
	var sealed bytes.Buffer
	if err := Write(&sealed, Manifest{Version: "1", Host: "gw", Made: made, Given: json.RawMessage(`[1]`)}, entries, id.Recipient()); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed.Bytes(), []byte("KEY")) {
		t.Error("the key can be read")
	}
	m, got, err := Read(bytes.NewReader(sealed.Bytes()), id)
	want := Manifest{FormatVersion: FormatVersion, Version: "1", Host: "gw", Made: made, Given: json.RawMessage(`[1]`)}
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("%s, %v", diff, err)
	}
	if diff := cmp.Diff(entries, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := Read(bytes.NewReader(sealed.Bytes()), identity(t)); err == nil || err.Error() != "neither this passphrase nor this identity opens the archive" {
		t.Errorf("somebody else's identity: %v", err)
	}
	for cut := range sealed.Len() { // torn anywhere, nothing of it is handed out
		if _, got, err := Read(bytes.NewReader(sealed.Bytes()[:cut]), id); err == nil || got != nil {
			t.Fatalf("cut at %d: %v, %v", cut, got, err)
		}
	}
}

// Who made an archive has its passphrase; what it holds is looked at all the same.
func TestStrangeMembersAreRefused(t *testing.T) {
	about := tar.Header{Name: manifest, Mode: 0o600, Typeflag: tar.TypeReg}
	for name, c := range map[string]struct {
		about  string
		member tar.Header
		want   string
	}{
		"up":           {`{"format_version":"1.0"}`, tar.Header{Name: "../etc/shadow", Typeflag: tar.TypeReg}, "is no path of a file"},
		"a link":       {`{"format_version":"1.0"}`, tar.Header{Name: "etc/a", Linkname: "/etc/b", Typeflag: tar.TypeSymlink}, "neither a file nor a directory"},
		"a device":     {`{"format_version":"1.0"}`, tar.Header{Name: "etc/a", Typeflag: tar.TypeChar}, "neither a file nor a directory"},
		"a new format": {`{"format_version":"2.0"}`, tar.Header{Name: "etc/a", Typeflag: tar.TypeReg}, `it has format "2.0", and this vpnd reads 1.x`},
		"no manifest":  {"", tar.Header{Name: "etc/a", Typeflag: tar.TypeReg}, "it begins with"},
		"set-id":       {`{"format_version":"1.0"}`, tar.Header{Name: "etc/a", Mode: 0o4755, Typeflag: tar.TypeReg}, ""},
	} {
		id := identity(t)
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		inner := tar.NewWriter(w)
		if c.about != "" {
			first := about
			first.Size = int64(len(c.about))
			if err := inner.WriteHeader(&first); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(inner, c.about)
		}
		if err := inner.WriteHeader(&c.member); err != nil {
			t.Fatal(err)
		}
		if err := inner.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		_, got, err := Read(&sealed, id)
		switch {
		case c.want == "":
			if err != nil || len(got) != 1 || got[0].Mode != 0o755 {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v", name, err)
		}
	}
}
