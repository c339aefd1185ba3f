package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/config"
	"vpnd/internal/engine"
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
		return errors.New("--root is empty; name the folder of another root file system, or leave the flag out for this host")
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
		return fmt.Errorf("--root %s is no folder", a.root)
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

// settings reads the configuration for its settings alone. Where there is one
// and it can't be read, that is said: records that seem to be gone are a fright.
func (a *app) settings() *config.Config {
	cfg, _, err := a.read()
	if err != nil {
		return &config.Config{}
	}
	if len(cfg.Files) > 0 && cfg.Settings.StateDir == nil {
		a.say("the configuration can't be read, so the state is looked for in %s; --state-dir names another folder", a.below("/var/lib/vpnd"))
	}
	return cfg
}

// mostLeftOut is how many things are named before the rest is only counted.
const mostLeftOut = 8

// tellLeftOut says what the plan could not do below another root.
func (a *app) tellLeftOut(p *engine.Plan) {
	if len(p.LeftOut) == 0 {
		return
	}
	var names []string
	for _, id := range p.LeftOut[:min(len(p.LeftOut), mostLeftOut)] {
		names = append(names, id.String())
	}
	if more := len(p.LeftOut) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	a.say("left out below --root: %s; they need a running host", strings.Join(names, ", "))
}
