package machine

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"vpnd/internal/lab"
)

//go:embed disk.sh
var diskScript string

//go:embed dco.sh
var dcoScript string

//go:embed init.sh
var initScript string

// own is what the machine has besides the packages of the lab's hosts: its kernel
// and what puts it into place, and what boots hosts.
var own = []string{"linux-image-cloud-amd64", "kmod", "busybox-static", "systemd-container"}

// Packages are what the lab's hosts have besides in the one machine in which all
// tests run that need one: BGP, and WireGuard's command.
var Packages = []string{"frr", "frr-pythontools", "wireguard-tools"}

// tools are files of this machine that are needed, each with its package.
var tools = map[string]string{
	"/usr/bin/qemu-system-x86_64": "qemu-system-x86",
	"/usr/sbin/mke2fs":            "e2fsprogs",
}

// An image is what a machine boots from.
type image struct {
	dir   string // with disk, kernel and initrd
	cache string // where the lab's cache is, here and in the machine
	lower string // the layers of its root file system, as overlay has them, below cache
}

// prepare makes sure that there is an image of a release, with a layer of packages
// for the lab's hosts.
func prepare(ctx context.Context, release string, packages []string, progress io.Writer) (image, error) {
	if runtime.GOARCH != "amd64" {
		return image{}, fmt.Errorf("it is made for amd64, and this is %s", runtime.GOARCH)
	}
	root, err := lab.Root(ctx, release, progress)
	if err != nil {
		return image{}, err
	}
	cache := filepath.Dir(root)
	if err := lab.Install(ctx, cache, progress, tools); err != nil {
		return image{}, err
	}
	layers := make([]string, 0, 2)
	for _, packages := range [][]string{own, packages} {
		if len(packages) == 0 {
			continue
		}
		layer, err := lab.Layer(ctx, release, root, packages, progress)
		if err != nil {
			return image{}, err
		}
		layers = append(layers, layer)
	}
	offload, err := makeOf(ctx, cache, "dco", release, own, progress, dcoScript, root, layers[0])
	if err != nil {
		return image{}, fmt.Errorf("building a module for the machine's kernel: %w", err)
	}
	dir, err := makeOf(ctx, cache, "machine", release, packages, progress, diskScript, append([]string{initScript, root}, append(layers, offload)...)...)
	if err != nil {
		return image{}, fmt.Errorf("making the machine's disk: %w", err)
	}
	lower := []string{filepath.Base(offload), filepath.Base(layers[0]), filepath.Base(root)}
	return image{dir, cache, strings.Join(lower, ":")}, nil
}

// makeOf has the lab make something of a kind by a script, whose arguments say what it is
// made from, and returns where it is.
func makeOf(ctx context.Context, cache, word, release string, packages []string, progress io.Writer, script string, args ...string) (string, error) {
	path := lab.Cached(cache, word, release, packages, append([]string{script}, args...)...)
	return path, lab.Make(ctx, path, release, progress, script, args...)
}
