package openvpn

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSyntaxNeedsNoFiles(t *testing.T) {
	for text, want := range map[string]string{
		"port 1194\ndev tun0\nca /nowhere\nserver 10.8.0.0 255.255.255.0\n": "",
		"dev tun0\nscript-security 2\nup /nowhere.sh\n":                     "",
		"dev tun0\nno-such-directive 1\n":                                   "openvpn can't read the configuration: Options error: Unrecognized option or missing or extra parameter(s) in line 2: no-such-directive",
	} {
		path := filepath.Join(t.TempDir(), "x.conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := Syntax(context.Background(), path); err != nil {
			got = err.Error()
		}
		got, _, _ = strings.Cut(got, " (") // the version
		want, _, _ := strings.Cut(want, " (")
		if got != want {
			t.Errorf("%q\n got: %s\nwant: %s", text, got, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if err := Syntax(context.Background(), "/nowhere"); err != nil {
		t.Errorf("without openvpn: %v", err)
	}
}
