package lab

import (
	"context"
	"crypto/sha256"
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
	has := sha256.Sum256([]byte(strings.Join(packages, "\n"))) // of which it is a kind of its own
	is := sha256.Sum256([]byte(root + "\n" + layerScript))
	path := filepath.Join(filepath.Dir(root), fmt.Sprintf("layer-%s-%x-%x", release, has[:4], is[:6]))
	if err := Make(ctx, path, release, progress, layerScript, append([]string{root}, packages...)...); err != nil {
		return "", fmt.Errorf("installing %s: %w", strings.Join(packages, " "), err)
	}
	return path, nil
}
