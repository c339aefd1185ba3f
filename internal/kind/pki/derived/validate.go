package derived

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/resource"
)

// Mistakes gathers what is wrong with a block.
type Mistakes []resource.Mistake

// Add adds one that stands at an attribute, with a way out.
func (m *Mistakes) Add(where, summary, hint string) {
	*m = append(*m, resource.Mistake{Path: where, Summary: summary, Hint: hint})
}

// Path checks an absolute path; where is empty for the label.
func (m *Mistakes) Path(where, p string) {
	if p == "/" || !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsFunc(p, unicode.IsControl) {
		m.Add(where, fmt.Sprintf("%q is no clean absolute path of a file", p), "write the whole path, as in \"/etc/openvpn/server/ca.crt\", without a slash at its end")
	}
}

// OptionalPath checks an absolute path that may be left out.
func (m *Mistakes) OptionalPath(where string, p *string) {
	if p != nil {
		m.Path(where, *p)
	}
}

// OneOf checks a value that is one of a few.
func (m *Mistakes) OneOf(where string, value *string, known ...string) {
	if value != nil && !slices.Contains(known, *value) {
		m.Add(where, fmt.Sprintf("%q is not one of the values it may have", *value), "one of "+strings.Join(known, ", "))
	}
}

// account is what useradd(8) accepts, or a number.
var account = regexp.MustCompile(`^([0-9]+|[A-Za-z_][A-Za-z0-9_.-]*\$?)$`)

// Access checks who may use the thing; others may have nothing of a private one.
func (m *Mistakes) Access(a Access, private bool) {
	if mode := *a.Mode; private && mode != nil && *mode&0o007 != 0 {
		m.Add("mode", fmt.Sprintf("mode %s lets every user of the host have it", mode), "give others nothing, as in \"0600\" or, for a group, \"0640\"")
	}
	m.account("owner", *a.Owner)
	m.account("group", *a.Group)
}

func (m *Mistakes) account(where string, name *string) {
	if name != nil && !account.MatchString(*name) {
		m.Add(where, fmt.Sprintf("%q can be no %s", *name, where), "write a name or a number, as in \"root\" or \"0\"")
	}
}
