package config

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// loadSettings reads the vpnd block.
func (l *loader) loadSettings(version string) settings.Settings {
	var s settings.Settings
	fields := resource.Fields(reflect.TypeFor[settings.Settings]())
	raw := &hcl.Block{Body: hcl.EmptyBody()}
	if len(l.settings) > 0 {
		raw = l.settings[0]
	}
	for _, again := range l.settings[min(1, len(l.settings)):] {
		l.errorAt(again.DefRange, "Block declared twice", "The vpnd block is already at %s; make one of both.", where(raw.DefRange))
	}
	n := &node{name: typeSettings, rng: raw.DefRange, dir: l.dirOf(raw.DefRange), refs: bodyReferences(raw.Body, fields)}
	d := l.fill(n, raw.Body, &s, typeSettings, "vpnd block")
	if l.src.StateDir != "" {
		s.StateDir = &l.src.StateDir
	}
	l.validate(&s, "", d, raw.DefRange, typeSettings)
	if problem := s.VersionProblem(version); problem != "" {
		l.errorAt(d.at.find("required_version", raw.DefRange), "Another version of vpnd is wanted", "%s", problem)
	}
	return s
}
