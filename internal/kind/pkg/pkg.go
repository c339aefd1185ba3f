package pkg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Traits are what packages are. One stays when its block goes.
var Traits = resource.Traits{Keeps: true, NeedsHost: true, Slow: true, StartsLater: true, Fetched: true}

// Verbs converge packages with apt or with dnf, whichever the host has.
type Verbs struct {
	Root   string                                                    // "/" for the host itself; below another one packages are observed only
	Run    func(ctx context.Context, argv ...string) (Result, error) // nil is [Exec]
	Shared *notice.Shared                                            // with other watchers; nil is nothing, and nobody is named
}

// A manager is what the verbs need of apt and dnf.
type manager interface {
	// versions returns the versions of those names that are installed.
	versions(ctx context.Context, names []string) (map[string]string, error)
	// install installs packages, or other versions of them, in one transaction.
	// It takes nothing else away.
	install(ctx context.Context, wants []wanted) error
	// unknown is an error where no source that the host has read has the package,
	// and a warning where it has read none. It writes nothing.
	unknown(ctx context.Context, w wanted) error
	// remove removes one package and nothing else. Its settings stay.
	remove(ctx context.Context, name string) error
}

// wanted is a package to install; an empty version is any.
type wanted struct{ name, version string }

// manager returns the one whose database the root has.
func (v Verbs) manager() (manager, error) {
	for _, m := range []struct {
		database string
		manager  manager
	}{
		{"var/lib/dpkg/status", apt{v}},
		{"usr/lib/sysimage/rpm", dnf{v}},
		{"var/lib/rpm", dnf{v}},
	} {
		if _, err := os.Stat(filepath.Join(v.Root, m.database)); err == nil {
			return m.manager, nil
		}
	}
	return nil, errors.New("this host has neither the database of dpkg nor of rpm, and no other package manager is supported; install the package by hand and take its block out")
}

// Observe asks the database once. There is an answer for every name, installed or
// not.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Package) (map[string]*Package, error) {
	seen := make(map[string]*Package, len(wants))
	var errs []error
	var sane []string
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		if !sound(nameForm, name) {
			errs = append(errs, &resource.NameError{Name: name, Err: badName(name)})
			continue
		}
		sane = append(sane, name)
	}
	if sane == nil {
		return seen, errors.Join(errs...)
	}
	m, err := v.manager()
	if err != nil {
		return nil, err
	}
	versions, err := m.versions(ctx, sane)
	if err != nil {
		return nil, fmt.Errorf("asking which packages are installed: %w", err)
	}
	for _, name := range sane {
		version, ok := versions[name]
		seen[name] = &Package{Installed: &ok, Version: &version}
	}
	return seen, errors.Join(errs...)
}

// Preflight wants a package that shall be installed to be had.
func (v Verbs) Preflight(ctx context.Context, name string, want Package, _ resource.Prospect) error {
	if filepath.Clean(v.Root) != "/" || absent(want) {
		return nil
	}
	w, err := toInstall(resource.Item[Package]{Name: name, Want: want})
	if err != nil {
		return err
	}
	m, err := v.manager()
	if err != nil {
		return err
	}
	return m.unknown(ctx, w)
}

// contents are what packages bring that vpnd itself installs, as far as a
// configuration may ask for it, whatever the distribution; of others nobody can
// tell before.
var contents = map[string][]resource.ID{"openvpn": append(
	under("unit", "", "openvpn.service", "openvpn@.service", "openvpn-server@.service", "openvpn-client@.service"),
	append(
		under("directory", "/", "etc/openvpn", "etc/openvpn/server", "etc/openvpn/client", "var/log/openvpn"),
		under(resource.Path, "/usr/",
			"sbin/openvpn",
			"lib/openvpn/openvpn-plugin-auth-pam.so", "lib/openvpn/openvpn-plugin-down-root.so",
			"lib64/openvpn/plugins/openvpn-plugin-auth-pam.so", "lib64/openvpn/plugins/openvpn-plugin-down-root.so",
			"share/openvpn/verify-cn",
		)...,
	)...,
)}

