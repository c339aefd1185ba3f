package pkg

import (
	"context"
	"fmt"
	"strings"
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

// unknown leaves it to the apply: dnf has no lists that could be asked without
// being fetched.
func (dnf) unknown(context.Context, wanted) error { return nil }
