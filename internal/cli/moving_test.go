package cli

import (
	"path/filepath"
	"slices"
	"testing"

	"vpnd/internal/catalog"
	"vpnd/internal/config"
)

// A configuration without the files that are read with it would be none on the host
// that it moves to.
func TestDocumentsMoveAlong(t *testing.T) {
	for example, files := range map[string][]string{
		"aws-gateway":    {"vpn-0a1b2c3d4e5f60718.xml"},
		"openvpn-client": {"ca.crt", "hq.ovpn", "tpham.crt", "tpham.key"},
	} {
		cfg, diags := config.Load(config.Source{Paths: []string{"../../examples/" + example}, Advise: true}, catalog.New(catalog.Options{Root: "/"}), Version)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var want []string
		for _, file := range files {
			want = append(want, filepath.Join("../../examples", example, file))
		}
		if got := documents(cfg); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
