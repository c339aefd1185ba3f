package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/state/scan"
)

// A Digest is a shape without its secrets: attribute to JSON value, where a
// secret, or a long value that is no memory, is replaced by a keyed digest of it. It
// is kept as the JSON that it is on disk: of thousands, hardly one is ever asked for
// an attribute.
type Digest struct {
	text string // an object, its members in order, without white space; empty for none
}

// inline is how many bytes of JSON a value may have to be kept as it is, so
// that vpnd show can tell it.
const inline = 160

// newDigest returns the digest of these values.
func newDigest(values map[string]json.RawMessage) Digest {
	if len(values) == 0 {
		return Digest{}
	}
	var b strings.Builder
	for i, attr := range slices.Sorted(maps.Keys(values)) {
		b.WriteByte("{,"[min(i, 1)])
		b.Write(appendText(nil, attr))
		b.WriteByte(':')
		b.Write(values[attr])
	}
	b.WriteByte('}')
	return Digest{b.String()}
}

// All yields the attributes, sorted, and their values in JSON.
func (d Digest) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if d.text == "" {
			return
		}
		on := true
		s := scan.Of(d.text)
		s.Object(func(attr string) {
			if value := s.Raw(); on {
				on = yield(attr, value)
			}
		})
	}
}

// Value returns the value of an attribute in JSON, and whether it has one.
func (d Digest) Value(attribute string) (value string, has bool) {
	for attr, v := range d.All() {
		if attr == attribute {
			return v, true
		}
	}
	return "", false
}

// Names returns the attributes, sorted.
func (d Digest) Names() []string {
	var names []string
	for attr := range d.All() {
		names = append(names, attr)
	}
	return names
}

// Empty says whether it has no attribute.
func (d Digest) Empty() bool { return d.text == "" }

// Equal says whether two digests hold the same attributes with the same
// values.
func (d Digest) Equal(other Digest) bool { return d.text == other.text }

// Holds says whether the host, observed as got, is still as d says.
func (d Digest) Holds(got Digest) bool {
	if d.Equal(got) {
		return true
	}
	is := maps.Collect(got.All())
	for attr, value := range d.All() {
		if is[attr] != value {
			return false
		}
	}
	return true
}

// Tell fills in a shape what the digest tells in the clear; secrets and long
// values are left out.
func (d Digest) Tell(shape any) error {
	var errs []error
	for attr, value := range d.All() {
		if !strings.HasPrefix(value, `"`+sealed) {
			errs = append(errs, resource.DecodeOne(attr, []byte(value), shape))
		}
	}
	return errors.Join(errs...)
}

// Without returns the digest without some attributes.
func (d Digest) Without(skip func(attribute string) bool) Digest {
	if !slices.ContainsFunc(d.Names(), skip) {
		return d
	}
	rest := make(map[string]json.RawMessage)
	for attr, value := range d.All() {
		if !skip(attr) {
			rest[attr] = json.RawMessage(value)
		}
	}
	return newDigest(rest)
}

// MarshalJSON returns the object; null for none.
func (d Digest) MarshalJSON() ([]byte, error) {
	if d.text == "" {
		return []byte("null"), nil
	}
	return []byte(d.text), nil
}

// UnmarshalJSON reads an object of any order and layout.
func (d *Digest) UnmarshalJSON(data []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return err
	}
	for attr, value := range values {
		compact, err := compacted(value)
		if err != nil {
			return fmt.Errorf("reading %s: %w", attr, err)
		}
		values[attr] = compact
	}
	*d = newDigest(values)
	return nil
}
