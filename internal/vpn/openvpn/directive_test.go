package openvpn

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource/resourcetest"
	"vpnd/internal/vpn/mistakes"
)

// Whatever is written as an argument, OpenVPN reads as that argument.
func TestArgumentsStayAsTheyAre(t *testing.T) {
	text := rapid.StringOfN(rapid.OneOf(rapid.SampledFrom([]rune(`"'\#; <>,-`)), rapid.Rune().Filter(func(r rune) bool { return !mistakes.HasControl(string(r)) })), 0, 12, 60)
	resourcetest.Repeatable()
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SliceOfN(text, 0, 3).Draw(t, "arguments")
		var d directives
		d.add("push", args...)
		line := strings.TrimSuffix(d.text(""), "\n")
		got, err := openvpn.Words(line)
		if want := append([]string{"push"}, args...); err != nil && len(line) <= openvpn.LineSize || err == nil && !slices.Equal(got, want) {
			t.Fatalf("%q is read as %q, %v", line, got, err)
		}
	})
}
