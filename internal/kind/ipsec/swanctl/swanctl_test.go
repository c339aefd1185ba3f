package swanctl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawn is any section that can be rendered.
func drawn(t *rapid.T, name string, depth int) *Section {
	s := &Section{Name: name}
	word := rapid.StringMatching(`[A-Za-z0-9_-]{1,8}`).Filter(func(w string) bool { return w != Include })
	for _, key := range rapid.SliceOfNDistinct(word, 0, 4, rapid.ID[string]).Draw(t, "keys") {
		s.Set(key, rapid.OneOf(rapid.StringMatching(`[ -~]{0,20}`), rapid.String()).Filter(func(v string) bool { return !strings.Contains(v, "\x00") }).Draw(t, "value"))
	}
	if depth > 0 {
		for _, inner := range rapid.SliceOfNDistinct(word, 0, 3, rapid.ID[string]).Draw(t, "sections") {
			s.Sections = append(s.Sections, drawn(t, inner, depth-1))
		}
	}
	return s
}

func TestWhatIsRenderedIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawn(t, "", 3)
		got, err := Parse(Render(want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestHandwriting(t *testing.T) {
	got, err := Parse("# of theirs\nconnections { dc { version=2 # the new one\n  id = \"C=CH, O=\\\"x\\\"\" }\n}\nconnections\n{\n\tdc { version = 1\n proposals = a ,  b } }\ninclude conf.d/*.x\n")
	if err != nil {
		t.Fatal(err)
	}
	want := &Section{Settings: []Setting{{Include, "conf.d/*.x"}}, Sections: []*Section{{Name: "connections", Sections: []*Section{{
		Name: "dc", Settings: []Setting{{"version", "1"}, {"id", `C=CH, O="x"`}, {"proposals", "a , b"}},
	}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"a {":                      "line 1: the section a has no end",
		"\n}":                      "line 2: a brace ends",
		"a = \"b\n":                "a quote has no end",
		"a b":                      "neither = nor {",
		"a : b {}":                 "refers to others",
		"= 1":                      "begins nothing",
		"a = { }":                  "a brace stands in a value",
		strings.Repeat("a { ", 99): "too deep",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
