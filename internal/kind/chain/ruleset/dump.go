// Package ruleset is one table of the host, as iptables-save prints it, and the
// lines that make it as wished. It is pure: text goes in, lines for iptables-restore
// come out, so that all that vpnd decides about a firewall is decided here.
//
//	a dump ──ParseDump──▶ Table ──Whence, Sequence, Overruled──▶ what an observation tells
//	                        │
//	         wants ─────────┴──Transaction, Removal──▶ the input of iptables-restore
//
// A hook is a built-in chain (INPUT, FORWARD ...). A [Lane] is where the jumps of
// vpnd stand in one: those at its top and those at its bottom. What may stand above
// them is judged in admit.go, what makes them worthless in overrule.go, and how they
// come back to their places in arrange.go.
package ruleset

import (
	"strings"

	"vpnd/internal/kind/chain/syntax"
)

// A Dump is what iptables-save prints, by table.
type Dump map[string]*Table

// A Table holds its chains, each with its rules in order, as text without -A
// and the chain.
type Table struct {
	Chains map[string][]string
	Ours   *Ours    // which of the chains that bear a name of vpnd's are its own
	order  []string // of the chains
	Opaque bool     // holds what iptables can't show, so the rest says nothing
	Err    error    // why it can't be read at all
	Told   bool     // rules of vpnd's own are in the words that made them

	policies map[string]string      // of the built-in chains
	barriers map[string]int         // see [Table.barrier]; found out when asked for
	lanes    map[Lane][]string      // see [Table.standing]; likewise
	others   map[string][]int       // see [Table.strangers]; likewise
	led      map[string][]Reference // see [Table.jumps]; likewise
}

// Table returns a table, an empty one where there is none.
func (d Dump) Table(name string) *Table {
	if d[name] == nil {
		d[name] = &Table{Chains: make(map[string][]string), policies: make(map[string]string), barriers: make(map[string]int), lanes: make(map[Lane][]string), others: make(map[string][]int)}
	}
	return d[name]
}

// ParseDump reads the output of iptables-save.
func ParseDump(text string) Dump {
	d := make(Dump)
	var current *Table
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "*"):
			current = d.Table(line[1:])
		case strings.HasPrefix(line, "# Table `"):
			// "# Table `filter' is incompatible, use 'nft' tool."
			name, rest, _ := strings.Cut(strings.TrimPrefix(line, "# Table `"), "'")
			d.Table(name).Opaque = strings.Contains(rest, "is incompatible")
		case current == nil:
		case strings.HasPrefix(line, ":"):
			name, rest, _ := strings.Cut(line[1:], " ")
			current.declare(name)
			current.policies[name], _, _ = strings.Cut(rest, " ")
		case strings.HasPrefix(line, "-A "):
			name, rule, _ := strings.Cut(line[len("-A "):], " ")
			current.Chains[name] = append(current.Chains[name], rule)
		}
	}
	return d
}

func (t *Table) declare(name string) {
	if _, ok := t.Chains[name]; !ok {
		t.Chains[name] = []string{}
		t.order = append(t.order, name)
	}
}

// Has says whether there is a chain.
func (t *Table) Has(chain string) bool {
	_, ok := t.Chains[chain]
	return ok
}

// A Reference is a rule that leads to a chain.
type Reference struct {
	chain string // where the rule stands
	rule  string
	index int
}

// Led lists the rules that lead to each chain of vpnd's own.
func (t *Table) Led() map[string][]Reference { return t.references(t.order) }

// references lists the rules of the chains in that lead to each one of vpnd's own.
func (t *Table) references(in []string) map[string][]Reference {
	found := make(map[string][]Reference)
	for _, chain := range in {
		for i, rule := range t.Chains[chain] {
			// Most rules don't even hold such a name, and taking words apart is dear.
			if !strings.Contains(rule, syntax.Prefix) {
				continue
			}
			if to := syntax.Target(rule); syntax.Own(to) {
				found[to] = append(found[to], Reference{chain: chain, rule: rule, index: i})
			}
		}
	}
	return found
}

// Rules counts the rules of all tables.
func (d Dump) Rules() int {
	n := 0
	for _, t := range d {
		for _, rules := range t.Chains {
			n += len(rules)
		}
	}
	return n
}
