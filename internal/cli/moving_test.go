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
	cfg, diags := config.Load(config.Source{Paths: []string{"../../examples/aws-gateway"}, Advise: true}, catalog.New(catalog.Options{Root: "/"}), Version)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := documents(cfg)
	if want := []string{filepath.Clean("../../examples/aws-gateway/vpn-0a1b2c3d4e5f60718.xml")}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
