package state

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// sundry are things of all sorts, in order.
func sundry(n int) (all []Was) {
	for i := range n {
		name := fmt.Sprintf("/etc/%06d", i)
		all = append(all, Was{
			ID: resource.ID{Kind: "file", Name: name}, Shape: json.RawMessage(`{"content":"` + name + `"}`),
			Owners: []resource.Owner{{Block: id("block"), File: "/etc/vpnd/a.hcl", Line: 7}},
			After:  []resource.ID{{Kind: "directory", Name: "/etc"}, id("package")}, Triggers: []resource.Trigger{{On: id("a"), Do: resource.Reload}},
		})
	}
	for i, name := range []string{"a<b>&c", "ein Ü", "/a<b", "/a\"b\\", "/ü", "/ ~", "quote\" and \\", "tab\t and \x01", "zz"} {
		all = append(all, Was{ID: resource.ID{Kind: "thing", Name: name}, Shape: json.RawMessage(`"x"`), Secret: i%2 == 0, Owners: []resource.Owner{{Block: id("b"), File: name}}})
	}
	all = append(all, Was{ID: id("zzz"), LineOf: "order", Lined: "hmac-sha256:x", Shape: json.RawMessage("{}")})
	slices.SortFunc(all, func(a, b Was) int { return a.ID.Compare(b.ID) })
	return all
}

