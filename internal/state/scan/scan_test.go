package scan

import (
	"encoding/json"
	"maps"
	"testing"
)

// What it takes, encoding/json takes too, and finds the same in it.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":"b"}`, `{"a":[1,-2.5e3,true,null,"x\"y\\z"],"b":{"c":{}}}`, `{"a":tru}`, `{"a":1,}`, `{"a" :1}`, `{"a":"\u00e9ü"}`,
		`{"a":"` + "\x01" + `"}`, `{"a":01}`, `{"a":"\x"}`, `{"a":"`, `[`, ``, `{"a":1}x`, `{"a":}`, `{"a":-}`, `{"a":{"\`, `{,}`, "{\"a\":\"\xff\"}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := make(map[string]string)
		twice := false
		s := Of(text)
		s.Object(func(key string) {
			_, known := found[key]
			twice = twice || known
			found[key] = s.Raw()
		})
		if !s.Done() {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q was taken: %v", text, err)
		}
		is := make(map[string]string)
		for key, value := range want {
			is[key] = string(value)
		}
		if !twice && !maps.Equal(is, found) {
			t.Errorf("%q: %q instead of %q", text, found, is)
		}
	})
}

func TestValuesAreRead(t *testing.T) {
	s := Of(`{"text":"a\"b","yes":true,"no":false,"list":["x","y"],"other":{"deep":[1,{}]}}`)
	var text, other string
	var yes, no bool
	var list []string
	s.Object(func(key string) {
		switch key {
		case "text":
			text = s.Text()
		case "yes":
			yes = s.Bool()
		case "no":
			no = s.Bool()
		case "list":
			s.Array(func() { list = append(list, s.Text()) })
		default:
			other = s.Raw()
		}
	})
	if !s.Done() || text != `a"b` || !yes || no || len(list) != 2 || list[1] != "y" || other != `{"deep":[1,{}]}` {
		t.Errorf("%v: %q, %v, %v, %q, %q", s.Done(), text, yes, no, list, other)
	}
}
