package resource

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestIDIsReadAsItIsWritten(t *testing.T) {
	for _, id := range []ID{
		{"tun", "tun0"},
		{"sysctl", "net.ipv4.ip_forward"},
		{"chain", "ip/filter/VPND-X"},
		{"file", `/odd "name" [with] \ all.of.it`},
	} {
		got, err := ParseID(id.String())
		if err != nil || got != id {
			t.Errorf("ParseID(%s) = %v, %v", id, got, err)
		}
	}
	for _, bad := range []string{"", "tun", "tun.", ".x", `tun["x"`, `tun["x"]y`, "tun.a.b", "tun[x]"} {
		if id, err := ParseID(bad); err == nil {
			t.Errorf("ParseID(%q) = %v, want an error", bad, id)
		}
	}
}

func TestDurationIsReadAsItIsWritten(t *testing.T) {
	for in, want := range map[string]string{"90d": "90d", "12h": "12h", "1h30m": "90m", "2w": "14d", "0s": "0s", "1d1s": "86401s"} {
		d, err := ParseDuration(in)
		if err != nil || d.String() != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %s", in, d, err, want)
		}
	}
	for _, bad := range []string{"", "d", "90", "-1d", "1y", "1.5h", "99999999999999999999d", "2147483647w2147483647w"} {
		if d, err := ParseDuration(bad); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", bad, d)
		}
	}
}

type shape struct {
	Text   *string           `vpnd:"text,text"`
	Number *int              `vpnd:"number"`
	Secret *Secret           `vpnd:"secret"`
	Mode   *Mode             `vpnd:"mode"`
	List   []netip.Prefix    `vpnd:"list"`
	Labels map[string]string `vpnd:"labels"`
	Parts  []part            `vpnd:"part,block"`
	Hint   *string           `vpnd:"hint,hint"`
}

type part struct {
	Name string  `vpnd:"name,label"`
	Text *string `vpnd:"text"`
}

func full() *shape {
	return &shape{
		Text:   Ptr("a\nb\xff"),
		Number: Ptr(7),
		Secret: NewSecret("hush"),
		Mode:   Ptr(Mode(0o600)),
		List:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Labels: map[string]string{"a": "b"},
		Parts:  []part{{Name: "one", Text: Ptr("1")}},
		Hint:   Ptr("h"),
	}
}

func TestCompareLeavesOutWhatTheWishLeavesOut(t *testing.T) {
	if diffs := Compare(full(), &shape{}); len(diffs) != 0 {
		t.Errorf("an empty wish differs: %v", diffs)
	}
	want := &shape{Number: Ptr(8), List: []netip.Prefix{}, Hint: Ptr("other")}
	if got := told(Compare(full(), want)); got != "number: 7 → 8; list: [10.0.0.0/8] → []" {
		t.Error(got)
	}
}

func told(diffs []Diff) string {
	words := make([]string, len(diffs))
	for i, d := range diffs {
		words[i] = fmt.Sprintf("%s: %s → %s", d.Attribute, d.Before, d.After)
	}
	return strings.Join(words, "; ")
}