func marshalled(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The fingerprint of a wish is over what package encoding/json writes of what it asks for,
// and an earlier vpnd did, secrets and long lines in the clear; in the file, what is secret
// or long stands apart.
func TestThingsAreWrittenAsJSONIs(t *testing.T) {
	s := open1(t, t.TempDir())
	long := slices.Repeat([]string{"x", "y<", "z"}, 7)
	for _, all := range [][]Was{
		nil,
		{},
		sundry(0), sundry(3000),
		{{ID: id("a")}},
		{{ID: id("a"), LineOf: "order", Line: long, Shape: json.RawMessage("{}")}},
		{{ID: id("a"), Secret: true, Shape: json.RawMessage(`{"content":"hush"}`)}, {ID: id("b"), Shape: json.RawMessage("{}"), Owners: []resource.Owner{{Block: id("x")}}}},
	} {
		asked, bare := slices.Clone(all), slices.Clone(all)
		for i := range all {
			whole, err := all[i].whole()
			if all[i].Lined != "" {
				whole, err = all[i].with(json.RawMessage(marshalled(t, all[i].Lined)))
			}
			if err != nil {
				t.Fatal(err)
			}
			asked[i] = Was{ID: all[i].ID, After: all[i].After, Triggers: all[i].Triggers, Shape: whole}
			if all[i].Line != nil {
				bare[i].Line, bare[i].Lined = nil, s.Sum([]byte(marshalled(t, long)))
			}
			if digest, err := s.digest(all[i].ID.String(), all[i].Shape); all[i].Secret && err == nil {
				bare[i].Shape = json.RawMessage(marshalled(t, digest))
			}
		}
		words, err := s.word(all)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := words.asks(&b); err != nil || b.String() != marshalled(t, asked) {
			t.Errorf("%d things: %v, %.200s\ninstead of %.200s", len(all), err, b.String(), marshalled(t, asked))
		}
		for i, line := range words.lines {
			if string(line) != marshalled(t, bare[i]) {
				t.Errorf("%s\ninstead of %s", line, marshalled(t, bare[i]))
			}
		}
	}
}

// What stands in the file in words that are known reads as what does not, wherever the two
// differ.
func TestKnownWordsReadAsOthers(t *testing.T) {
	s := open1(t, t.TempDir())
	changed := sundry(40)
	changed[3].Shape, changed[20].Owners, changed[21].Secret = json.RawMessage("1"), nil, true
	known := [][]Was{nil, sundry(0), sundry(39), sundry(40), sundry(41), sundry(3000), changed, slices.Concat(sundry(40)[10:], sundry(40)[:10])}
	for _, all := range [][]Was{sundry(40), changed, sundry(2000), known[7]} {
		data, err := encodeWish(&Wish{Present: all, Settings: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		want, err := decodeWish(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, other := range known {
			words, err := s.word(other)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decodeWish(data, words); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%d things, as %d: %v, %d things", len(all), i, err, len(got.Present))
			}
			for cut := range []int{1, 5, 300} {
				if _, err := decodeWish(data[:len(data)-1-cut], words); err == nil {
					t.Errorf("%d things, as %d: an end that was cut off is not missed", len(all), i)
				}
			}
		}
	}
}

// A wish of which something was changed since it was signed is kept as it is then.
func TestAWishIsKeptAsItIs(t *testing.T) {
	s := open1(t, t.TempDir())
	w := &Wish{Present: slices.DeleteFunc(sundry(40), func(was Was) bool { return was.Lined != "" }), Settings: []byte("{}")}
	if err := s.Sign(w); err != nil {
		t.Fatal(err)
	}
	w.Present[7].Shape = json.RawMessage(`{"content":"hush"}`)
	w.Present[7].Secret = true
	if err := s.KeepWish(w); err != nil {
		t.Fatal(err)
	}
	got, err := s.Wish()
	if err != nil {
		t.Fatal(err)
	}
	if was := got.Present[7]; string(was.Shape) != `{"content":"hush"}` || !was.Secret {
		t.Errorf("%s", was.Shape)
	}
	if data, err := os.ReadFile(s.path(wishFile)); err != nil || bytes.Contains(data, []byte("hush")) {
		t.Errorf("%v, or a secret stands in the file", err)
	}
}

// What is written of a wish is JSON, and reads back as it was, with the one before.
func TestAWishReadsBack(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	other := sundry(3000)
	other[5].Shape = json.RawMessage(`{"content":"other"}`)
	other[6].After = nil
	other = slices.Delete(other, 10, 12)
	for name, before := range map[string]*Wish{
		"none": nil, "nothing": {Settings: []byte("{}")}, "the same": {Present: sundry(3000), Fingerprint: "f"},
		"a little": {Present: other, Since: at.Add(-time.Hour), Settings: []byte(`{"a":1}`), Checks: []byte("[]"), Number: 3},
		"one less": {Present: sundry(2999)}, "much": {Present: sundry(10)}, "in no order": {Present: []Was{{ID: id("b")}, {ID: id("a")}, {ID: id("a")}}},
	} {
		for _, present := range [][]Was{nil, sundry(3000), {{ID: id("b"), Shape: json.RawMessage("{}")}, {ID: id("a")}}} {
			w := &Wish{Fingerprint: "x", Since: at, Present: present, Settings: []byte(`{"mode":"enforce"}`), Before: before, Secrets: "wish-y", Number: 7}
			data, err := encodeWish(w)
			if err != nil || !json.Valid(data) {
				t.Fatalf("%s: %v, or no JSON: %.300s", name, err, data)
			}
			for _, text := range [][]byte{data, []byte(marshalled(t, w))} { // an earlier vpnd wrote the latter
				got, err := decodeWish(text, nil)
				if err != nil || marshalled(t, got) != marshalled(t, w) {
					t.Errorf("%s: %v, %.300s\ninstead of %.300s", name, err, marshalled(t, got), marshalled(t, w))
				}
			}
		}
	}
}

// Of the wish before, only what differs is written.
func TestTheWishBeforeIsWrittenOnce(t *testing.T) {
	w := &Wish{Present: sundry(1000), Before: &Wish{Present: sundry(999)}}
	data, err := encodeWish(w)
	if n := strings.Count(string(data), "/etc/000500"); err != nil || n != 2 { // its name and its text
		t.Errorf("it stands there %d times, %v", n, err)
	}
}

// A file that was cut off or spoilt anywhere is none.
func TestASpoiltWishIsNone(t *testing.T) {
	w := &Wish{Present: sundry(3), Before: &Wish{Present: sundry(2)}, Settings: []byte("{}")}
	data, err := encodeWish(w)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(data) {
		if got, err := decodeWish(data[:i], nil); err == nil {
			t.Errorf("of %d bytes %d make %d things", len(data), i, len(got.Present))
		}
	}
	for i := range len(data) {
		spoilt := slices.Clone(data)
		spoilt[i] = '\x00'
		if _, err := decodeWish(spoilt, nil); err == nil {
			t.Errorf("byte %d is not missed: %q", i, data[max(0, i-10):min(i+10, len(data))])
		}
	}
}

// A file in which one letter of a word is another asks for no less than before: where what
// it asks for can't be found, it is none.
func TestAWishWithAnotherWordAsksForNoLess(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &Wish{Present: sundry(3), Before: &Wish{Present: sundry(2), Settings: []byte("{}")}, Settings: []byte("{}"), Since: at}
	data, err := encodeWish(w)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(data), marshalled(t, w)} {
		for _, word := range []string{"present", "differs", "id", "shape"} {
			rest := text
			for begin := 0; strings.Contains(rest, `"`+word+`":`); {
				begin += strings.Index(rest, `"`+word+`":`) + 1
				rest = text[begin:]
				spoilt := text[:begin] + string(word[0]^1) + text[begin+1:]
				if got, err := decodeWish([]byte(spoilt), nil); err == nil {
					t.Errorf("%q is read, with %d things: %.60s", spoilt[begin:begin+len(word)], len(got.Present), rest)
				}
			}
		}
	}
}

// From a list of things to another one and back: what differs says all.
func TestWhatDiffersLeadsThere(t *testing.T) {
	lists := [][]Was{sundry(0), sundry(3), sundry(40), sundry(39), sundry(41)}
	changed := sundry(40)
	changed[3].Shape, changed[20].Owners = json.RawMessage("1"), nil
	lists = append(lists, changed)
	for _, from := range lists {
		for _, to := range lists {
			d := differ(from, to)
			if d == nil {
				continue // all of it is shorter
			}
			if got := instead(from, d.Wished, d.Beyond); !reflect.DeepEqual(got, to) {
				t.Errorf("%d things instead of %d", len(got), len(to))
			}
		}
	}
}

// Whatever of a thing is another than before, the wish before has it as it was.
func TestAllOfAThingDiffers(t *testing.T) {
	for name, change := range map[string]func(*Was){
		"owners": func(w *Was) { w.Owners = nil }, "after": func(w *Was) { w.After = nil }, "triggers": func(w *Was) { w.Triggers = nil },
		"shape": func(w *Was) { w.Shape = json.RawMessage("{}") }, "secret": func(w *Was) { w.Secret = true },
		"line": func(w *Was) { w.LineOf, w.Line = "order", []string{"a"} }, "attribute of the line": func(w *Was) { w.LineOf = "rules" },
		"digest of the line": func(w *Was) { w.Lined = "hmac-sha256:y" },
	} {
		before := sundry(3)
		change(&before[1])
		d := differ(sundry(3), before)
		if d == nil || !reflect.DeepEqual(instead(sundry(3), d.Wished, d.Beyond), before) {
			t.Errorf("%s: the thing comes back as it is now", name)
		}
	}
}
