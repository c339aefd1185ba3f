package syntax

import (
	"reflect"
	"testing"
)

func TestWordsAndOptionsOfARule(t *testing.T) {
	for _, c := range []struct {
		rule    string
		words   []string // nil: refused
		options []Option
		target  string
	}{
		{"-p tcp\t--dport=22  -j ACCEPT", []string{"-p", "tcp", "--dport=22", "-j", "ACCEPT"}, []Option{{"-p", "tcp"}, {"--dport", "22"}, {"-j", "ACCEPT"}}, "ACCEPT"},
		{"-ptcp ! -s 10.0.0.0/8", []string{"-ptcp", "!", "-s", "10.0.0.0/8"}, []Option{{"-p", "tcp"}, {"-s", "10.0.0.0/8"}}, ""},
		{`-m comment --comment "a \"b\" -j X" --goto VPND-A`, []string{"-m", "comment", "--comment", `a "b" -j X`, "--goto", "VPND-A"}, []Option{{"-m", "comment"}, {"--comment", `a "b" -j X`}, {"--goto", "VPND-A"}}, "VPND-A"},
		{`--comment "-j X" -j DROP`, []string{"--comment", "-j X", "-j", "DROP"}, []Option{{"--comment", "-j X"}, {"-j", "DROP"}}, "DROP"},
		{`--comment ""`, []string{"--comment", ""}, []Option{{"--comment", ""}}, ""},
		{`--comment "a`, nil, nil, ""},
	} {
		words, err := Words(c.rule)
		if !reflect.DeepEqual(words, c.words) || (err == nil) != (c.words != nil) {
			t.Errorf("%s: words %q, %v", c.rule, words, err)
		}
		if options := Options(words); !reflect.DeepEqual(options, c.options) {
			t.Errorf("%s: options %q", c.rule, options)
		}
		if to := Target(c.rule); to != c.target {
			t.Errorf("%s: leads to %q", c.rule, to)
		}
	}
}

func TestWhatIptablesSaveKeepsQuietAbout(t *testing.T) {
	for _, c := range []struct {
		rule, prints string
		want         bool
	}{
		{"-p tcp -m tcp ! --dport : -j ACCEPT", "-p tcp -m tcp -j ACCEPT", true},
		{"-p tcp -m tcp --dport 22 -j ACCEPT", "-p tcp -m tcp --dport 22 -j ACCEPT", false},
		{"-p tcp --destination-port 22", "-p tcp -m tcp --dport 22", false},
		{"-i + -p all -j DROP", "-j DROP", false},
		{"! -i + -j DROP", "-j DROP", true},
		{"! -i eth0 -j DROP", "! -i eth0 -j DROP", false},
		{`-m comment --comment "--x"`, `-m comment --comment --x`, false},
	} {
		if got := Misleading(c.rule, []string{c.prints}); got != c.want {
			t.Errorf("%s is printed as %s: %v", c.rule, c.prints, got)
		}
	}
}
