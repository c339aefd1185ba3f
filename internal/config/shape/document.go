package shape

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

var documentType = reflect.TypeFor[resource.Document]()

// Documents reads the documents that a shape names, wherever in it. Read returns what
// is in the file of that path, and else why it can't be had; at is where the path is
// written, and whole where the block is.
func (d *Decoded) Documents(shape any, whole hcl.Range, read func(path string, at hcl.Range) (string, *hcl.Diagnostic)) {
	documents(reflect.ValueOf(shape).Elem(), "", func(doc *resource.Document, path string) {
		text, problem := read(doc.Path(), d.At.Find(path, whole))
		if problem != nil {
			d.Diags = append(d.Diags, problem)
			d.holes = append(d.holes, path)
			return
		}
		*doc = *resource.NewDocument(doc.Path(), text)
	})
}

// documents calls do for each document that is named in a value, with the path that
// mistakes have.
func documents(v reflect.Value, path string, do func(doc *resource.Document, path string)) {
	switch {
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			documents(v.Elem(), path, do)
		}
	case v.Type() == documentType:
		if doc := v.Addr().Interface().(*resource.Document); doc.Path() != "" {
			do(doc, path)
		}
	case v.Kind() == reflect.Slice && holdsDocuments(v.Type().Elem()):
		for i := range v.Len() {
			documents(v.Index(i), itemPath(v.Index(i), path, i), do)
		}
	case v.Kind() == reflect.Struct && !resource.IsScalar(v.Type()):
		for _, f := range resource.Fields(v.Type()) {
			if !f.Computed && !f.Exports {
				documents(v.Field(f.Index), dot(path)+f.Name, do)
			}
		}
	}
}

// holdsDocuments says whether it is worth to look into the items of a list: into text
// and numbers it is not.
func holdsDocuments(item reflect.Type) bool {
	if item.Kind() == reflect.Pointer {
		item = item.Elem()
	}
	return item == documentType || item.Kind() == reflect.Struct && !resource.IsScalar(item)
}

// itemPath is the path of a nested block by its label, and of any other item by its
// number.
func itemPath(item reflect.Value, path string, i int) string {
	if item = reflect.Indirect(item); item.Kind() == reflect.Struct && item.Type() != documentType {
		if label, ok := labelOf(item.Type()); ok {
			return dot(path) + item.Field(label.Index).String()
		}
	}
	return fmt.Sprintf("%s[%d]", path, i)
}

func dot(path string) string {
	if path == "" {
		return ""
	}
	return path + "."
}
