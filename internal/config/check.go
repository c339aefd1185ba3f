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

// validate asks the shape itself what is wrong with it and reports each
// mistake at its place. Of a block in which an attribute is missing because
// its value did not fit, it reports only what concerns other attributes.
func (l *loader) validate(b *block) {
	v, ok := b.shape.(resource.Validator)
	if !ok {
		return
	}
	mistakes := v.Validate(b.id.Name)
	if b.failed {
		mistakes = slices.DeleteFunc(mistakes, func(m resource.Mistake) bool { return m.Path == "" || l.reportedAt(b.at.find(m.Path, b.rng)) })
	}
	if !l.reportMistakes(mistakes, b.at, b.rng, b.id.String()) {
		b.failed = true
	}
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
		l.diags = append(l.diags, &hcl.Diagnostic{
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
	data, err := readBeside(b.dir, from.Elem().String())
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
