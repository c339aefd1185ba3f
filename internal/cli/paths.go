package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/source"
	"vpnd/internal/state"
	"vpnd/internal/trust"
)

// ready looks at the flags that all commands share, makes directories absolute
// paths, and fills in what was left out. An empty --root is more likely a
// script's unset variable than a wish for the working directory.
func (a *app) ready() error {
	if !slices.Contains(colors, a.color) {
		return fmt.Errorf("--color %s is none of auto, always and never", a.color)
	}
	if !slices.Contains(levels, a.logLevel) {
		return fmt.Errorf("--log-level %s is none of debug, info, warn and error", a.logLevel)
	}
	if err := a.level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return err
	}
	if a.root == "" {
		return errors.New("--root is empty; name the directory of another root file system, or leave the flag out for this host")
	}
	for _, dir := range []*string{&a.root, &a.stateDir, &a.runDir} {
		if *dir == "" {
			continue
		}
		// Units of systemd name them, a directive a line.
		if strings.ContainsFunc(*dir, unicode.IsControl) {
			return fmt.Errorf("the path %q holds a control character; choose one without", *dir)
		}
		var err error
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	if info, err := os.Stat(a.root); err != nil || !info.IsDir() {
		return fmt.Errorf("--root %s is no directory", a.root)
	}
	if len(a.config) == 0 {
		a.config = []string{a.below("/etc/vpnd")}
	}
	if a.runDir == "" {
		a.runDir = a.below("/run/vpnd")
	}
	if trusts := a.trust(); trusts != nil {
		return trusts(a.runDir)
	}
	return nil
}

// trust says how to tell what others than root could change. Only root has
// anything to lose by that: others may read whose configuration they like.
func (a *app) trust() func(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return trust.Path
}

// below is where a path of the host is found: below --root.
func (a *app) below(path string) string { return filepath.Join(a.root, path) }

// dir is the state directory: that of the flag, or of the configuration. Commands
// that need no configuration give nil; the directory it names is theirs too.
func (a *app) dir(cfg *config.Config) string {
	if a.stateDir != "" {
		return a.stateDir
	}
	if cfg == nil {
		cfg = a.settings()
	}
	if dir := cfg.Settings.StateDir; dir != nil && *dir != "" {
		return a.below(*dir)
	}
	return a.below("/var/lib/vpnd")
}

// dirOfPeople is [app.dir] for who lists people. Where the configuration can't name
// another directory, thousands of clients in it are not read for that.
func (a *app) dirOfPeople() string {
	if a.stateDir == "" && !source.Mentions(a.config, "state_dir") {
		return a.dir(&config.Config{})
	}
	return a.dir(nil)
}

// settings reads the configuration for its settings alone. Where there is one
// and it can't be read, that is said: records that seem to be gone are a fright.
func (a *app) settings() *config.Config {
	cfg, _, err := a.read(true)
	if err != nil {
		return &config.Config{}
	}
	if len(cfg.Files) > 0 && cfg.Settings.StateDir == nil {
		a.say("the configuration can't be read, so the state is looked for in %s; --state-dir names another directory", a.below("/var/lib/vpnd"))
	}
	return cfg
}

// own returns what says what of vpnd's own lies at a path of the host. Links on the
// way there hide nothing. It is asked of every file of a configuration, so what these
// have in common is looked at once.
func (a *app) own(s settings.Settings) func(path string) string {
	dir, run := real(a.dir(&config.Config{Settings: s})), real(a.runDir)
	var places []string
	for _, place := range append(slices.Clone(a.config), a.varFiles...) {
		places = append(places, real(place))
	}
	seen := make(directories)
	return func(path string) string {
		at := seen.real(a.below(path))
		switch {
		case state.Owns(dir, at):
			return "the state of vpnd, in " + dir
		case within(run, at):
			return "what the running vpnd keeps in " + a.runDir
		}
		for _, place := range places {
			read := strings.HasSuffix(at, ".hcl") || strings.HasSuffix(at, ".hcl.json")
			if at == place || read && filepath.Dir(at) == place {
				return "the configuration, " + place
			}
		}
		return ""
	}
}

// directories are those that were looked at, by their paths.
type directories map[string]*directory

// directory is what is known of one.
type directory struct {
	whole string          // where it is, without links
	asked int             // how often something in it was looked for
	links map[string]bool // the symbolic links in it; nil where nobody has listed them
}

// often is from how many questions on it costs less to list a directory.
const often = 32

// real is [real], with what is known of directories.
func (d directories) real(path string) string {
	path = filepath.Clean(path)
	if !filepath.IsAbs(path) {
		return real(path)
	}
	dir, base := filepath.Dir(path), filepath.Base(path)
	in := d[dir]
	if in == nil {
		in = &directory{whole: real(dir)}
		d[dir] = in
	}
	if in.isLink(path, base) {
		return real(path)
	}
	return filepath.Join(in.whole, base)
}

func (d *directory) isLink(path, base string) bool {
	if d.asked++; d.asked == often {
		d.links = linksIn(filepath.Dir(path))
	}
	if d.links != nil {
		return d.links[base]
	}
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// linksIn lists the symbolic links in a directory, nil where that can't be done.
func linksIn(dir string) map[string]bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	links := make(map[string]bool)
	for _, e := range entries {
		if e.Type()&fs.ModeSymlink != 0 {
			links[e.Name()] = true
		}
	}
	return links
}

// place says how to tell where programs of root would write for others. Below
// another root there are none.
func (a *app) place() func(path string) error {
	if a.trust() == nil || filepath.Clean(a.root) != "/" {
		return nil
	}
	return trust.Place
}

func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// real returns a path without links, as far as it exists.
func real(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		return whole
	}
	if dir := filepath.Dir(path); dir != path {
		return filepath.Join(real(dir), filepath.Base(path))
	}
	return path
}
