package memory

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"vpnd/internal/kind/chain/syntax"
)

// What was proved is known as long as nothing it depends on has changed, in the words
// of the user and in those of the answer.
func TestProofsAreKnownInBothWordings(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "cache")
	spot := syntax.Spot{Family: "ip", Table: "filter", Chain: "VPND-A"}
	frames := [2]string{"as asked", "as answered"}
	open := func(setting, frame string) *Proofs { return OpenProofs(directory, "ip", "nft", setting, frame) }
	if open("host", frames[0]).Valid {
		t.Error("nothing is known yet")
	}
	proofs := map[string]Proof{
		"-p 6 -j DROP":                {Texts: []string{"-p tcp -j DROP"}},
		"-j ACCEPT":                   {Texts: []string{"-j ACCEPT"}},
		"-s 10.0.0.1,10.0.0.2":        {Texts: []string{"-s 10.0.0.1/32", "-s 10.0.0.2/32"}},
		"-p esp -m esp ! --espspi :":  {Texts: []string{"-p esp -m esp"}, Print: "0123"},
		`-m comment --comment "a  b"`: {Texts: []string{`-m comment --comment "a  b"`}, Print: "4567"},
	}
	chain := Proved{Spot: spot}
	for words, p := range proofs {
		chain.Rules, chain.Proofs = append(chain.Rules, words), append(chain.Proofs, p)
	}
	open("host", frames[0]).Keep(frames, []Proved{chain})
	proofs["-p tcp -j DROP"] = Proof{Texts: []string{"-p tcp -j DROP"}}
	proofs["-s 10.0.0.2/32"] = Proof{Texts: []string{"-s 10.0.0.2/32"}}
	for _, frame := range frames {
		known := open("host", frame)
		for words, want := range proofs {
			if got, ok := known.Of(spot, words); !ok || !known.Valid || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, %v; want %+v", words, got, ok, want)
			}
		}
		if _, ok := known.Of(spot, "-p esp -m esp"); ok {
			t.Error("what is printed is another rule, of which nothing was proved")
		}
		if _, ok := known.Of(syntax.Spot{Family: "ip", Table: "nat", Chain: "VPND-A"}, "-j ACCEPT"); ok {
			t.Error("known in another table")
		}
	}
	if open("another host", frames[0]).Valid || open("host", "another").Valid {
		t.Error("known where something else is so")
	}
}

// A file that is cut short or written over is as good as none.
func TestDamageIsNotBelieved(t *testing.T) {
	directory := t.TempDir()
	told := OpenWordings(directory, "ip", "nft")
	if got, err := told.Learn("-p esp", "01", "-p 50"); got != "-p 50" || err != nil {
		t.Fatal(got, err)
	}
	file := filepath.Join(directory, "words-ip-nft")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data string
		want string // how the rule is told that is learnt once more
	}{
		{string(whole), "-p 50"},
		{string(whole[:len(whole)-2]), "-p new"},
		{string(whole) + "x", "-p new"},
		{"", "-p new"},
	} {
		if err := os.WriteFile(file, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := OpenWordings(directory, "ip", "nft").Learn("-p esp", "01", "-p new"); got != c.want || err != nil {
			t.Errorf("%q: %q, %v", c.data, got, err)
		}
	}
	if _, err := OpenWordings("", "ip", "nft").Learn("-p esp", "01", "-p 50"); err == nil {
		t.Error("what must be remembered was taken, and is not")
	}
}
