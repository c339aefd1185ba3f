package config

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// validate asks the shape itself what is wrong with it and reports each
// mistake at its place. It says whether the block is good to use.
func (l *loader) validate(b *block) bool {
	v, ok := b.shape.(resource.Validator)
	if !ok {
		return true
	}
	return l.reportMistakes(v.Validate(b.id.Name), b.at, b.rng, b.id.String())
}

func (l *loader) reportMistakes(mistakes []resource.Mistake, at places, whole hcl.Range, block string) bool {
	good := true
	for _, m := range mistakes {
		severity := hcl.DiagWarning
		if !m.Warning {
			severity, good = hcl.DiagError, false
		}
		subject := at.find(m.Path, whole)
		l.diags = append(l.diags, &hcl.Diagnostic{
			Severity: severity,
			Summary:  "In " + block + inPath(m.Path) + ": " + m.Summary,
			Detail:   m.Hint,
			Subject:  &subject,
		})
	}
	return good
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
	if from.Kind() != reflect.Pointer || from.IsNil() {
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
