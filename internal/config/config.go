// Package config reads the language of vpnd: HCL files in, wishes out. It knows no
// kind; what a block may hold it reads from the tags of the shapes in the catalog, and
// everything that a user can get wrong becomes a diagnostic with its place and a way
// out.
//
// [Load] is the whole way, and each step of it a package of its own that hands values
// to the next one:
//
//	paths     ─source──▶   parsed files, within bounds
//	files     ─declare─▶   variables, locals, blocks: what is written, without values
//	variables ─variables▶  what is given for each
//	declared  ─eval────▶   blocks with values, filled by package shape; settings, checks
//	blocks    ─compile─▶   resources with owners, order and triggers
//
// All of them tell what is wrong by package diag, and use functions, value,
// bounds and effort.
// Package settings is what comes out beside resources, and explain the reference of
// the language.
package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/config/compile"
	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/eval"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/shape"
	"vpnd/internal/config/source"
	"vpnd/internal/config/variables"
	"vpnd/internal/resource"
)

// A Source says where a configuration comes from.
type Source struct {
	Paths       []string          // files and directories; of a directory every *.hcl and *.hcl.json
	Vars        map[string]string // values of variables from the command line, as written there
	VarFiles    []string          // files that give values to variables
	Env         []string          // the environment, as os.Environ returns it; VPND_VAR_x gives x its value
	Instead     map[string][]byte // what files of the configuration are about to say, by their paths
	StateDir    string            // overrides state_dir of the vpnd block, unless empty
	Credentials string            // directory that credential() reads from; empty where systemd gave none
	Written     bool              // what is written alone, and not what that stands for: no Desired, and no mistakes of that

	Trust  func(path string) error // why others than root could change a file or directory, so that it is refused; nil trusts all
	Advise bool                    // warn of that and go on, since nothing is done with it

	// Place says why others than root could have what a program writes at a path
	// of the host, as root, written elsewhere. Nil takes every place.
	Place func(path string) error

	// Own returns what says what of vpnd's own lies at a path of the host, as "the
	// state of vpnd", and nothing where none does. Nil takes nothing for its own.
	Own func(s settings.Settings) func(path string) string
}

// A Config is a configuration, checked as far as that goes without a host.
type Config struct {
	Desired  resource.Desired // empty where the diagnostics have errors
	Settings settings.Settings
	Checks   []settings.Check
	Blocks   []Block              // in the order of the files, those of dynamic blocks last
	Paths    []string             // of its files
	Files    map[string]*hcl.File // for [diag.Print]; secrets written out in them are blanked
}

// A Block is one block of the configuration that stands for resources.
type Block struct {
	ID        resource.ID
	Range     hcl.Range
	Shape     any           // *T of its kind or composite, defaults filled in
	After     []resource.ID // the blocks that it refers to
	Read      []string      // the paths of its documents, and of the files that these name
	Resources []resource.ID // what it owns, alone or with others

	at shape.Places
}

// At returns the place of an attribute, or of the nearest thing around it.
func (b Block) At(path string) hcl.Range { return b.at.Find(path, b.Range) }

// Load reads a configuration. It reports every mistake it can find; with an
// error among them Desired is empty. version is that of this program, and
// compared with required_version unless it is no version, as in a build of a
// developer.
func Load(src Source, catalog resource.Catalog, version string) (*Config, hcl.Diagnostics) {
	var told diag.List
	trust := source.NewTrust(src.Trust, src.Advise)
	reader := source.NewReader(trust, shape.SecretNames(catalog), src.VarFiles, &told)
	c := &Config{Files: reader.Texts}
	reader.Instead = src.Instead
	files := reader.Files(src.Paths)
	if told.HasErrors() { // a file that can't be parsed would make every reference into it a mistake
		return c, told.All()
	}
	for _, f := range files {
		c.Paths = append(c.Paths, f.Path)
	}
	spent := new(effort.Effort)
	for _, f := range files {
		if body, native := f.Body.(*hclsyntax.Body); native {
			spent.Count(body)
		}
	}
	declared := declare.Read(files, catalog, &told)
	blank(declared, catalog, reader.Texts)
	values := eval.Run(declared, eval.Environment{
		Catalog:     catalog,
		Given:       variables.Gather(declared.Variables, variables.From{Env: src.Env, Files: src.VarFiles, Flags: src.Vars}, reader, &told),
		Credentials: src.Credentials,
		Trust:       trust.Strict(),
		Advise:      src.Advise,
		StateDir:    src.StateDir,
		Version:     version,
		Effort:      spent,
	}, &told)
	c.Settings, c.Checks = values.Settings, values.Checks
	h := host{src: src, values: values, at: declared.Settings.Range, trust: trust, told: &told}
	if src.Written {
		for _, b := range values.Blocks {
			c.Blocks = append(c.Blocks, Block{ID: b.ID, Range: b.Range, Shape: b.Shape, After: b.After, Read: b.Read, at: b.At})
		}
		return c, told.All()
	}
	h.checkPrograms()
	h.checkTextfile()
	desired, owned := compile.Run(compile.Input{Blocks: values.Blocks, Files: names(files), Place: src.Place, Own: h.own()}, catalog, &told)
	for i, b := range values.Blocks {
		c.Blocks = append(c.Blocks, Block{ID: b.ID, Range: b.Range, Shape: b.Shape, After: b.After, Read: b.Read, Resources: owned[i], at: b.At})
	}
	h.checkTunnels(catalog, desired.Present)
	if !told.HasErrors() {
		c.Desired = desired
	}
	return c, told.All()
}

// blank overwrites secrets that are written out in the files, so that no snippet of
// them shows one.
func blank(d *declare.Declared, catalog resource.Catalog, texts source.Texts) {
	texts.BlankCalls()
	for _, v := range d.Variables {
		if v.Sensitive && v.Default != nil {
			texts.Blank(v.Default)
		}
	}
	for _, b := range d.Written {
		for _, secret := range shape.Secrets(catalog, b) {
			texts.Blank(secret)
		}
	}
}

func names(files []source.File) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name)
	}
	return all
}
