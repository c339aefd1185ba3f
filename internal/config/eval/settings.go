package eval

import (
	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/shape"
)

// loadSettings reads the vpnd block, and tells where in it everything stands.
func (e *evaluator) loadSettings() (settings.Settings, shape.Places) {
	var s settings.Settings
	raw := e.declared.Settings
	d := e.fill(raw.Node, raw.Body, &s, declare.TypeSettings, "vpnd block")
	if e.env.StateDir != "" {
		s.StateDir = &e.env.StateDir
	}
	e.validate(&s, "", d, raw.Range, raw.Name)
	if problem := s.VersionProblem(e.env.Version); problem != "" {
		e.told.Error(d.At.Find("required_version", raw.Range), "Another version of vpnd is wanted", "%s", problem)
	}
	return s, d.At
}

// loadChecks gives every check its values, and tells where in it everything stands.
func (e *evaluator) loadChecks() (all []settings.Check, at []shape.Places) {
	for _, c := range e.declared.Checks {
		check := settings.Check{Name: c.Called, Range: c.Range}
		d := e.fill(c.Node, c.Body, &check, declare.TypeCheck, declare.TypeCheck)
		e.validate(&check, "", d, c.Range, c.Name)
		all, at = append(all, check), append(at, d.At)
	}
	return all, at
}

// fill decodes a body that stands for no resources into a shape.
func (e *evaluator) fill(n declare.Node, body hcl.Body, into any, block, called string) *shape.Decoded {
	d := shape.Decode(body, into, e.context(&node{Node: n}), e.env.Catalog, block, called)
	e.told.Add(d.Diags)
	return d
}
