package syntax

import (
	"regexp"
	"strings"
)

// Paste returns words of a command that people are told to run as a POSIX shell
// takes them, whatever they hold: the rules of others may have a comment with $( ).
func Paste(words ...string) string {
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

// TakeAway is the command that deletes a rule.
func TakeAway(s Spot, rule string) string {
	list, err := Words(rule)
	if err != nil {
		list = []string{rule}
	}
	return Paste(append([]string{Command[s.Family], "-t", s.Table, "-D", s.Chain}, list...)...)
}
