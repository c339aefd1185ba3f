package lab

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The Debian releases that hosts are of.
const (
	Bookworm = "bookworm" // Debian 12, as long as nothing is said
	Trixie   = "trixie"   // Debian 13
)

// Releases are all of them, the oldest first.
func Releases() []string { return []string{Bookworm, Trixie} }

// packages are what a host has beyond Debian's minimal system.
var packages = strings.Fields(`
	systemd systemd-sysv dbus procps
	iproute2 iptables nftables iputils-ping conntrack netcat-openbsd socat tcpdump openssl
	openvpn
	strongswan-swanctl charon-systemd libcharon-extra-plugins
	libstrongswan-extra-plugins libstrongswan-standard-plugins
	openssh-server openssh-client
`)

//go:embed root.sh
var rootScript string

// Root makes sure that the root file system of a release's hosts exists and
// returns its path. It stands in $VPND_LAB_CACHE, or else in
// /var/cache/vpnd-lab, under a name that changes with what goes into it. Several
// processes may call Root at once: one builds, the others wait. What takes long
// is told to progress.
func Root(ctx context.Context, release string, progress io.Writer) (string, error) {
	if !slices.Contains(Releases(), release) {
		return "", fmt.Errorf("no host can be of the release %q, only of %s", release, strings.Join(Releases(), " or "))
	}
	if os.Geteuid() != 0 {
		return "", errors.New("a lab needs root: it mounts, makes namespaces and boots hosts")
	}
	cache := cmp.Or(os.Getenv("VPND_LAB_CACHE"), "/var/cache/vpnd-lab")
	cache, err := filepath.Abs(cache)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("making the lab's cache: %w", err)
	}
	if err := Install(ctx, cache, progress, hostTools); err != nil {
		return "", fmt.Errorf("installing what the lab needs: %w", err)
	}
	root := filepath.Join(cache, "root-"+release+"-"+fingerprint(release))
	err = this.once(ctx, root, progress, func(ctx context.Context, dir string) error {
		if err := Install(ctx, cache, progress, rootTools); err != nil {
			return err
		}
		return bootstrap(ctx, release, filepath.Join(dir, "made"), progress)
	})
	if err != nil {
		return "", fmt.Errorf("building the root file system: %w", err)
	}
	return root, nil
}

// fingerprint is the name of what a root file system is made from.
func fingerprint(release string) string {
	h := sha256.New()
	fmt.Fprintln(h, release, packages, rootScript)
	return fmt.Sprintf("%x", h.Sum(nil)[:6])
}

// Files of the machine that are needed, each with its package: to boot hosts, and
// to make their root file system, which happens once.
var (
	hostTools = map[string]string{
		"/usr/bin/systemd-nspawn": "systemd-container",
		"/usr/bin/nsenter":        "util-linux",
	}
	rootTools = map[string]string{
		"/usr/sbin/debootstrap":                          "debootstrap",
		"/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
	}
)

// Install installs those packages on the machine whose files are missing, with fresh
// package lists where the old ones don't do. One process does at a time: apt-get
// update waits for nobody.
func Install(ctx context.Context, cache string, progress io.Writer, tools map[string]string) error {
	var packages []string
	for file, pkg := range tools {
		if _, err := os.Stat(file); err != nil {
			packages = append(packages, pkg)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	f, err := lock(ctx, filepath.Join(cache, "apt.lock"), nil)
	if err != nil {
		return err
	}
	defer f.Close()
	install := append(strings.Fields("apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install"), packages...)
	if say(ctx, progress, install...) == nil {
		return nil
	}
	if err := say(ctx, progress, "apt-get", "-q", "update"); err != nil {
		return err
	}
	return say(ctx, progress, install...)
}

// bootstrap runs debootstrap(8) into dir and then root.sh. It runs in a cage
// because debootstrap mounts into the directory, and what is left mounted by a
// killed one would be removed with it.
func bootstrap(ctx context.Context, release, dir string, progress io.Writer) error {
	a, err := findArchive(ctx, release, progress)
	if err != nil {
		return err
	}
	argv := []string{"--variant=minbase", "--include=" + strings.Join(packages, ",")}
	if a.keyring != "" {
		argv = append(argv, "--keyring="+a.keyring)
	}
	argv = append(argv, release, dir)
	if a.uri != "" {
		argv = append(argv, a.uri)
	}
	return caged(ctx, "dir=$1\nshift\ndebootstrap \"$@\"\n"+rootScript, append([]string{dir}, argv...), a, progress)
}
