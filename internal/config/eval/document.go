package eval

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
	"vpnd/internal/config/shape"
)

// open reads the documents of a block. It returns warnings of those that others could
// read, where that is no mistake because nothing is done with them.
func (e *evaluator) open(b *block, d *shape.Decoded) (warnings []*hcl.Diagnostic) {
	here := e.directory(b.Dir)
	d.Documents(b.decl.Shape, b.Range, func(path, beside string, public bool, at hcl.Range) (string, *hcl.Diagnostic) {
		if beside != "" && !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(beside), path)
		}
		text, exposed, err := here.Secret(path)
		if err != nil {
			return "", diag.Error(at, "Unreadable file", "%s", diag.Sentence(err))
		}
		b.read = append(b.read, here.At(path))
		spent := e.env.Effort.Read(len(text), at)
		switch {
		case spent != nil:
			return "", diag.Error(at, "Too much to work out", "%s", diag.Sentence(spent))
		case public || exposed == nil:
		case !e.env.Advise:
			return "", diag.Error(at, "Others can read this", "%s", diag.Sentence(exposed))
		default:
			warnings = append(warnings, diag.Warning(at, "Others can read this", "%s", diag.Sentence(exposed)))
		}
		return text, nil
	})
	return warnings
}
