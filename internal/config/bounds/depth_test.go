package bounds

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"
)

// What the glance at bytes lets pass, the look at tokens lets pass as well.
func TestGlanceIsNoLaxer(t *testing.T) {
	words := []string{
		"a", "for", "if", "1", "1e9", "\n", " ", ",", "=", "(", ")", "[", "]", "{", "}", `"`, `"x"`, `"${`, `}"`, "${", "}${", "$", "%", "$${", "%{", "%{ if a }", "%{ endif }",
		"-", "!", "+", "*", ".", "[0]", "&&", "||", "? 1 :", "<", "<=", "<<E\n", "E\n", "# x\n", "#", "// \"\n", "/", "/*", "*/", "\\", "{ for", "{\nfor a in b :", "{ # x\n", "~",
	}
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 8).Draw(t, "parts") {
			part := strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 4).Draw(t, "words"), "")
			b.WriteString(strings.Repeat(part, rapid.SampledFrom([]int{1, 1, 2, 150, 250, 600, 1100}).Draw(t, "times")))
		}
		if !plainlyModest([]byte(b.String())) {
			return
		}
		passed++
		tokens, _ := hclsyntax.LexConfig([]byte(b.String()), "a.hcl", hcl.InitialPos)
		if d := Expression(tokens); d != nil {
			t.Errorf("%s: %s", d.Subject, d.Summary)
		}
	})
	if passed == 0 {
		t.Error("nothing passed, so nothing was compared")
	}
}

// People's files pass at a glance.
func TestGlance(t *testing.T) {
	for text, want := range map[string]bool{
		"tun \"tun0\" {\n  mtu = 1400 # bytes - or so\n}\n":                                    true,
		"locals { a = \"${local.b}-${\"${local.c}\"}.\" }\n":                                   true,
		"chain \"a\" {\n  rules = [\n" + strings.Repeat("\"-s 10.0.0.0/8\",\n", 9999) + "]\n}": true,
		"locals {\n" + strings.Repeat("a = 1 - 1\n", 9999) + "}\n":                             true,
		"file \"a\" {\n  content = <<E\nx\nE\n}\n":                                             false,
		"locals {\n  a = (" + strings.Repeat("-\n", 1001) + "1)\n}\n":                          false,
		"locals {\n  a = {for x in y : x => (" + strings.Repeat("1\n+", 1001) + "1)}}":         false,
	} {
		if got := plainlyModest([]byte(text)); got != want {
			t.Errorf("%t: %.80s", got, text)
		}
	}
}
