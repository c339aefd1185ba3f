package resource

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"sync"
)

var sorted sync.Map // reflect.Type → []Field, by name

// sortedFields returns the fields of a shape by name, as the members of an object
// stand in JSON.
func sortedFields(t reflect.Type) []Field {
	if known, ok := sorted.Load(t); ok {
		return known.([]Field)
	}
	fields := slices.Clone(Fields(t))
	Sort(fields, func(a, b Field) int { return cmp.Compare(key(a), key(b)) })
	sorted.Store(t, fields)
	return fields
}

// EncodeInOrder calls each with the attributes of a shape by name, and what
// [EncodeEach] writes of them. The value is good until each returns.
func EncodeInOrder(shape any, seal func(Secret) any, each func(f Field, value []byte)) error {
	v := reflect.Indirect(reflect.ValueOf(shape))
	var room [512]byte
	for _, f := range sortedFields(v.Type()) {
		if unwritten(f, v) {
			continue
		}
		value, err := appendValue(room[:0], v.Field(f.Index), seal)
		if err != nil {
			return err
		}
		each(f, value)
	}
	return nil
}

// appendValue appends what json.Marshal writes of [plain]. What it does not know at
// sight it leaves to these.
func appendValue(to []byte, v reflect.Value, seal func(Secret) any) ([]byte, error) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	t := v.Type()
	if t == secretType {
		return appendPlain(to, v, seal)
	}
	if t.Implements(marshalerType) {
		return appendMarshalled(to, v, seal)
	}
	switch t.Kind() {
	case reflect.String:
		if text := v.String(); simple(text) {
			return append(append(append(to, '"'), text...), '"'), nil
		}
	case reflect.Bool:
		return strconv.AppendBool(to, v.Bool()), nil
	case reflect.Slice:
		return appendSlice(to, v, seal)
	case reflect.Struct:
		return appendStruct(to, v, seal)
	}
	return appendPlain(to, v, seal)
}

var marshalerType = reflect.TypeFor[encoding.TextMarshaler]()

func appendPlain(to []byte, v reflect.Value, seal func(Secret) any) ([]byte, error) {
	data, err := json.Marshal(plain(v, seal))
	return append(to, data...), err
}

func appendMarshalled(to []byte, v reflect.Value, seal func(Secret) any) ([]byte, error) {
	written, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil || !simple(string(written)) {
		return appendPlain(to, v, seal)
	}
	return append(append(append(to, '"'), written...), '"'), nil
}

func appendSlice(to []byte, v reflect.Value, seal func(Secret) any) ([]byte, error) {
	to = append(to, '[')
	var err error
	for i := range v.Len() {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = appendValue(to, v.Index(i), seal); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

func appendStruct(to []byte, v reflect.Value, seal func(Secret) any) ([]byte, error) {
	to = append(to, '{')
	first := true
	for _, f := range sortedFields(v.Type()) {
		if unwritten(f, v) {
			continue
		}
		if !first {
			to = append(to, ',')
		}
		first = false
		to = append(append(append(to, '"'), key(f)...), '"', ':')
		var err error
		if to, err = appendValue(to, v.Field(f.Index), seal); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

// simple says whether json.Marshal writes a text as it is, between quotes.
func simple(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			return false
		}
	}
	return true
}
