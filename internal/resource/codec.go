package resource

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"
)

// Encode writes a shape as JSON, one member an attribute, nil ones left out.
// A secret is written as whatever seal makes of it: a keyed digest for the
// state, the text itself for a blob that nobody else may read. Bytes that are
// no UTF-8 survive.
func Encode(shape any, seal func(Secret) any) (json.RawMessage, error) {
	return appendValue(nil, reflect.ValueOf(shape), seal)
}

// EncodeEach writes the attributes of a shape as [Encode] does, each by itself.
func EncodeEach(shape any, seal func(Secret) any) (map[string]json.RawMessage, error) {
	v := reflect.Indirect(reflect.ValueOf(shape))
	all := make(map[string]json.RawMessage)
	for _, f := range Fields(v.Type()) {
		if unwritten(f, v) {
			continue
		}
		data, err := json.Marshal(plain(v.Field(f.Index), seal))
		if err != nil {
			return nil, err
		}
		all[key(f)] = data
	}
	return all, nil
}

// Reveal is the seal for blobs that hold secrets in the clear.
func Reveal(s Secret) any { return text(s.Reveal()) }

// Secretive says whether a shape holds a secret.
func Secretive(shape any) bool {
	holds := false
	_, _ = Encode(shape, func(Secret) any { holds = true; return nil })
	return holds
}

func plain(v reflect.Value, seal func(Secret) any) any {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Type() == secretType {
		return seal(v.Interface().(Secret))
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		written, err := m.MarshalText()
		if err != nil {
			return fmt.Sprintf("(%v)", err)
		}
		return text(string(written))
	}
	switch v.Kind() {
	case reflect.String:
		return text(v.String())
	case reflect.Slice:
		if words, ok := v.Interface().([]string); ok && words != nil && !slices.ContainsFunc(words, func(s string) bool { return !utf8.ValidString(s) }) {
			return words
		}
		items := make([]any, v.Len())
		for i := range items {
			items[i] = plain(v.Index(i), seal)
		}
		return items
	case reflect.Map:
		items := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			items[key.String()] = plain(v.MapIndex(key), seal)
		}
		return items
	case reflect.Struct:
		items := make(map[string]any)
		for _, f := range Fields(v.Type()) {
			if !unwritten(f, v) {
				items[key(f)] = plain(v.Field(f.Index), seal)
			}
		}
		return items
	default:
		return v.Interface()
	}
}

// unwritten says whether an attribute is left out: it has no value, or one that is for
// this process alone.
func unwritten(f Field, in reflect.Value) bool { return f.Fleeting || isNil(in.Field(f.Index)) }

func key(f Field) string {
	if f.Label {
		return "_label"
	}
	return f.Name
}

type encoded struct {
	Base64 []byte `json:"base64"`
}

func text(s string) any {
	if utf8.ValidString(s) {
		return s
	}
	return encoded{Base64: []byte(s)}
}

// Decode reads what [Encode] wrote with [Reveal] into shape, a pointer to a
// struct.
func Decode(data []byte, shape any) error {
	return fill(reflect.ValueOf(shape).Elem(), data)
}

// DecodeOne reads the value of one attribute, as [EncodeEach] wrote it, into shape, a
// pointer to a struct. One that the shape does not have is passed over.
func DecodeOne(attribute string, data []byte, shape any) error {
	v := reflect.ValueOf(shape).Elem()
	fields := Fields(v.Type())
	for i := range fields { // which are large
		if f := &fields[i]; f.Name == attribute || f.Label && key(*f) == attribute {
			return fillField(v, *f, data)
		}
	}
	return nil
}

func fill(v reflect.Value, data json.RawMessage) error {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(v.Elem(), data)
	case v.Type() == secretType:
		s, err := readText(data)
		v.Set(reflect.ValueOf(Secret{text: s}))
		return err
	case IsText(v.Type()):
		s, err := readText(data)
		if err != nil {
			return err
		}
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
	}
	switch v.Kind() {
	case reflect.String:
		s, err := readText(data)
		v.SetString(s)
		return err
	case reflect.Slice:
		return fillSlice(v, data)
	case reflect.Map:
		return fillMap(v, data)
	case reflect.Struct:
		return fillStruct(v, data)
	case reflect.Bool:
		if is := string(data); is == "true" || is == "false" {
			v.SetBool(is == "true")
			return nil
		}
		return json.Unmarshal(data, v.Addr().Interface())
	default:
		return json.Unmarshal(data, v.Addr().Interface())
	}
}

func fillSlice(v reflect.Value, data json.RawMessage) error {
	if string(data) == "[]" { // as of thousands nearly all are
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return err
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if err := fill(v.Index(i), item); err != nil {
			return err
		}
	}
	return nil
}

func fillMap(v reflect.Value, data json.RawMessage) error {
	items, err := membersOf(data)
	if err != nil {
		return err
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(items)))
	for key, item := range items {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := fill(value, item); err != nil {
			return err
		}
		v.SetMapIndex(reflect.ValueOf(key), value)
	}
	return nil
}

func fillStruct(v reflect.Value, data json.RawMessage) error {
	items, err := membersOf(data)
	if err != nil {
		return err
	}
	for _, f := range Fields(v.Type()) {
		item, ok := items[key(f)]
		if !ok {
			continue
		}
		if err := fillField(v, f, item); err != nil {
			return err
		}
	}
	return nil
}

// membersOf takes apart an object.
func membersOf(data json.RawMessage) (items map[string]json.RawMessage, err error) {
	if items = texts(data); items == nil {
		err = json.Unmarshal(data, &items)
	}
	return items, err
}

// texts takes apart an object whose values are texts that stand there as they are, as the
// names in certificates are, without white space between them; it is nil of any other.
func texts(data json.RawMessage) map[string]json.RawMessage {
	n := len(data)
	if n < len(`{"":""}`) || data[0] != '{' || data[n-1] != '}' {
		return nil
	}
	items := make(map[string]json.RawMessage)
	for rest := data[1 : n-1]; ; {
		name, after := plainText(rest)
		if len(after) == 0 || after[0] != ':' {
			return nil
		}
		value, after := plainText(after[1:])
		if value == nil {
			return nil
		}
		items[string(name[1:len(name)-1])] = value
		if len(after) == 0 {
			return items
		}
		if rest = after[1:]; after[0] != ',' {
			return nil
		}
	}
}

// plainText returns the text at the beginning, with its quotes, and what follows; nothing
// where none stands there as it is.
func plainText(data json.RawMessage) (text, after json.RawMessage) {
	if len(data) == 0 || data[0] != '"' {
		return nil, nil
	}
	end := 1 + bytes.IndexByte(data[1:], '"')
	if end == 0 || !simple(string(data[1:end])) {
		return nil, nil
	}
	return data[:end+1], data[end+1:]
}

func fillField(shape reflect.Value, f Field, data json.RawMessage) error {
	if err := fill(shape.Field(f.Index), data); err != nil {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	return nil
}

func readText(data json.RawMessage) (string, error) {
	if n := len(data); n >= 2 && data[0] == '"' && data[n-1] == '"' && simple(string(data[1:n-1])) {
		return string(data[1 : n-1]), nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err == nil {
		return s, nil
	}
	var e struct {
		Base64 *string `json:"base64"`
	}
	if err := json.Unmarshal(data, &e); err != nil || e.Base64 == nil {
		return "", fmt.Errorf("neither a string nor base64")
	}
	raw, err := base64.StdEncoding.DecodeString(*e.Base64)
	return string(raw), err
}
