package object

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWhatRulesName(t *testing.T) {
	rules := []string{
		`-m set --match-set people src -m set ! --match-set "odd name" dst -j ACCEPT`,
		"-j SET --add-set people src",
		"-m comment --comment --match-set -j DROP",
	}
	if got := valuesOf(rules, "-set", setOptions...); !slices.Equal(got, []string{"odd name", "people"}) {
		t.Errorf("got %q", got)
	}
	if got := valuesOf(rules, "nothing", setOptions...); got != nil {
		t.Errorf("without the hint: %q", got)
	}
}

// An estimator is made where others measure; who makes his own needs none, and one
// that nobody has is for iptables to miss.
func TestEstimatorsOfOthers(t *testing.T) {
	saved := func() string {
		return "*mangle\n-A FORWARD -j RATEEST --rateest-name wire --rateest-interval 250ms\n-A FORWARD -j RATEEST --rateest-name \"two words\"\nCOMMIT\n"
	}
	for _, c := range []struct {
		rules string
		want  []Object
	}{
		{"-m rateest --rateest wire --rateest-gt", []Object{estimator{"wire"}}},
		{"-m rateest --rateest1 wire --rateest-lt --rateest2 air", []Object{estimator{"wire"}}},
		{"-m rateest --rateest wire --rateest-gt\n-j RATEEST --rateest-name wire", nil},
		{`-m rateest --rateest "two words" --rateest-gt`, nil},
		{"-j ACCEPT", nil},
	} {
		if got := estimatorsOf(strings.Split(c.rules, "\n"), saved); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.rules, got, c.want)
		}
	}
	var input string
	no := errors.New("no")
	err := estimator{"wire"}.Make(func(text string) error { input = text; return no })
	if !errors.Is(err, no) || !strings.Contains(input, "-j RATEEST --rateest-name wire ") {
		t.Errorf("%v of %s", err, input)
	}
}
