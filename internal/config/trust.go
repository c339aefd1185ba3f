package config

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// distrusts reports a path that others than root could change, whom vpnd would
// obey as root. It says whether it may not be used.
func (l *loader) distrusts(at hcl.Range, path string) bool {
	if l.src.Trust == nil || l.trusted[path] {
		return false
	}
	err := l.src.Trust(path)
	if err == nil {
		l.trusted[path] = true
		return false
	}
	d := errorAt(at, "Others could change this", "%s", sentence(err))
	if l.src.Advise {
		d.Severity, l.trusted[path] = hcl.DiagWarning, true
	}
	l.tell(d)
	return !l.src.Advise
}

// checkPrograms reports programs of the configuration that others could put
// something else in the place of.
func (l *loader) checkPrograms(s settings.Settings, checks []settings.Check) {
	at := hcl.Range{}
	if len(l.settings) > 0 {
		at = l.settings[0].DefRange
	}
	for _, n := range s.Notify {
		l.checkProgram(at, n.Command)
	}
	for _, c := range checks {
		l.checkProgram(c.Range, c.Command)
	}
	for _, b := range l.order {
		runner, ok := b.shape.(resource.Runner)
		if !ok || b.failed {
			continue
		}
		for _, c := range runner.Runs() {
			l.checkProgram(b.at.find(c.Path, b.rng), []string{c.Value})
		}
	}
}

func (l *loader) checkProgram(at hcl.Range, command []string) {
	if len(command) > 0 && filepath.IsAbs(command[0]) {
		l.distrusts(at, command[0])
	}
}

// A beside reads files for the functions of one folder, from which their paths
// are counted.
type beside struct {
	dir   string
	trust func(path string) error // nil trusts all
}

func (l *loader) beside(dir string) beside {
	if l.src.Advise {
		return beside{dir: dir}
	}
	return beside{dir: dir, trust: l.src.Trust}
}
