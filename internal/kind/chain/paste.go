package chain

import (
	"regexp"
	"strings"
)

// paste returns words of a command that people are told to run as a POSIX shell
// takes them, whatever they hold: the rules of others may have a comment with $( ).
func paste(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if !harmless.MatchString(word) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// harmless are words that mean nothing to a shell, with the negation of iptables.
var harmless = regexp.MustCompile(`^(!|[A-Za-z0-9_./:,=@%+-]+)$`)

// takeAway is the command that deletes a rule.
func takeAway(s spot, rule string) string {
	list, err := words(rule)
	if err != nil {
		list = []string{rule}
	}
	return paste(append([]string{command[s.family], "-t", s.table, "-D", s.chain}, list...)...)
}
