// Package syntax is the language of iptables as text: how a chain is named, which
// tables and built-in chains (hooks) there are, how a rule falls into words and
// options, what may stand in one, and how it is pasted into a shell. It knows no
// host: all of it are functions from text to text.
package syntax

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Prefix begins the name of every chain of vpnd's own.
const Prefix = "VPND-"

// A Spot is a name taken apart.
type Spot struct {
	Family string // ip or ip6
	Table  string // one of Tables
	Chain  string
}

// Command is the iptables of each family.
var Command = map[string]string{"ip": "iptables", "ip6": "ip6tables"}

// Hooks are the built-in chains of each table, iptables(8). Tables come in the
// order in which they are written.
var (
	Tables = []string{"raw", "mangle", "nat", "filter"}
	Hooks  = map[string][]string{
		"filter": {"INPUT", "FORWARD", "OUTPUT"},
		"nat":    {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
		"mangle": {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"},
		"raw":    {"PREROUTING", "OUTPUT"},
	}
)

// maxName is how many characters the kernel holds, xt_entry_target's
// XT_EXTENSION_MAXNAMELEN less the revision and the final zero.
const maxName = 28

// OwnName says whether a chain of vpnd's own can be called that.
func OwnName(chain string) bool {
	rest, own := strings.CutPrefix(chain, Prefix)
	return own && rest != "" && len(chain) <= maxName && !strings.ContainsFunc(rest, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("_.-", r)
	})
}

// Parse takes the name of a chain apart, which must be one of vpnd's own.
func Parse(name string) (Spot, error) {
	family, rest, _ := strings.Cut(name, "/")
	table, chain, ok := strings.Cut(rest, "/")
	switch {
	case !ok || strings.Contains(chain, "/"):
		return Spot{}, fmt.Errorf("%q is no name of a chain; write family/table/chain, as in ip/filter/VPND-FORWARD", name)
	case family != "ip" && family != "ip6":
		return Spot{}, fmt.Errorf("%q is no family; write ip or ip6", family)
	case Hooks[table] == nil:
		return Spot{}, fmt.Errorf("%q is no table that vpnd writes; one of %s", table, strings.Join(Tables, ", "))
	case !OwnName(chain):
		return Spot{}, fmt.Errorf("%q is no name of a chain of vpnd's own; write VPND- and 1 to 23 letters, digits, _, . or -", chain)
	}
	return Spot{Family: family, Table: table, Chain: chain}, nil
}

// String is the name.
func (s Spot) String() string { return s.Family + "/" + s.Table + "/" + s.Chain }

// Compare orders spots by family, table and chain.
func (s Spot) Compare(other Spot) int {
	return cmp.Or(cmp.Compare(s.Family, other.Family), cmp.Compare(s.Table, other.Table), cmp.Compare(s.Chain, other.Chain))
}

// Own says whether the name of a chain is one that vpnd gives.
func Own(chain string) bool { return strings.HasPrefix(chain, Prefix) }

// Builtin says whether the kernel itself has the chain.
func Builtin(table, chain string) bool { return slices.Contains(Hooks[table], chain) }
