package resource

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A Field is one attribute or nested block of a shape, read from the tags of
// its struct:
//
//	Value *string `vpnd:"value,required" doc:"what to write" default:"1"`
//
// The vpnd tag holds the name and then any of
//
//	required  the configuration must give it
//	block     a nested block: a pointer to a struct for at most one, a slice
//	          of structs for any number
//	label     (without a name) the label of the nested block
//	computed  set by vpnd, not accepted in a configuration
//	hint      accepted and documented, but not compared with the host
//	meta      says who may use the thing, not what it says; a change of it
//	          refreshes no reader
//	text      several lines; shown as a unified diff
//	shared    what others have there beside vpnd; it is no part of the thing
//	          that goes with it, and an undo leaves alone what vpnd never managed
//	relative  how the thing stands to its like, told by the measure of the wish;
//	          of a thing that is new there is nothing to tell
//	memory    what must not be forgotten when the host has forgotten it: kept in
//	          the records as it is, however long, and given back by a [Recaller];
//	          it is no part of what is asked for
//	later     a hint that holds from the next renewal on, which a plan says where it
//	          changes
//	exports   the shape of another block's exports, given by a reference
//	runs      whether the thing, a service, is at work: what is not has read
//	          nothing that could be stale
//	ages      a predicate that time alone turns false
//	fleeting  for this process alone: written nowhere, neither into records nor into
//	          the configuration that is in force
//	public    of a [Document]: all may read it, as a certificate
//	glance    what people look for in such a thing; the short form of a plan
//	          tells it
//
// The doc tag documents it, the default tag names what holds where it is left
// out, the words tag is what people are told instead of its name, and the was tag is
// the name that it had once: who still writes that is told the new one.
type Field struct {
	Name     string
	Doc      string
	Default  string
	Words    string
	Was      string
	Index    int
	Type     reflect.Type // without the pointer
	Required bool
	Block    bool
	Label    bool
	Computed bool
	Hint     bool
	Meta     bool
	Text     bool
	Shared   bool
	Relative bool
	Memory   bool
	Exports  bool
	Later    bool
	Glance   bool
	Runs     bool
	Ages     bool
	Public   bool
	Fleeting bool
}

var (
	secretType      = reflect.TypeFor[Secret]()
	documentType    = reflect.TypeFor[Document]()
	unmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	shapes          sync.Map // reflect.Type → []Field
)

// IsSecret says whether the field holds a [Secret] or a list or map of them.
func (f Field) IsSecret() bool {
	t := f.Type
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t == secretType
}

// IsDocument says whether the field holds a [Document], which takes a path, or content
// that nobody may see.
func (f Field) IsDocument() bool { return f.Type == documentType }

// IsPredicate says whether the field is computed of the moment (whether a thing
// is fresh, who is there) and not of the thing itself.
func (f Field) IsPredicate() bool {
	return f.Computed && (f.Type.Kind() == reflect.Bool || f.Type.Kind() == reflect.Slice)
}

// IsScalar says whether t is written as one word: a string, a number, a
// boolean, a secret or a type that reads itself from text.
func IsScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint32:
		return true
	default:
		return t == secretType || IsText(t)
	}
}

// IsText says whether t reads itself from text, as netip.Prefix and Duration do.
func IsText(t reflect.Type) bool {
	return t != secretType && reflect.PointerTo(t).Implements(unmarshalerType)
}

// Running returns the field of a shape that says whether the thing is at work;
// false where it is nothing that runs.
func Running(shape any) (Field, bool) {
	for _, f := range Fields(reflect.TypeOf(shape)) {
		if f.Runs {
			return f, true
		}
	}
	return Field{}, false
}

// Fields returns the fields of a shape, given as its struct type or a pointer
// to it, in the order of the struct. Fields without a vpnd tag are passed
// over. It panics where a tag can't be read, which is a mistake of ours.
func Fields(t reflect.Type) []Field {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if known, ok := shapes.Load(t); ok {
		return known.([]Field)
	}
	var fields []Field
	for i := range t.NumField() {
		if f, ok := fieldOf(t.Field(i), i); ok {
			fields = append(fields, f)
		}
	}
	shapes.Store(t, fields)
	return fields
}

func fieldOf(s reflect.StructField, index int) (Field, bool) {
	tag, ok := s.Tag.Lookup("vpnd")
	if !ok {
		return Field{}, false
	}
	f := Field{Doc: s.Tag.Get("doc"), Default: s.Tag.Get("default"), Words: s.Tag.Get("words"), Was: s.Tag.Get("was"), Index: index, Type: s.Type}
	if f.Type.Kind() == reflect.Pointer {
		f.Type = f.Type.Elem()
	}
	words := strings.Split(tag, ",")
	f.Name = words[0]
	for _, word := range words[1:] {
		switch word {
		case "required":
			f.Required = true
		case "block":
			f.Block = true
		case "label":
			f.Label = true
		case "computed":
			f.Computed = true
		case "hint":
			f.Hint = true
		case "meta":
			f.Meta = true
		case "text":
			f.Text = true
		case "shared":
			f.Shared = true
		case "relative":
			f.Relative = true
		case "memory":
			f.Memory = true
		case "later":
			f.Later = true
		case "exports":
			f.Exports = true
		case "runs":
			f.Runs = true
		case "ages":
			f.Ages = true
		case "public":
			f.Public = true
		case "glance":
			f.Glance = true
		case "fleeting":
			f.Fleeting = true
		default:
			panic(fmt.Sprintf("resource: field %s: unknown word %q in its tag", s.Name, word))
		}
	}
	return f, true
}

// Clone returns a shallow copy of a shape: the struct is new, what its fields
// point to is shared and must not be written.
func Clone(shape any) any {
	v := reflect.ValueOf(shape).Elem()
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	return c.Interface()
}

// Lasting returns an observation as a wish that can be made true again: what
// vpnd computes of the moment (whether it is fresh, what a list holds) is left
// out, what it computes of the thing itself (the key, the text) stays, and so
// does how it stood to others.
func Lasting(shape any) any {
	c := Clone(shape)
	v := reflect.ValueOf(c).Elem()
	for _, f := range Fields(v.Type()) {
		if f.IsPredicate() && !f.Relative {
			v.Field(f.Index).SetZero()
		}
	}
	return c
}
