package chain

import "strings"

// A dump is what iptables-save prints, by table.
type dump map[string]*table

// A table holds its chains, each with its rules in order, as text without -A
// and the chain.
type table struct {
	chains map[string][]string
	order  []string // of the chains
	opaque bool     // holds what iptables can't show, so the rest says nothing
	err    error    // why it can't be read at all
	told   bool     // rules of vpnd's own are in the words that made them

	policies map[string]string // of the built-in chains
	barriers map[string]int    // see [table.barrier]; found out when asked for
	lanes    map[lane][]string // see [table.standing]; likewise
}

func (d dump) table(name string) *table {
	if d[name] == nil {
		d[name] = &table{chains: make(map[string][]string), policies: make(map[string]string), barriers: make(map[string]int), lanes: make(map[lane][]string)}
	}
	return d[name]
}

// parseDump reads the output of iptables-save.
func parseDump(text string) dump {
	d := make(dump)
	var current *table
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "*"):
			current = d.table(line[1:])
		case strings.HasPrefix(line, "# Table `"):
			// "# Table `filter' is incompatible, use 'nft' tool."
			name, rest, _ := strings.Cut(strings.TrimPrefix(line, "# Table `"), "'")
			d.table(name).opaque = strings.Contains(rest, "is incompatible")
		case current == nil:
		case strings.HasPrefix(line, ":"):
			name, rest, _ := strings.Cut(line[1:], " ")
			current.declare(name)
			current.policies[name], _, _ = strings.Cut(rest, " ")
		case strings.HasPrefix(line, "-A "):
			name, rule, _ := strings.Cut(line[len("-A "):], " ")
			current.chains[name] = append(current.chains[name], rule)
		}
	}
	return d
}

func (t *table) declare(name string) {
	if _, ok := t.chains[name]; !ok {
		t.chains[name] = []string{}
		t.order = append(t.order, name)
	}
}

func (t *table) has(chain string) bool {
	_, ok := t.chains[chain]
	return ok
}

// A reference is a rule that leads to a chain.
type reference struct {
	chain string // where the rule stands
	rule  string
	index int
}

// references lists the rules of the chains in that lead to another one.
func (t *table) references(to string, in []string) []reference {
	var found []reference
	for _, chain := range in {
		for i, rule := range t.chains[chain] {
			// Most rules don't even hold the name, and taking words apart is dear.
			if strings.Contains(rule, to) && target(rule) == to {
				found = append(found, reference{chain: chain, rule: rule, index: i})
			}
		}
	}
	return found
}

// led lists the rules that lead to each chain of vpnd's own.
func (t *table) led() map[string][]reference {
	found := make(map[string][]reference)
	for _, chain := range t.order {
		for i, rule := range t.chains[chain] {
			// Most rules don't even hold such a name, and taking words apart is dear.
			if !strings.Contains(rule, prefix) {
				continue
			}
			if to := target(rule); own(to) {
				found[to] = append(found[to], reference{chain: chain, rule: rule, index: i})
			}
		}
	}
	return found
}
