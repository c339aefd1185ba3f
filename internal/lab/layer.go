package lab

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

//go:embed layer.sh
var layerScript string

// Layer makes sure that there is a layer with packages over a release's root file
// system, for the few labs that need more than all others, and returns its path.
// Their services are installed and not started at boot.
func Layer(ctx context.Context, release, root string, packages []string, progress io.Writer) (string, error) {
	path := Cached(filepath.Dir(root), "layer", release, packages, root, layerScript)
	if err := Make(ctx, path, release, progress, layerScript, append([]string{root}, packages...)...); err != nil {
		return "", fmt.Errorf("installing %s: %w", strings.Join(packages, " "), err)
	}
	return path, nil
}
