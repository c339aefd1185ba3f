package syntax

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Problem is one thing wrong with a rule.
type Problem struct{ What, Hint string }

// Limits of iptables: a line of a restore is read into 10240 bytes and a word
// into 1024; older versions take the rest of a longer line for another line.
const (
	maxRule    = 8192
	maxWord    = 1023
	maxComment = 255 // bytes; the rest is cut silently
	maxLink    = 15  // bytes; the rest is cut silently
)

// Examine looks at one rule. A rule must never become another command: it goes
// into the input of iptables-restore behind "-A CHAIN ".
func Examine(family, rule string) []Problem {
	if strings.TrimSpace(rule) == "" {
		return []Problem{{"is empty", "write what to match and -j, or leave the rule out"}}
	}
	if strings.ContainsFunc(rule, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return []Problem{{"holds a control character, such as the end of a line", "write each rule as one string of its own"}}
	}
	if len(rule) > maxRule {
		return []Problem{{fmt.Sprintf("is longer than %d bytes", maxRule), "split it, or match an ipset"}}
	}
	if strings.Contains(rule, "'") && singleQuote.MatchString(doubleQuoted.ReplaceAllString(rule, "")) {
		return []Problem{{"iptables-restore does not know single quotes", `write \" in their place`}}
	}
	list, err := Words(rule)
	if err != nil {
		return []Problem{{err.Error(), `close it, or write \" for a quote within quotes`}}
	}
	return slices.Concat(commands(list), values(family, list))
}

var (
	doubleQuoted = regexp.MustCompile(`"(\\.|[^"\\])*"`)
	singleQuote  = regexp.MustCompile(`(^|[ \t=])'`)
)

// short are the options with one dash that describe a packet or what becomes
// of it. The rest are commands, or change what iptables itself does: -h ends
// it with success, -M names a program to run, -4 skips the line.
const short = "psdiojgmf"

// long are the options with two dashes that a rule may not have. iptables
// takes an abbreviation of them as well.
var long = []string{
	"append", "check", "delete", "delete-chain", "exact", "flush", "help", "insert", "ipv4", "ipv6", "line-numbers", "list",
	"list-rules", "modprobe", "new-chain", "numeric", "policy", "rename-chain", "replace", "set-counters", "table",
	"verbose", "version", "wait", "wait-interval", "zero",
}

// known are options of matches that look like such an abbreviation.
var known = []string{"--set", "--pol"}

func commands(list []string) []Problem {
	var found []Problem
	for i, word := range list {
		switch {
		case len(word) > maxWord:
			found = append(found, Problem{fmt.Sprintf("a word of it is longer than %d bytes", maxWord), "shorten it"})
		case isText(list, i) || !forbidden(word):
		case i == 0:
			found = append(found, Problem{word + " is a command, not part of a rule", "write only what comes behind -A and the chain; vpnd adds those"})
		default:
			found = append(found, Problem{word + " does not belong in a rule", "a rule says what to match and what to do; the table and the chain are in the name of the block"})
		}
	}
	return found
}

func forbidden(word string) bool {
	name, isLong := strings.CutPrefix(word, "--")
	if isLong {
		name, _, _ = strings.Cut(name, "=")
		abbreviates := func(command string) bool { return strings.HasPrefix(command, name) }
		return slices.ContainsFunc(long, abbreviates) && !slices.Contains(known, "--"+name)
	}
	letters, isShort := strings.CutPrefix(word, "-")
	if !isShort {
		return false
	}
	return letters == "" || !strings.Contains(short, letters[:1]) || letters[0] == 'f' && len(letters) > 1
}

var (
	addressOptions = []string{"-s", "-d", "--source", "--src", "--destination", "--dst", "--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst", "--tunnel-src", "--tunnel-dst"}
	linkOptions    = []string{"-i", "-o", "--in-interface", "--out-interface", "--physdev-in", "--physdev-out"}
)

func values(family string, list []string) []Problem {
	var found []Problem
	for _, o := range Options(list) {
		switch {
		case slices.Contains(addressOptions, o.Name):
			for address := range strings.SplitSeq(o.Value, ",") {
				found = append(found, misaddressed(family, address)...)
			}
		case slices.Contains(linkOptions, o.Name) && len(o.Value) > maxLink:
			found = append(found, Problem{fmt.Sprintf("%q is longer than the %d bytes of an interface name", o.Value, maxLink), "shorten it; a final + stands for any ending"})
		case o.Name == "--comment" && len(o.Value) > maxComment:
			found = append(found, Problem{fmt.Sprintf("its comment is longer than %d bytes", maxComment), "shorten it; iptables would cut it silently"})
		case len(o.Name) == 2 && o.Name != "-f" && (o.Value == "" || strings.HasPrefix(o.Value, "-")):
			found = append(found, Problem{o.Name + " has no value", "write the value behind it"})
		}
	}
	return found
}

// misaddressed refuses names: they are looked up once, when the rule is made,
// and nobody notices when the answer has changed.
func misaddressed(family, address string) []Problem {
	if _, is := Command[family]; !is || numeric(family, address) {
		return nil
	}
	for other := range Command {
		if other != family && numeric(other, address) {
			return []Problem{{fmt.Sprintf("%q is no address of family %s", address, family), "write the rule in a chain of family " + other}}
		}
	}
	return []Problem{{fmt.Sprintf("%q is no address", address), "write an address or a network as CIDR; a host name would be looked up only once, when the rule is made"}}
}

const (
	ofIP4 = "0123456789."
	ofIP6 = ofIP4 + ":ABCDEFabcdef"
)

// numeric says whether a word is made as an address or a network of a family is, and
// not as a name.
func numeric(family, word string) bool {
	address, mask, masked := strings.Cut(word, "/")
	of, tells := ofIP4, address != ""
	if family == "ip6" {
		of, tells = ofIP6, strings.Contains(address, ":")
	}
	return tells && strings.Trim(address, of) == "" && (!masked || mask != "" && strings.Trim(mask, of) == "")
}
