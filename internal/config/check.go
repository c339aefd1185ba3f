package config

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// validate asks a shape that was decoded what is wrong with it, reports each
// mistake at its place and says whether there are none. Of a block in which
// something is missing or did not fit, it reports only what concerns other
// attributes; one that waits for a value of another block is not judged.
func (l *loader) validate(shape any, name string, d *decoder, all hcl.Range, called string) bool {
	v, ok := shape.(resource.Validator)
	if !ok || d.unknown {
		return true
	}
	failed := d.diags.HasErrors()
	mistakes := slices.DeleteFunc(v.Validate(name), func(m resource.Mistake) bool {
		return failed && m.Path == "" || d.lacks(m.Path) || l.reportedAt(d.at.find(m.Path, all))
	})
	return l.reportMistakes(mistakes, d.at, all, called)
}

// lacks says whether a path is, or lies in, what is missing.
func (d *decoder) lacks(path string) bool {
	return slices.ContainsFunc(d.holes, func(hole string) bool {
		rest, within := strings.CutPrefix(path, hole)
		return within && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func (l *loader) reportedAt(at hcl.Range) bool {
	return slices.ContainsFunc(l.diags, func(d *hcl.Diagnostic) bool { return place(d).Overlaps(at) })
}

func (l *loader) reportMistakes(mistakes []resource.Mistake, at places, all hcl.Range, block string) bool {
	good := true
	for _, m := range mistakes {
		severity := hcl.DiagWarning
		if !m.Warning {
			severity, good = hcl.DiagError, false
		}
		subject := at.find(m.Path, all)
		l.tell(&hcl.Diagnostic{
			Severity: severity,
			Summary:  "In " + block + inPath(m.Path) + ": " + m.Summary,
			Detail:   whole(m.Hint),
			Subject:  &subject,
		})
	}
	return good
}

// whole makes a sentence of a hint, whichever way its writer began and ended it.
func whole(hint string) string {
	if hint == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(hint)
	hint = string(unicode.ToUpper(first)) + hint[size:]
	if !strings.ContainsAny(hint[len(hint)-1:], ".?!:") {
		hint += "."
	}
	return hint
}

func inPath(path string) string {
	if path == "" {
		return ""
	}
	return ", " + path
}

// inlineSource reads the file that source names into content, where a shape
// has both: a kind knows nothing of the folder of the configuration, and the
// plan shall show the text.
func (l *loader) inlineSource(b *block) {
	v := reflect.ValueOf(b.shape).Elem()
	fields := resource.Fields(v.Type())
	source, ok := fieldNamed(fields, "source")
	content, both := fieldNamed(fields, "content")
	if !ok || !both || content.Computed || source.Type.Kind() != reflect.String {
		return
	}
	from := v.Field(source.Index)
	if from.Kind() != reflect.Pointer || from.IsNil() || from.Elem().String() == "" {
		return
	}
	at := b.at.find("source", b.rng)
	to := v.Field(content.Index)
	if to.Kind() != reflect.Pointer || !to.IsNil() {
		l.errorAt(at, "Both content and source", "%s has its content from one place: take either content or source out.", b.id)
		b.failed = true
		return
	}
	data, err := l.beside(b.dir).read(from.Elem().String())
	if err != nil {
		l.errorAt(at, "Unreadable file", "%s.", sentence(err))
		b.failed = true
		return
	}
	from.SetZero()
	if content.Type == secretType {
		to.Set(reflect.ValueOf(resource.NewSecret(string(data))))
		return
	}
	to.Set(reflect.New(content.Type))
	to.Elem().SetString(string(data))
}
