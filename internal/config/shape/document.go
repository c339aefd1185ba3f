package shape

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

var documentType = reflect.TypeFor[resource.Document]()

// A Reader returns what is in the file of a path, and else why it can't be had; public
// says that others may read it too, and at is where the path is written. Beside is the
// path of the document that names it, empty for a block.
type Reader func(path, beside string, public bool, at hcl.Range) (string, *hcl.Diagnostic)

// Documents reads the documents that a shape names, wherever in it, and then the files
// that these name. Whole is where the block is.
func (d *Decoded) Documents(shape any, whole hcl.Range, read Reader) {
	fill := func(doc *resource.Document, path, beside string, public bool) {
		text, problem := read(doc.Path(), beside, public, d.At.Find(path, whole))
		if problem != nil {
			d.Diags = append(d.Diags, problem)
			d.holes = append(d.holes, path)
			return
		}
		*doc = *resource.NewDocument(doc.Path(), text)
	}
	documents(reflect.ValueOf(shape).Elem(), "", false, func(doc *resource.Document, path string, public bool) { fill(doc, path, "", public) })
	r, ok := shape.(resource.Referrer)
	if !ok || !d.Whole() {
		return
	}
	for _, ref := range r.Refers() {
		fill(ref.Document, ref.Path, ref.Beside.Path(), ref.Public)
	}
}

// documents calls do for each document that is named in a value, with the path that
// mistakes have.
func documents(v reflect.Value, path string, public bool, do func(doc *resource.Document, path string, public bool)) {
	switch {
	case v.Kind() == reflect.Pointer:
		if !v.IsNil() {
			documents(v.Elem(), path, public, do)
		}
	case v.Type() == documentType:
		if doc := v.Addr().Interface().(*resource.Document); doc.Path() != "" {
			do(doc, path, public)
		}
	case v.Kind() == reflect.Slice && holdsDocuments(v.Type().Elem()):
		for i := range v.Len() {
			documents(v.Index(i), itemPath(v.Index(i), path, i), public, do)
		}
	case v.Kind() == reflect.Struct && !resource.IsScalar(v.Type()):
		for _, f := range resource.Fields(v.Type()) {
			if !f.Computed && !f.Exports {
				documents(v.Field(f.Index), dot(path)+f.Name, f.Public, do)
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
