package lab

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

//go:embed layer.sh
var layerScript string

// layer makes sure that there is a layer with packages over the root file
// system, for the few labs that need more than all others, and returns its path.
// Their services are installed and not started at boot.
func layer(ctx context.Context, release, root string, packages []string, progress io.Writer) (string, error) {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{root, layerScript}, packages...), "\n")))
	path := filepath.Join(filepath.Dir(root), fmt.Sprintf("layer-%s-%x", release, sum[:6]))
	ready := func() bool { _, err := os.Stat(path); return err == nil }
	if ready() {
		return path, nil
	}
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	f, err := lock(ctx, filepath.Join(filepath.Dir(root), "root.lock"), nil)
	if err != nil || ready() {
		return path, err
	}
	defer f.Close()
	a, err := findArchive(ctx, release, progress)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(root), "unfinished-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(progress, "lab: installing %s, once\n", strings.Join(packages, " "))
	if err := caged(ctx, layerScript, append([]string{dir, root}, packages...), a, progress); err != nil {
		return "", fmt.Errorf("installing %s: %w", strings.Join(packages, " "), err)
	}
	upper := filepath.Join(dir, "upper")
	if err := os.Chmod(upper, 0o755); err != nil {
		return "", err
	}
	return path, os.Rename(upper, path)
}
