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
	"time"
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

// buildTimeout bounds the building of the root file system, which takes about
// a minute; a mirror that hangs must not hang a test.
const buildTimeout = 20 * time.Minute

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
	root := filepath.Join(cache, "root-"+release+"-"+fingerprint(release))
	ready := func() bool {
		_, err := os.Stat(root)
		return err == nil && len(missingTools()) == 0
	}
	if ready() {
		return root, nil
	}
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	f, err := lock(ctx, filepath.Join(cache, "root.lock"), func() {
		fmt.Fprintln(progress, "lab: waiting for another process that builds the root file system")
	})
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := installTools(ctx, progress); err != nil {
		return "", fmt.Errorf("installing what the lab needs: %w", err)
	}
	if ready() { // another process did it, or there was only a tool missing
		return root, nil
	}
	if err := build(ctx, release, root, progress); err != nil {
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

// tools are files of the machine that a lab needs, each with its package.
var tools = map[string]string{
	"/usr/sbin/debootstrap":                          "debootstrap",
	"/usr/bin/systemd-nspawn":                        "systemd-container",
	"/usr/bin/nsenter":                               "util-linux",
	"/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}

// missingTools are the packages that have to be installed first.
func missingTools() []string {
	var missing []string
	for file, pkg := range tools {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, pkg)
		}
	}
	return missing
}

// installTools installs what is missing, with fresh package lists when the old
// ones don't do.
func installTools(ctx context.Context, progress io.Writer) error {
	missing := missingTools()
	if len(missing) == 0 {
		return nil
	}
	install := append(strings.Fields("apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install"), missing...)
	if say(ctx, progress, install...) == nil {
		return nil
	}
	if err := say(ctx, progress, "apt-get", "-q", "update"); err != nil {
		return err
	}
	return say(ctx, progress, install...)
}

// build makes the root file system in a directory beside its place and moves it
// there when it is whole. The caller holds the lock.
func build(ctx context.Context, release, root string, progress io.Writer) error {
	a, err := findArchive(ctx, release, progress)
	if err != nil {
		return err
	}
	cache := filepath.Dir(root)
	if err := removeUnfinished(cache); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(cache, "unfinished-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // it becomes the hosts' /
		return err
	}
	fmt.Fprintf(progress, "lab: building %s, once; this takes about a minute\n", root)
	began := time.Now()
	if err := bootstrap(ctx, release, dir, a, progress); err != nil {
		return err
	}
	if err := os.Rename(dir, root); err != nil {
		return err
	}
	fmt.Fprintf(progress, "lab: built in %s\n", time.Since(began).Round(time.Second))
	return nil
}

// removeUnfinished removes what builders left that were killed. Their mounts
// went with them.
func removeUnfinished(cache string) error {
	left, err := filepath.Glob(filepath.Join(cache, "unfinished-*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// bootstrap runs debootstrap(8) into dir and then root.sh. It runs in a cage
// because debootstrap mounts into the directory, and what is left mounted by a
// killed one would be removed with it.
func bootstrap(ctx context.Context, release, dir string, a archive, progress io.Writer) error {
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

// caged runs a script in a cage, with the proxies of the archive.
func caged(ctx context.Context, script string, args []string, a archive, progress io.Writer) error {
	cmd := cage(script, args...)
	cmd.Env = append(cmd.Env, a.proxy...)
	log := &tail{}
	both := io.MultiWriter(progress, log)
	cmd.Stdout, cmd.Stderr = both, both
	t := newThread()
	defer t.close()
	if err := t.start(cmd); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", errors.Join(err, context.Cause(ctx)), log)
	}
	return nil
}
