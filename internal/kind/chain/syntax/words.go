package syntax

import (
	"errors"
	"iter"
	"slices"
	"strings"
)

// Words splits a rule as iptables-restore does: at spaces and tabs, a
// backslash escapes within double quotes, and a closing quote ends the word.
// Single quotes mean nothing there.
func Words(rule string) ([]string, error) {
	if !strings.Contains(rule, `"`) { // nearly always, and much quicker
		return strings.FieldsFunc(rule, func(c rune) bool { return c == ' ' || c == '\t' }), nil
	}
	var list []string
	var word strings.Builder
	var open, escaped, begun bool
	end := func() {
		if begun {
			list = append(list, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, c := range []byte(rule) {
		switch {
		case open && escaped:
			word.WriteByte(c)
			escaped = false
		case open && c == '\\':
			escaped = true
		case c == '"':
			begun = true
			if open {
				end()
			}
			open = !open
		case !open && (c == ' ' || c == '\t'):
			end()
		default:
			begun = true
			word.WriteByte(c)
		}
	}
	if open {
		return nil, errors.New("a double quote is opened and not closed")
	}
	end()
	return list, nil
}

// An Option is one option of a rule and the word behind it, which is not its
// value where the option takes none.
type Option struct {
	Name  string // with its dashes, without an attached value
	Value string
}

// Options lists the options of a rule. A value may be attached, as in -ptcp
// and --dport=22.
func Options(list []string) []Option {
	var found []Option
	for i, word := range list {
		if !strings.HasPrefix(word, "-") || isText(list, i) {
			continue
		}
		o := Option{Name: word}
		name, value, attached := strings.Cut(word, "=")
		switch {
		case strings.HasPrefix(word, "--") && attached:
			o = Option{Name: name, Value: value}
		case word[1:] != "" && word[1] != '-' && len(word) > 2:
			o = Option{Name: word[:2], Value: word[2:]}
		default:
			o.Value = after(list, i)
		}
		found = append(found, o)
	}
	return found
}

// after returns the value behind the word i, its negation passed over.
func after(list []string, i int) string {
	for _, word := range list[i+1:] {
		if word != "!" {
			return word
		}
	}
	return ""
}

// free are options whose value is text and may begin with a dash.
var free = []string{"--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string"}

// isText says whether the word i is for certain the value of an option that
// takes text: that option must not itself be the value of another one.
func isText(list []string, i int) bool {
	return i > 0 && slices.Contains(free, list[i-1]) && (i == 1 || !strings.HasPrefix(list[i-2], "-"))
}

// Target returns the chain or target that a rule leads to, empty where it has
// none.
func Target(rule string) string {
	words := unquoted(rule)
	if strings.Contains(rule, `"`) {
		list, err := Words(rule)
		if err != nil {
			return ""
		}
		words = slices.Values(list)
	}
	leads := false
	for word := range words {
		if leads {
			return word
		}
		leads = word == "-j" || word == "-g" || word == "--jump" || word == "--goto"
	}
	return ""
}

// unquoted goes through the words of a rule without quotes.
func unquoted(rule string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for rest := rule; rest != ""; {
			end := 0
			for end < len(rest) && rest[end] != ' ' && rest[end] != '\t' {
				end++
			}
			if end > 0 && !yield(rest[:end]) {
				return
			}
			rest = rest[min(end+1, len(rest)):]
		}
	}
}
