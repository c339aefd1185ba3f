package state

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// A Record is what vpnd knows of one resource that it manages.
type Record struct {
	ID       resource.ID        `json:"id"`
	Owners   []resource.Owner   `json:"owners,omitempty"`
	After    []resource.ID      `json:"after,omitempty"`
	Triggers []resource.Trigger `json:"triggers,omitempty"` // so that the end of what it reads reaches it too
	Want     Digest             `json:"want"`               // what was applied last
	Touched  []string           `json:"touched,omitempty"`  // attributes that were applied once and are no longer wished for
	Prior    string             `json:"prior,omitempty"`    // name of the blob with what stood there before; empty where nothing did
	Handout  *Handout           `json:"handout,omitempty"`  // its holder has a copy that is no longer good; nil where that is not so
	Given    *Given             `json:"given,omitempty"`    // when its holder got it last; nil where that is not known
	Open     bool               `json:"open,omitempty"`     // the host was about to be touched and nobody has looked since
	Since    time.Time          `json:"since"`              // when vpnd took it up, UTC
}

// A Handout is a thing, such as a profile, that has to be given to its holder anew.
type Handout struct {
	Since   time.Time         `json:"since"`             // when it changed, UTC
	Why     []string          `json:"why"`               // what changed, in words
	Held    map[string]string `json:"held,omitempty"`    // what the copy of the holder agrees on
	Sources bool              `json:"sources,omitempty"` // it is made of other files than the copy was
}

// Given is when somebody was given a thing, and by whom.
type Given struct {
	At time.Time `json:"at"`           // UTC
	By string    `json:"by,omitempty"` // the person; empty where that is not known
}

// A Digest is a shape without its secrets: attribute to JSON value, where a
// secret, or a long value that is no memory, is replaced by a keyed digest of it.
type Digest map[string]json.RawMessage

// inline is how many bytes of JSON a value may have to be kept as it is, so
// that vpnd show can tell it.
const inline = 160

// Equal says whether two digests hold the same attributes with the same
// values.
func (d Digest) Equal(other Digest) bool {
	return len(d) == len(other) && d.covers(other)
}

// covers says whether every attribute of d has the same value in other.
func (d Digest) covers(other Digest) bool {
	for attr, value := range d {
		if string(other[attr]) != string(value) {
			return false
		}
	}
	return true
}

// Tell fills in a shape what the digest tells in the clear; secrets and long
// values are left out.
func (d Digest) Tell(shape any) error {
	var errs []error
	for attr, value := range d {
		if strings.HasPrefix(string(value), `"`+sealed) {
			continue
		}
		one, err := json.Marshal(Digest{attr: value})
		if err == nil {
			err = resource.Decode(one, shape)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Without returns the digest without some attributes.
func (d Digest) Without(skip func(attribute string) bool) Digest {
	rest := maps.Clone(d)
	maps.DeleteFunc(rest, func(attr string, _ json.RawMessage) bool { return skip(attr) })
	return rest
}

// Holds says whether the host, observed as got, is still as d says.
func (d Digest) Holds(got Digest) bool { return d.covers(got) }
