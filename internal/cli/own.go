package cli

import (
	"path/filepath"
	"strings"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/state"
	"vpnd/internal/trust"
)

// own says what of vpnd's own lies at a path of the host. Links on the way there
// hide nothing.
func (a *app) own(s settings.Settings, path string) string {
	at := real(a.below(path))
	dir := real(a.dir(&config.Config{Settings: s}))
	switch {
	case state.Owns(dir, at):
		return "the state of vpnd, in " + dir
	case within(real(a.runDir), at):
		return "what the running vpnd keeps in " + a.runDir
	}
	for _, place := range append(a.config, a.varFiles...) {
		place = real(place)
		read := strings.HasSuffix(at, ".hcl") || strings.HasSuffix(at, ".hcl.json")
		if at == place || read && filepath.Dir(at) == place {
			return "the configuration, " + place
		}
	}
	return ""
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
