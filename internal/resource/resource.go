// Package resource is the vocabulary of vpnd: what a thing on the host is
// called, what it shall be, and the three verbs that make it so.
//
// A resource is data; a kind is three verbs. One Go struct per kind, its
// shape, serves the language, the observation of the host, the comparison,
// the record of what was applied and the documentation alike, so each of
// those is written once, here and in the engine, and never in a kind.
//
// In a wish a nil pointer, slice or map means "not managed" and is never
// compared. An observation leaves nothing nil, so what was observed is itself
// a complete wish: a snapshot is a desired state.
package resource

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// ID names one thing on the host: its kind and the host's own name for it
// (a path, a sysctl key, an interface, family/table/chain, a unit).
type ID struct {
	Kind string
	Name string
}

// String returns the address of the resource as users write it, for example
// sysctl["net.ipv4.ip_forward"] or tun.tun0.
func (id ID) String() string {
	if isIdentifier(id.Name) {
		return id.Kind + "." + id.Name
	}
	if plainly(id.Name) {
		return id.Kind + `["` + id.Name + `"]`
	}
	return fmt.Sprintf("%s[%q]", id.Kind, id.Name)
}

// plainly says whether a quoted name is that name between quotes.
func plainly(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Compare orders IDs by kind and then by name.
func (id ID) Compare(other ID) int {
	if c := cmp.Compare(id.Kind, other.Kind); c != 0 {
		return c
	}
	return cmp.Compare(id.Name, other.Name)
}

// MarshalText returns the address of the resource, so an ID can be a key in
// JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// ParseID reads an address in either of its forms: kind.name or kind["name"].
func ParseID(s string) (ID, error) {
	if kind, rest, ok := strings.Cut(s, "["); ok && isIdentifier(kind) {
		quoted, _ := strings.CutSuffix(rest, "]")
		if n := len(quoted); n >= 2 && rest != quoted && quoted[0] == '"' && quoted[n-1] == '"' && plainly(quoted[1:n-1]) {
			return ID{Kind: kind, Name: quoted[1 : n-1]}, nil
		}
		if name, err := strconv.Unquote(quoted); err == nil && rest == strconv.Quote(name)+"]" {
			return ID{Kind: kind, Name: name}, nil
		}
	}
	if kind, name, ok := strings.Cut(s, "."); ok && isIdentifier(kind) && isIdentifier(name) {
		return ID{Kind: kind, Name: name}, nil
	}
	return ID{}, fmt.Errorf("%q is no address; write it as kind.name or kind[\"name\"]", s)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

// Owner is a block of the configuration that asked for a resource.
type Owner struct {
	Block ID     `json:"block"`          // the block's own address, for example gateway.office
	File  string `json:"file,omitempty"` // as the user named it
	Line  int    `json:"line,omitempty"` // first line is 1
}

// Trigger ties a resource to another one: when that one changes, this one is
// refreshed. The effect belongs to the pair, not to either end: a new CRL
// costs a server nothing, a new certificate a restart.
type Trigger struct {
	On ID     `json:"on"`
	Do Effect `json:"do"`
}

// Resource is one thing the host shall have.
type Resource struct {
	ID       ID
	Want     any       // *T, T being the shape of the kind
	Owners   []Owner   // at least one, in the order of the configuration
	After    []ID      // applied before this one and removed after it; may name a block, which means all that the block owns
	Triggers []Trigger // what refreshes this one
	Requires []Requirement
	Brings   []ID // what comes with it besides what its kind knows; see [Bringer]
}

// Follow has the resource come after others that it is derived from, and be made anew
// where one of them is.
func (r *Resource) Follow(sources ...ID) {
	r.After = append(r.After, sources...)
	for _, source := range sources {
		r.Triggers = append(r.Triggers, Trigger{On: source, Do: Rebuild})
	}
}

// Desired is what a host shall be. A configuration is one; so is a snapshot.
type Desired struct {
	Present []Resource
	Absent  []ID
}

// Effect is what a change does to those who are connected, and so what a
// trigger asks for. They are ordered by cost: the greater includes the
// smaller.
type Effect uint8

// The effects, cheapest first.
const (
	None    Effect = iota // nobody notices
	Rebuild               // the resource is derived from the other one and follows it; nobody notices
	Reload                // the reader re-reads its configuration
	Client                // one client is disconnected
	Tunnel                // one tunnel is re-established
	Restart               // everybody is disconnected for a moment
)

var effects = []string{"none", "rebuild", "reload", "client", "tunnel", "restart"}

// String returns the word the reports use.
func (e Effect) String() string { return effects[e] }

// MarshalText returns the word the reports use.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (e *Effect) UnmarshalText(text []byte) error {
	for i, word := range effects {
		if word == string(text) {
			*e = Effect(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no effect; one of %s", text, strings.Join(effects, ", "))
}
