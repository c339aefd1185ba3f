package chain

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// prefix begins the name of every chain of vpnd's own.
const prefix = "VPND-"

// A spot is a name taken apart.
type spot struct {
	family string // ip or ip6
	table  string
	chain  string
}

// hooks are the built-in chains of each table, iptables(8). Tables come in the
// order in which they are written.
var (
	tables = []string{"raw", "mangle", "nat", "filter"}
	hooks  = map[string][]string{
		"filter": {"INPUT", "FORWARD", "OUTPUT"},
		"nat":    {"PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"},
		"mangle": {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"},
		"raw":    {"PREROUTING", "OUTPUT"},
	}
)

// The kernel holds 28 characters, xt_entry_target's XT_EXTENSION_MAXNAMELEN
// less the revision and the final zero.
var ownName = regexp.MustCompile(`^VPND-[A-Za-z0-9_.-]{1,23}$`)

func parse(name string) (spot, error) {
	family, rest, _ := strings.Cut(name, "/")
	table, chain, ok := strings.Cut(rest, "/")
	switch {
	case !ok || strings.Contains(chain, "/"):
		return spot{}, fmt.Errorf("%q is no name of a chain; write family/table/chain, as in ip/filter/VPND-FORWARD", name)
	case family != "ip" && family != "ip6":
		return spot{}, fmt.Errorf("%q is no family; write ip or ip6", family)
	case hooks[table] == nil:
		return spot{}, fmt.Errorf("%q is no table that vpnd writes; one of %s", table, strings.Join(tables, ", "))
	case !ownName.MatchString(chain):
		return spot{}, fmt.Errorf("%q is no name of a chain of vpnd's own; write VPND- and 1 to 23 letters, digits, _, . or -", chain)
	}
	return spot{family: family, table: table, chain: chain}, nil
}

// String is the name.
func (s spot) String() string { return s.family + "/" + s.table + "/" + s.chain }

// compare orders spots by family, table and chain.
func (s spot) compare(other spot) int {
	return cmp.Or(cmp.Compare(s.family, other.family), cmp.Compare(s.table, other.table), cmp.Compare(s.chain, other.chain))
}

func own(chain string) bool { return strings.HasPrefix(chain, prefix) }

func builtin(table, chain string) bool { return slices.Contains(hooks[table], chain) }