func TestNestedBlocksDifferByAttribute(t *testing.T) {
	parts := func(pairs ...string) *shape {
		s := &shape{Parts: []part{}}
		for i := 0; i < len(pairs); i += 2 {
			s.Parts = append(s.Parts, part{Name: pairs[i], Text: &pairs[i+1]})
		}
		return s
	}
	for _, c := range []struct {
		got, want *shape
		told      string
	}{
		{parts("a", "1", "b", "2"), parts("b", "3", "c", "4"), `part["b"].text: 2 → 3; part["c"].text:  → 4; part["a"].text: 1 → `},
		{parts("a", "1"), parts(), `part["a"].text: 1 → `},
		{nil, parts("a", "1"), `part["a"].text:  → 1`},
		// Whatever a block can't say attribute by attribute is still a difference.
		{parts("a", "1", "b", "2"), parts("b", "2", "a", "1"), `part: [{name = "a", text = "1"}, {name = "b", text = "2"}] → [{name = "b", text = "2"}, {name = "a", text = "1"}]`},
		{parts("a", "1", "a", "1"), parts("a", "1"), `part: [{name = "a", text = "1"}, {name = "a", text = "1"}] → [{name = "a", text = "1"}]`},
	} {
		var got any
		if c.got != nil {
			got = c.got
		}
		if words := told(Compare(got, c.want)); words != c.told {
			t.Errorf("got %s, want %s", words, c.told)
		}
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	diffs := Compare(full(), &shape{Secret: NewSecret("new")})
	if len(diffs) != 1 || diffs[0].Before != Masked || diffs[0].After != Masked || !diffs[0].Sensitive {
		t.Errorf("%+v", diffs)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, *NewSecret("hush")); got != Masked {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	data, err := Encode(full(), func(Secret) any { return "digest" })
	if err != nil || string(data) == "" {
		t.Fatal(err)
	}
	if want := `"secret":"digest"`; !strings.Contains(string(data), want) {
		t.Errorf("%s lacks %s", data, want)
	}
}

// A file that somebody wrote by hand may hold keys, and a plan that takes it
// over shows what is in it.
func TestKeysWithinTextAreNotShown(t *testing.T) {
	const foreign = "port 1194\n<key>\n-----BEGIN PRIVATE KEY-----\nhush1\n-----END PRIVATE KEY-----\n</key>\n" +
		"  <tls-crypt>\n-----BEGIN OpenVPN Static key V1-----\nhush2\n-----END OpenVPN Static key V1-----\n  </tls-crypt>\n" +
		"<auth-user-pass>\nme\nhush3\n</auth-user-pass>\n<cert>\n-----BEGIN CERTIFICATE-----\nopen\n-----END CERTIFICATE-----\n</cert>\n" +
		"key = \"-----BEGIN EC PRIVATE KEY-----hush4-----END EC PRIVATE KEY-----\"\nverb 3\n" +
		"-----BEGIN OPENSSH PRIVATE KEY-----\nhush5"
	const want = "port 1194\n<key>\n(sensitive)\n</key>\n  <tls-crypt>\n(sensitive)\n</tls-crypt>\n" +
		"<auth-user-pass>\n(sensitive)\n</auth-user-pass>\n<cert>\n-----BEGIN CERTIFICATE-----\nopen\n-----END CERTIFICATE-----\n</cert>\n" +
		"key = \"-----BEGIN EC PRIVATE KEY-----\n(sensitive)\n-----END EC PRIVATE KEY-----\"\nverb 3\n" +
		"-----BEGIN OPENSSH PRIVATE KEY-----\n(sensitive)\n"
	for _, d := range append(Compare(&shape{Text: Ptr(foreign)}, &shape{Text: Ptr("x")}), Compare(&shape{Parts: []part{}}, &shape{Parts: []part{{Name: "a", Text: Ptr(foreign)}}})...) {
		if got := max(d.Before, d.After, "x"); got != "x" && got != want {
			t.Errorf("%s is shown as\n%s", d.Attribute, got)
		}
		if strings.Contains(d.Before+d.After, "hush") {
			t.Errorf("%s is shown as %q and %q", d.Attribute, d.Before, d.After)
		}
	}
	if diffs := Compare(&shape{Text: Ptr(foreign)}, &shape{Text: Ptr(strings.ReplaceAll(foreign, "hush1", "hush6"))}); len(diffs) != 1 {
		t.Error("another key is no difference")
	}
}

func TestShapeSurvivesBeingWrittenDown(t *testing.T) {
	data, err := Encode(full(), Reveal)
	if err != nil {
		t.Fatal(err)
	}
	var again shape
	if err := Decode(data, &again); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	if !Equal(full(), &again) {
		t.Errorf("wrote %s, read %+v", data, again)
	}
}

func TestMapsDifferByKey(t *testing.T) {
	got := &shape{Labels: map[string]string{"same": "1", "other": "2", "gone": "3"}}
	var said []string
	for _, d := range Compare(got, &shape{Labels: map[string]string{"same": "1", "other": "4", "new": "5"}}) {
		said = append(said, fmt.Sprintf("%s %q %q", d.Attribute, d.Before, d.After))
	}
	if now := strings.Join(said, "; "); now != `labels["gone"] "3" ""; labels["new"] "" "5"; labels["other"] "2" "4"` {
		t.Error(now)
	}
	if diffs := Compare(&shape{}, &shape{Labels: map[string]string{}}); len(diffs) > 0 {
		t.Errorf("none and none differ: %+v", diffs)
	}
}
