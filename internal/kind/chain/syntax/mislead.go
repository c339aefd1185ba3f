package syntax

import (
	"slices"
	"strings"
)

// Misleading says whether the texts of iptables-save keep quiet about something
// that a rule says: a negation, or an option of an extension. That a rule whose
// text makes other bytes says the same otherwise is taken for granted: a mask of
// all bits that is printed, a range told from its other end.
func Misleading(rule string, texts []string) bool {
	list, err := Words(rule)
	if err != nil {
		return true
	}
	for i, word := range list {
		if !strings.HasPrefix(word, "-") || isText(list, i) {
			continue
		}
		name, _, _ := strings.Cut(word, "=")
		negated := i > 0 && list[i-1] == "!"
		if !negated && slices.ContainsFunc(plain, func(names []string) bool { return slices.Contains(names, name) }) {
			continue
		}
		if !slices.ContainsFunc(texts, func(text string) bool { return mentions(text, name, negated) }) {
			return true
		}
	}
	return false
}

// plain are the options of iptables itself, with their other names. A value that
// stands for all (-i +, -p all) is what a rule without the option has.
var plain = [][]string{
	{"-p", "--protocol", "--proto"},
	{"-s", "--source", "--src"},
	{"-d", "--destination", "--dst"},
	{"-i", "--in-interface"},
	{"-o", "--out-interface"},
	{"-f", "--fragment"},
	{"-m", "--match"},
	{"-j", "--jump"},
	{"-g", "--goto"},
}

// aliases are other names of options of extensions that people negate.
var aliases = map[string]string{"--source-port": "--sport", "--destination-port": "--dport", "--source-ports": "--sports", "--destination-ports": "--dports"}

// mentions says whether a text has an option, by the name that iptables-save
// gives it.
func mentions(text, name string, negated bool) bool {
	for _, names := range plain {
		if negated && slices.Contains(names, name) {
			return strings.Contains(text, "! "+names[0]+" ")
		}
	}
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	return strings.Contains(" "+text+" ", " "+name+" ")
}
