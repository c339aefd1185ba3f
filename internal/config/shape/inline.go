package shape

import (
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// Inline reads the file that source names into content, where a shape
// has both: a kind knows nothing of the directory of the configuration, and the
// plan shall show the text.
func Inline(shape any, called string, at hcl.Range, read func(name string) ([]byte, error)) *hcl.Diagnostic {
	v := reflect.ValueOf(shape).Elem()
	fields := resource.Fields(v.Type())
	source, ok := Named(fields, "source")
	content, both := Named(fields, "content")
	if !ok || !both || content.Computed || source.Type.Kind() != reflect.String {
		return nil
	}
	from := v.Field(source.Index)
	if from.Kind() != reflect.Pointer || from.IsNil() || from.Elem().String() == "" {
		return nil
	}
	to := v.Field(content.Index)
	if to.Kind() != reflect.Pointer || !to.IsNil() {
		return diag.Error(at, "Both content and source", "%s has its content from one place: take either content or source out.", called)
	}
	data, err := read(from.Elem().String())
	if err != nil {
		return diag.Error(at, "Unreadable file", "%s", diag.Sentence(err))
	}
	from.SetZero()
	if content.Type == secretType {
		to.Set(reflect.ValueOf(resource.NewSecret(string(data))))
		return nil
	}
	to.Set(reflect.New(content.Type))
	to.Elem().SetString(string(data))
	return nil
}
