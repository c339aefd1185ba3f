package pkg

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// apt is apt-get(8) and dpkg(1). Debian starts the services of a package when it
// is installed, unless the host's policy-rc.d(8) says otherwise, which is the
// operator's.
type apt struct{ v Verbs }

// lockTimeout is how many seconds apt-get waits for another one to end.
const lockTimeout = "120"

func (a apt) versions(ctx context.Context, names []string) (map[string]string, error) {
	argv := []string{"dpkg-query", "--admindir=" + filepath.Join(a.v.Root, "var/lib/dpkg"), "-W", "-f", `${Package}\t${db:Status-Status}\t${Version}\n`}
	r, err := a.v.exec(ctx, append(argv, names...)...)
	if err != nil {
		return nil, err
	}
	// 1 says that some of the names are unknown.
	if r.Status > 1 {
		return nil, fmt.Errorf("dpkg-query ended with status %d: %s", r.Status, last(r))
	}
	found := make(map[string]string)
	for line := range strings.Lines(r.Stdout) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) == 3 && slices.Contains([]string{"installed", "triggers-awaited", "triggers-pending"}, fields[1]) {
			found[fields[0]] = fields[2]
		}
	}
	return found, nil
}

// install asks for each package first: apt-get takes a name that it doesn't
// know for a pattern. Lists that are missing or too old are fetched once.
func (a apt) install(ctx context.Context, wants []wanted) error {
	known, errs, err := a.known(ctx, wants)
	if err != nil {
		return err
	}
	updated := false
	update := func() error {
		updated = true
		if err := a.v.change(ctx, "apt-get", "-q", "-o", "DPkg::Lock::Timeout="+lockTimeout, "update"); err != nil {
			return fmt.Errorf("fetching the lists of packages: %w", err)
		}
		return nil
	}
	if errs != nil {
		if err := update(); err != nil {
			return errors.Join(errs, err)
		}
		if known, errs, err = a.known(ctx, wants); err != nil {
			return err
		}
	}
	if len(known) == 0 {
		return errs
	}
	err = a.get(ctx, known)
	if err != nil && !updated && ctx.Err() == nil && update() == nil {
		err = a.get(ctx, known)
	}
	return errors.Join(errs, err)
}

// get installs packages that the lists have. It neither takes others away nor
// brings those that are only recommended, and keeps settings that were edited.
func (a apt) get(ctx context.Context, wants []wanted) error {
	argv := []string{
		"apt-get", "-q", "-y", "--no-remove", "--no-install-recommends",
		"-o", "DPkg::Lock::Timeout=" + lockTimeout, "-o", "DPkg::Options::=--force-confdef", "-o", "DPkg::Options::=--force-confold",
	}
	if slices.ContainsFunc(wants, func(w wanted) bool { return w.version != "" }) {
		argv = append(argv, "--allow-downgrades")
	}
	argv = append(argv, "install")
	for _, w := range wants {
		if w.version != "" {
			w.name += "=" + w.version
		}
		argv = append(argv, w.name)
	}
	if err := a.v.change(ctx, argv...); err != nil {
		return fmt.Errorf("installing: %w", err)
	}
	return nil
}

// known returns those of the packages that the lists have, and an error for
// each other one.
func (a apt) known(ctx context.Context, wants []wanted) (known []wanted, missing error, err error) {
	var errs []error
	for _, w := range wants {
		policy, err := a.v.run(ctx, "apt-cache", "policy", w.name)
		if err != nil {
			return nil, nil, fmt.Errorf("asking for its versions: %w", err)
		}
		versions := table(policy, w.name)
		if len(versions) == 0 || w.version != "" && !slices.Contains(versions, w.version) {
			errs = append(errs, &resource.NameError{Name: w.name, Err: unavailable(w, versions, "/etc/apt")})
			continue
		}
		known = append(known, w)
	}
	return known, errors.Join(errs...), nil
}

// unknown asks without the cache, which apt would write. Who has never fetched
// lists, as in a container, knows no package.
func (a apt) unknown(ctx context.Context, w wanted) error {
	lists, err := filepath.Glob(filepath.Join(a.v.Root, "var/lib/apt/lists/*_Packages*"))
	if err != nil {
		return err
	}
	if len(lists) == 0 {
		return unread("apt-get update")
	}
	policy, err := a.v.run(ctx, "apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "policy", w.name)
	if err != nil {
		return fmt.Errorf("asking for its versions: %w", err)
	}
	versions := table(policy, w.name)
	if len(versions) > 0 && (w.version == "" || slices.Contains(versions, w.version)) {
		return nil
	}
	return fmt.Errorf("%w; where they are older than it, run: apt-get update", unavailable(w, versions, "/etc/apt"))
}

// table reads the versions of a package out of what apt-cache policy prints,
// which holds others too where it took the name for a pattern. Below its name
// stands a line "version priority" each, marked with *** where it is installed,
// and below that the sources, indented further.
func table(policy, name string) []string {
	if !strings.HasPrefix(policy, name+":\n") {
		return nil
	}
	_, rows, _ := strings.Cut(policy, "Version table:\n")
	var versions []string
	for line := range strings.Lines(rows) {
		const indent = 5
		if len(line) <= indent || line[0] != ' ' {
			break
		}
		if line[indent] == ' ' {
			continue
		}
		if fields := strings.Fields(line[indent:]); len(fields) == 2 {
			versions = append(versions, fields[0])
		}
	}
	return versions
}

// remove looks first what would go with it: apt-get would take along all that
// needs the package.
func (a apt) remove(ctx context.Context, name string) error {
	rehearsal, err := a.v.run(ctx, "apt-get", "-q", "-s", "remove", name)
	if err != nil {
		return fmt.Errorf("rehearsing the removal: %w", err)
	}
	var others []string
	for line := range strings.Lines(rehearsal) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "Remv" && fields[1] != name {
			others = append(others, fields[1])
		}
	}
	if others != nil {
		return needed(others)
	}
	if err := a.v.change(ctx, "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout="+lockTimeout, "remove", name); err != nil {
		return fmt.Errorf("removing: %w", err)
	}
	return nil
}

func needed(others []string) error {
	return fmt.Errorf("%s would go with it; remove those first, or keep the package", strings.Join(others, ", "))
}
