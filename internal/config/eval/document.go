package eval

import (
	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
)

// open reads the documents of a block. It returns warnings of those that others could
// read, where that is no mistake because nothing is done with them.
func (e *evaluator) open(b *block, d *shape.Decoded) (warnings []*hcl.Diagnostic) {
	here := e.directory(b.Dir)
	d.Documents(b.decl.Shape, b.Range, func(path string, at hcl.Range) (string, *hcl.Diagnostic) {
		text, exposed, err := here.Secret(path)
		if err != nil {
			return "", diag.Error(at, "Unreadable file", "%s", diag.Sentence(err))
		}
		spent := e.env.Effort.Read(len(text), at)
		switch {
		case spent != nil:
			return "", diag.Error(at, "Too much to work out", "%s", diag.Sentence(spent))
		case exposed != nil && !e.env.Advise:
			return "", diag.Error(at, "Others can read this", "%s", diag.Sentence(exposed))
		case exposed != nil:
			warnings = append(warnings, diag.Warning(at, "Others can read this", "%s", diag.Sentence(exposed)))
		}
		return text, nil
	})
	return warnings
}