func under(kind, prefix string, names ...string) []resource.ID {
	var all []resource.ID
	for _, name := range names {
		all = append(all, resource.ID{Kind: kind, Name: prefix + name})
	}
	return all
}

// Brings is what comes with a package that is not there yet. Fedora's OpenVPN has
// an account of its own.
func (v Verbs) Brings(name string, got, want *Package) (things []resource.ID, may []string) {
	if got != nil && *got.Installed || absent(*want) {
		return nil, nil
	}
	if known, ok := contents[name]; ok {
		things = slices.Clone(known)
		m, _ := v.manager()
		if _, fedora := m.(dnf); fedora {
			things = append(things, resource.ID{Kind: resource.User, Name: name}, resource.ID{Kind: resource.Group, Name: name})
		}
		return things, nil
	}
	return nil, []string{resource.User, resource.Group, resource.Path, resource.Interface, resource.Network, "unit", "directory", "sysctl"}
}

// Apply removes what shall go and then installs the rest in one transaction.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Package]) error {
	if filepath.Clean(v.Root) != "/" {
		return errors.New("packages below another root are not managed; let what builds the image install them")
	}
	m, err := v.manager()
	if err != nil {
		return err
	}
	var errs []error
	var wants []wanted
	for _, item := range items {
		if asWished(item) {
			continue // asked again, a manager would upgrade it
		}
		if absent(item.Want) {
			if err := v.remove(ctx, item.Name); err != nil {
				errs = append(errs, &resource.NameError{Name: item.Name, Err: err})
			}
			continue
		}
		w, err := toInstall(item)
		if err != nil {
			errs = append(errs, &resource.NameError{Name: item.Name, Err: err})
			continue
		}
		wants = append(wants, w)
	}
	if len(wants) > 0 {
		errs = append(errs, m.install(ctx, wants))
	}
	return errors.Join(errs...)
}

func asWished(item resource.Item[Package]) bool {
	return item.Got != nil && len(resource.Compare(item.Got, &item.Want)) == 0
}

func absent(p Package) bool { return p.Installed != nil && !*p.Installed }

// toInstall takes nothing for a name or version that apt-get or dnf could take
// for something else.
func toInstall(item resource.Item[Package]) (wanted, error) {
	w := wanted{name: item.Name}
	if !sound(nameForm, w.name) {
		return w, badName(w.name)
	}
	if item.Want.Version != nil {
		w.version = *item.Want.Version
		if !sound(versionForm, w.version) {
			return w, fmt.Errorf("%q is no version of a package", w.version)
		}
	}
	return w, nil
}

func badName(name string) error { return fmt.Errorf("%q is no name of a package", name) }

// Remove removes those packages that are there. A block that goes does not lead
// here: they keep.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return v.remove(ctx, name) })
}

func (v Verbs) remove(ctx context.Context, name string) error {
	seen, err := v.Observe(ctx, map[string]*Package{name: nil})
	if err != nil {
		return err
	}
	if !*seen[name].Installed {
		return nil
	}
	m, err := v.manager()
	if err != nil {
		return err
	}
	return m.remove(ctx, name)
}

// Cost is a restart where a package that is there goes or changes: its scripts
// stop and start its services.
func (Verbs) Cost(_ string, got, want *Package) resource.Effect {
	if got == nil || want == nil || !*got.Installed {
		return resource.None
	}
	if absent(*want) || want.Version != nil && *want.Version != *got.Version {
		return resource.Restart
	}
	return resource.None
}

// unread is the doubt about a package of a host that has read no source yet.
func unread(fetch string) *resource.Mistake {
	return &resource.Mistake{
		Summary: "whether there is such a package is not known, since this host has read no source of packages yet",
		Hint:    "the apply does that, and stops there if there is none; to know it before: " + fetch,
		Warning: true,
	}
}

// unavailable is the error about a package or version that no source has.
func unavailable(w wanted, versions []string, sources string) error {
	if len(versions) == 0 {
		return fmt.Errorf("no source of packages has it; see its spelling and the sources in %s", sources)
	}
	return fmt.Errorf("version %s is not to be had, only %s; change version or leave it out", w.version, strings.Join(versions, ", "))
}
