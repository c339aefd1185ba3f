package source

import (
	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
)

// A Trust says which paths others than root could change, whom vpnd would obey as
// root.
type Trust struct {
	ask    func(path string) error
	advise bool
	known  map[string]bool // what was asked of and goes on
}

// NewTrust returns a trust; ask says why others could change a path, and nil trusts
// all. With advise that is a warning, since nothing is done with what is read.
func NewTrust(ask func(path string) error, advise bool) *Trust {
	return &Trust{ask: ask, advise: advise, known: make(map[string]bool)}
}

// Refuses tells of a path that others than root could change, and says whether it may
// not be used.
func (t *Trust) Refuses(at hcl.Range, path string, told *diag.List) bool {
	if t.ask == nil || t.known[path] {
		return false
	}
	err := t.ask(path)
	if err == nil {
		t.known[path] = true
		return false
	}
	d := diag.Error(at, "Others could change this", "%s", diag.Sentence(err))
	if t.advise {
		d.Severity, t.known[path] = hcl.DiagWarning, true
	}
	told.Tell(d)
	return !t.advise
}

// Strict returns what refuses a path without a word of warning, and nil where nothing
// is refused.
func (t *Trust) Strict() func(path string) error {
	if t.advise {
		return nil
	}
	return t.ask
}
