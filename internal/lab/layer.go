package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed layer.sh
var layerScript string

//go:embed suite.sh
var suiteScript string

// Layer makes sure that there is a layer with packages over a release's root file
// system, for the few labs that need more than all others, and returns its path.
// Their services are installed and not started at boot. PACKAGE/SUITE is the one of
// another suite, as openvpn/trixie-backports, in the version that it has when the layer
// is made.
func Layer(ctx context.Context, release, root string, packages []string, progress io.Writer) (string, error) {
	script := layerScript
	if slices.ContainsFunc(packages, func(name string) bool { return strings.Contains(name, "/") }) {
		script = suiteScript + layerScript
	}
	path := Cached(filepath.Dir(root), "layer", release, packages, root, script)
	if err := Make(ctx, path, release, progress, script, append([]string{root}, packages...)...); err != nil {
		return "", fmt.Errorf("installing %s: %w", strings.Join(packages, " "), err)
	}
	return path, nil
}
