package resource

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
)

// odd is a shape with all that a shape may hold.
type odd struct {
	Text    *string           `vpnd:"text"`
	Yes     *bool             `vpnd:"yes"`
	Number  *int              `vpnd:"number"`
	Long    *Duration         `vpnd:"long"`
	Mode    *Mode             `vpnd:"mode"`
	Words   []string          `vpnd:"words"`
	Secret  *Secret           `vpnd:"secret"`
	Secrets []Secret          `vpnd:"secrets"`
	Map     map[string]string `vpnd:"map"`
	Nested  *oddBlock         `vpnd:"nested,block"`
	Blocks  []oddBlock        `vpnd:"block,block"`
	Place   netip.Prefix      `vpnd:"place"`
}

type oddBlock struct {
	Name  string  `vpnd:",label"`
	Zebra *string `vpnd:"zebra"`
	Alpha *int    `vpnd:"alpha"`
	Deep  []odd   `vpnd:"deep,block"`
}

// What is appended is what encoding/json writes: records of earlier versions are
// compared with it byte by byte.
func TestAppendedIsMarshalled(t *testing.T) {
	texts := []string{"", "plain", `quotes " and \ and /`, "<&>", "ü\u2028", "\x00\n\t\x7f", "no utf8 \xff"}
	for i, text := range texts {
		block := oddBlock{Name: text, Zebra: &text, Alpha: &i, Deep: []odd{{Text: &text, Words: texts}}}
		for _, shape := range []*odd{
			{},
			{Words: []string{}, Map: map[string]string{}, Blocks: []oddBlock{}},
			{
				Text: &text, Yes: Ptr(i%2 == 0), Number: Ptr(-i), Long: Ptr(Duration(i) * Day), Mode: Ptr(Mode(0o4755)), Words: texts[:i], Secret: NewSecret(text), Secrets: []Secret{*NewSecret(text)},
				Map: map[string]string{text: text, "b": "c"}, Nested: &block, Blocks: []oddBlock{{}, block}, Place: netip.MustParsePrefix("10.0.0.0/8"),
			},
		} {
			for _, seal := range []func(Secret) any{Reveal, func(Secret) any { return "sealed" }} {
				want, err := EncodeEach(shape, seal)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				err = EncodeInOrder(shape, seal, func(f Field, value []byte) {
					names = append(names, key(f))
					if string(value) != string(want[key(f)]) {
						t.Errorf("%s of %q: %s instead of %s", f.Name, text, value, want[key(f)])
					}
				})
				if err != nil || !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
					t.Errorf("%q, %v", names, err)
				}
			}
		}
	}
}
