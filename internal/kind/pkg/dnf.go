package pkg

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/atomic"
)

// dnf is dnf(8) and rpm(8).
type dnf struct{ v Verbs }

func (d dnf) versions(ctx context.Context, names []string) (map[string]string, error) {
	argv := []string{"rpm", "--root", d.v.Root, "-q", "--queryformat", `%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\n`}
	// The status counts the names that aren't installed.
	r, err := d.v.exec(ctx, append(argv, names...)...)
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	for line := range strings.Lines(r.Stdout) {
		// Where several versions are there, rpm prints the newest last.
		if name, version, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok {
			found[name] = strings.TrimPrefix(version, "0:")
		}
	}
	if r.Status != 0 && strings.Count(r.Stdout, "is not installed") < r.Status {
		return nil, fmt.Errorf("rpm ended with status %d: %s", r.Status, last(r))
	}
	return found, nil
}

// install has no need to ask first: dnf refuses what it doesn't know.
func (d dnf) install(ctx context.Context, wants []wanted) error {
	argv := []string{"dnf", "-q", "-y", "--setopt=install_weak_deps=False", "install"}
	for _, w := range wants {
		if w.version != "" {
			w.name += "-" + w.version
		}
		argv = append(argv, w.name)
	}
	if err := d.v.change(ctx, argv...); err != nil {
		return fmt.Errorf("installing: %w", err)
	}
	return nil
}

// remove leaves it to rpm, which refuses where others need the package.
func (d dnf) remove(ctx context.Context, name string) error {
	if err := d.v.change(ctx, "rpm", "-e", name); err != nil {
		return fmt.Errorf("removing: %w; remove first what needs it, or keep the package", err)
	}
	return nil
}

// caches are where dnf and dnf5 keep what they have read of their sources.
var caches = []string{"var/cache/dnf/*/repodata/repomd.xml", "var/cache/libdnf5/*/repodata/repomd.xml"}

// unknown asks what dnf has read already, and has it log into a room, since it logs
// each question. Without a cache it would say that there is no package at all.
func (d dnf) unknown(ctx context.Context, w wanted) error {
	read := slices.ContainsFunc(caches, func(cache string) bool {
		found, err := filepath.Glob(filepath.Join(d.v.Root, cache))
		return err == nil && len(found) > 0
	})
	if !read {
		return unread("dnf makecache")
	}
	room, leave, err := atomic.Room("dnf")
	if err != nil {
		return err
	}
	defer leave()
	said, err := d.v.run(ctx, "dnf", "-q", "-C", "--setopt=logdir="+room, "repoquery", "--available", "--qf", `%{name} %{evr}\n`, w.name)
	if err != nil {
		return fmt.Errorf("asking for its versions: %w", err)
	}
	var versions []string
	for line := range strings.Lines(said) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == w.name {
			versions = append(versions, strings.TrimPrefix(version, "0:"))
		}
	}
	if len(versions) > 0 && (w.version == "" || slices.Contains(versions, strings.TrimPrefix(w.version, "0:"))) {
		return nil
	}
	return fmt.Errorf("%w; where dnf has read them before that, run: dnf makecache", unavailable(w, versions, "/etc/yum.repos.d"))
}
