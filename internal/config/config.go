// Package config reads the language of vpnd: HCL files in, wishes out. It
// knows no kind; what a block may hold it reads from the tags of the shapes in
// the catalog, and everything that a user can get wrong becomes a diagnostic
// with its place and a way out.
//
// Values are evaluated on demand: a block that refers to another one has that
// evaluated first, so the references are the order, and a reference that comes
// back to where it began is a cycle. Bodies are decoded straight into the
// shapes and not by way of hcldec, which would lose the place of each value,
// and with it the place of each mistake.
package config

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// A Source says where a configuration comes from.
type Source struct {
	Paths       []string          // files and folders; of a folder every *.hcl and *.hcl.json
	Vars        map[string]string // values of variables from the command line, as written there
	VarFiles    []string          // files that give values to variables
	Env         []string          // the environment, as os.Environ returns it; VPND_VAR_x gives x its value
	StateDir    string            // overrides state_dir of the vpnd block, unless empty
	Credentials string            // folder that credential() reads from; empty where systemd gave none

	Trust  func(path string) error // why others than root could change a file or folder, so that it is refused; nil trusts all
	Advise bool                    // warn of that and go on, since nothing is done with it

	// Place says why others than root could have what a program writes at a path
	// of the host, as root, written elsewhere. Nil takes every place.
	Place func(path string) error

	// Own says what of vpnd's own lies at a path of the host, as "the state of
	// vpnd", and nothing where none does. Nil takes nothing for its own.
	Own func(s settings.Settings, path string) string
}

// A Config is a configuration, checked as far as that goes without a host.
type Config struct {
	Desired  resource.Desired // empty where the diagnostics have errors
	Settings settings.Settings
	Checks   []settings.Check
	Blocks   []Block              // in the order of the files
	Files    map[string]*hcl.File // for [Print]; secrets written out in them are blanked
}

// A Block is one block of the configuration that stands for resources.
type Block struct {
	ID        resource.ID
	Range     hcl.Range
	Shape     any           // *T of its kind or composite, defaults filled in
	After     []resource.ID // the blocks that it refers to
	Resources []resource.ID // what it owns, alone or with others

	at places
}

// At returns the place of an attribute, or of the nearest thing around it.
func (b Block) At(path string) hcl.Range { return b.at.find(path, b.Range) }

// Load reads a configuration. It reports every mistake it can find; with an
// error among them Desired is empty. version is that of this program, and
// compared with required_version unless it is no version, as in a build of a
// developer.
func Load(src Source, catalog resource.Catalog, version string) (*Config, hcl.Diagnostics) {
	l := newLoader(src, catalog)
	l.readFiles()
	if l.diags.HasErrors() { // a file that can't be parsed would make every reference into it a mistake
		return &Config{Files: l.files}, l.told()
	}
	l.collect()
	l.blankSecrets()
	l.loadVariables()
	l.evaluate()
	c := &Config{Files: l.files, Settings: l.loadSettings(version), Checks: l.loadChecks()}
	l.checkPrograms(c.Settings, c.Checks)
	desired := l.expand(c.Settings)
	l.checkOwn(c.Settings)
	for _, b := range l.order {
		c.Blocks = append(c.Blocks, Block{ID: b.id, Range: b.rng, Shape: b.shape, After: b.reachable(), Resources: b.owned, at: b.at})
	}
	l.checkFailures()
	if !l.diags.HasErrors() {
		c.Desired = desired
	}
	return c, l.told()
}

// checkFailures makes sure that nothing is left out in silence: a block that
// has no value must have a diagnostic that says why.
func (l *loader) checkFailures() {
	if l.diags.HasErrors() {
		return
	}
	for _, b := range l.order {
		if b.failed {
			l.errorAt(b.rng, "Block without a value", "The values of %s could not be worked out, and vpnd can't say why. That is a mistake of vpnd; please report it.", b.id)
		}
	}
}

// tidy brings diagnostics into the order of the files and drops repetitions.
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int {
		x, y := place(a), place(b)
		return cmp.Or(cmp.Compare(x.Filename, y.Filename), cmp.Compare(x.Start.Byte, y.Start.Byte))
	})
	return slices.CompactFunc(diags, func(a, b *hcl.Diagnostic) bool {
		return a.Severity == b.Severity && place(a) == place(b) && a.Summary == b.Summary && a.Detail == b.Detail
	})
}

func place(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}
