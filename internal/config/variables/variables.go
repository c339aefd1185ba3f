// Package variables tells where the value of each variable comes from: its default
// yields to the environment, that to a file, and that to the command line.
package variables

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/source"
)

// EnvPrefix begins the names of environment variables that give values: that of
// the variable x is in VPND_VAR_x.
const EnvPrefix = "VPND_VAR_"

// From is all that may give values.
type From struct {
	Env   []string // as os.Environ returns it
	Files []string
	Flags map[string]string // of the command line, as written there
}

// A Given is what is given for a variable: an expression of a file, or text. Without
// either it has its default.
type Given struct {
	Expr hcl.Expression
	Text *string // from the command line or the environment
	By   string  // the flag or the variable of the environment that Text is from
}

// Gather finds what is given for each of the declared variables. Text of sensitive
// ones is blanked in what the reader keeps.
func Gather(declared map[string]*declare.Variable, from From, reader *source.Reader, told *diag.List) map[string]Given {
	g := gathering{declared: declared, given: make(map[string]Given), reader: reader, told: told}
	for _, setting := range from.Env {
		name, text, _ := strings.Cut(setting, "=")
		if rest, ours := strings.CutPrefix(name, EnvPrefix); ours && declared[rest] != nil {
			g.given[rest] = Given{Text: &text, By: name}
		}
	}
	for _, path := range from.Files {
		g.file(path)
	}
	for _, name := range slices.Sorted(maps.Keys(from.Flags)) {
		text := from.Flags[name]
		if declared[name] == nil {
			told.Error(hcl.Range{}, "Value for an undeclared variable", "--var %s: there is no variable %q.%s", name, name, g.suggest(name))
			continue
		}
		g.given[name] = Given{Text: &text, By: "--var " + name}
	}
	return g.given
}

type gathering struct {
	declared map[string]*declare.Variable
	given    map[string]Given
	reader   *source.Reader
	told     *diag.List
}

func (g gathering) file(path string) {
	name, body := g.reader.Values(path)
	if body == nil {
		return
	}
	attrs, diags := body.JustAttributes()
	g.told.Add(diags)
	for _, attr := range slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int { return cmp.Compare(a.Name, b.Name) }) {
		v := g.declared[attr.Name]
		if v == nil {
			// A file may be shared by several hosts, so this is no error.
			g.told.Tell(diag.Warning(attr.NameRange, "Value for an undeclared variable", "There is no variable %q.%s", attr.Name, g.suggest(attr.Name)))
			continue
		}
		g.given[attr.Name] = Given{Expr: attr.Expr}
		if v.Sensitive {
			g.reader.Texts.Copy(name)
			g.reader.Texts.Blank(attr.Expr)
		}
	}
}

func (g gathering) suggest(name string) string {
	return g.told.Suggest(name, func() []string { return slices.Sorted(maps.Keys(g.declared)) })
}
