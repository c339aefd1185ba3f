package moving

import (
	"os"
	"path/filepath"
	"testing"
)

// What is named and is a link to a file, as those of Let's Encrypt are, goes along as
// what it leads to: that is elsewhere on another host, or not at all.
func TestLinksAreFollowed(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "archive.pem"), filepath.Join(dir, "live.pem")
	if err := os.WriteFile(file, []byte("it"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	entries, err := Gather("/", []string{link})
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	if e := entries[len(entries)-1]; e.Path != link || string(e.Data) != "it" || e.Mode != 0o640 {
		t.Errorf("%s %q %v", e.Path, e.Data, e.Mode)
	}
}
