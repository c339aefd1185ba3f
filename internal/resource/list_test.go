package resource

import (
	"slices"
	"testing"
)

func TestItemsAreReadBack(t *testing.T) {
	for _, items := range [][]string{{}, {"a"}, {"-s 10.0.0.0/8 -j ACCEPT", `--log-prefix "a, b]"`, "", "two\nlines"}} {
		got, ok := Items(List(items))
		if !ok || !slices.Equal(got, items) {
			t.Errorf("%q became %q, %v", items, got, ok)
		}
	}
	type listed struct {
		List []string `vpnd:"list"`
	}
	if d := Compare(nil, &listed{List: []string{"x", `"y"`}}); d[0].After != List([]string{"x", `"y"`}) {
		t.Errorf("a diff writes %s", d[0].After)
	}
	for _, text := range []string{"", "a", "[", `["a"`, `["a",]`, `["a", ]`, `["a" "b"]`, `["a"…`, "[10.0.0.0/8]", `…["a"]`, `["a"]]`} {
		if got, ok := Items(text); ok {
			t.Errorf("%s passes for %q", text, got)
		}
	}
}
