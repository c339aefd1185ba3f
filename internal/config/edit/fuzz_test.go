package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// seeds are files of every shape.
var seeds = []string{
	"pki \"office\" {\n  client \"alice\" {}\n}\n",
	"\xef\xbb\xbfpki \"office\" {\r\n\tclient \"alice\" { revoked = false }\r\n}\r\n",
	"pki \"office\" { key = \"ed25519\" }",
	"pki office {\n  client alice {} /* she,\n  who */ # and\n}\n# end",
	"pki \"office\" {\n  x = <<E\n client \"alice\" {}\nE\n}\n",
	"pki \"office\" {\n  client \"alice\" {\n    validity = \"9d\"\n  } // last\n}",
	"a { b = \"${c}\" }\npki \"office\" {}",
	"pki \"office\" {\n  client \"alice\" {}\n  server \"s\" {} }",
}

// FuzzNative: whatever the file, it holds afterwards what it held, word for word and in
// that order, and the block of bob beside; with alice revoked the same but for that.
func FuzzNative(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{"a.hcl", data}}
		if got, err := Add(files, client("bob")); err == nil {
			before, after := words(t, data), words(t, got.Data)
			if want := []string{"client", `"`, "bob", `"`, "{", "}"}; !differs(before, after, want) {
				t.Fatalf("%q\nbecame\n%q", data, got.Data)
			}
			if outer, was := blocks(t, got.Data), blocks(t, data); len(outer) != len(was)+1 || !slices.Contains(outer, `pki.office.client.bob`) {
				t.Fatalf("blocks %q became %q", was, outer)
			}
		}
		if got, err := Set(files, client("alice"), Attribute{Name: "revoked", Value: true}); err == nil {
			before, after := words(t, data), words(t, got.Data)
			if !differs(before, after, []string{"revoked", "=", "true"}) && !replaced(before, after) {
				t.Fatalf("%q\nbecame\n%q", data, got.Data)
			}
			if outer, was := blocks(t, got.Data), blocks(t, data); !slices.Equal(outer, was) {
				t.Fatalf("blocks %q became %q", was, outer)
			}
		}
	})
}

// words are what a file says, comments too, without the space between.
func words(t *testing.T, data []byte) []string {
	tokens, _ := hclsyntax.LexConfig(bytes.TrimPrefix(data, mark), "a.hcl", hcl.InitialPos)
	var all []string
	for _, token := range tokens {
		if text := strings.TrimSpace(string(token.Bytes)); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// differs says whether after is before with some words inserted in one place.
func differs(before, after, inserted []string) bool {
	if len(after) != len(before)+len(inserted) {
		return false
	}
	for at := range len(before) + 1 {
		if slices.Equal(before[:at], after[:at]) && slices.Equal(after[at:at+len(inserted)], inserted) && slices.Equal(after[at+len(inserted):], before[at:]) {
			return true
		}
	}
	return false
}

// replaced says whether one word became true.
func replaced(before, after []string) bool {
	if len(before) != len(after) {
		return false
	}
	n := 0
	for i := range before {
		if before[i] != after[i] {
			n++
			if after[i] != "true" {
				return false
			}
		}
	}
	return n <= 1
}

// blocks are the blocks of a file by their way there.
func blocks(t *testing.T, data []byte) []string {
	file, err := parseNative(File{"a.hcl", data})
	if err != nil {
		t.Fatalf("it can't be read any more: %v\n%q", err, data)
	}
	var all []string
	var walk func(in string, body *hclsyntax.Body)
	walk = func(in string, body *hclsyntax.Body) {
		for _, b := range body.Blocks {
			name := strings.TrimPrefix(in+"."+strings.Join(append([]string{b.Type}, b.Labels...), "."), ".")
			all = append(all, name)
			walk(name, b.Body)
		}
	}
	walk("", file.body)
	slices.Sort(all)
	return all
}

// FuzzJSON: the same of a file in JSON, compared as values.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"pki": {"office": {"client": {"alice": {}}}}}`,
		"{\n  \"pki\": {\n    \"office\": {}\n  }\n}",
		`[{"pki": [{"office": {"client": [{"alice": {"revoked": false}}]}}]}]`,
		"\xef\xbb\xbf{\"pki\":{\"office\":{\"client\":{}}}}",
		`{"//": "a", "pki": {"home": {}, "office": {"key": "\u0065d"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{"a.hcl.json", data}}
		if got, err := Add(files, client("bob")); err == nil {
			inserts(t, data, got.Data)
		}
		if got, err := Set(files, client("alice"), Attribute{Name: "revoked", Value: true}); err == nil {
			value(t, got.Data)
		}
	})
}

func value(t *testing.T, data []byte) any {
	var v any
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, mark)))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("it can't be read any more: %v\n%q", err, data)
	}
	return v
}

// inserts wants text inserted in one place, and bob to be there alone by it.
func inserts(t *testing.T, before, after []byte) {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	if gone := strings.TrimSpace(string(before[head : len(before)-tail])); gone != "" {
		t.Fatalf("%q is gone from\n%q\nin\n%q", gone, before, after)
	}
	was, is := count(value(t, before)), count(value(t, after))
	if is["bob"] != was["bob"]+1 {
		t.Fatalf("%q\nbecame\n%q", before, after)
	}
	delete(was, "bob")
	delete(is, "bob")
	if was["client"] < is["client"] {
		is["client"]-- // who is the first brings the key
	}
	if is["client"] == 0 {
		delete(is, "client")
	}
	if !reflect.DeepEqual(was, is) {
		t.Fatalf("%v became %v:\n%q\n%q", was, is, before, after)
	}
}

// count is how often each key and each plain value is in a value.
func count(v any) map[string]int {
	all := make(map[string]int)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				all[key]++
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		default:
			all[fmt.Sprintf("=%v", v)]++
		}
	}
	walk(v)
	return all
}
