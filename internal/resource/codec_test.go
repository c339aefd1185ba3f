package resource

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What is taken apart here is what encoding/json makes of it, and nothing else is taken.
func TestTextsAreThoseThatJSONHas(t *testing.T) {
	for text, taken := range map[string]bool{
		`{"a":"b"}`:                     true,
		`{"a":"b","c":"","":"d e:,{}"}`: true,
		`{"a":"b","a":"c"}`:             true,
		`{}`:                            false,
		`{"a":1}`:                       false,
		`{"a":{"b":"c"}}`:               false,
		`{"a":["b"]}`:                   false,
		`{"a":null}`:                    false,
		`{"a":"\u0062"}`:                false,
		`{"a\n":"b"}`:                   false,
		`{"a":"é"}`:                     false,
		`{"a": "b"}`:                    false,
		`{"a":"b",}`:                    false,
		`{"a":"b" "c":"d"}`:             false,
		`{"a":"b";"c":"d"}`:             false,
		`{"a""b"}`:                      false,
		`{"a":"b"`:                      false,
		`{"a":"b}`:                      false,
		`{,"a":"b"}`:                    false,
		`"a":"b"`:                       false,
		`{"a":"b""c":"d"}`:              false,
		``:                              false,
	} {
		got := texts(json.RawMessage(text))
		if (got != nil) != taken {
			t.Errorf("%s is taken apart into %s", text, got)
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); got != nil && (err != nil || !reflect.DeepEqual(got, want)) {
			t.Errorf("%s is %s and not %s (%v)", text, want, got, err)
		}
	}
}

// What no JSON has is an error as before, whatever stands there by habit.
func TestWhatIsNoValueIsAnError(t *testing.T) {
	type inner struct {
		Name string `vpnd:"name"`
	}
	type shape struct {
		Is    *bool    `vpnd:"is"`
		All   []string `vpnd:"all"`
		Inner *inner   `vpnd:"inner,block"`
	}
	var got shape
	if err := Decode([]byte(`{"is":true,"all":[],"inner":{"name":"x"}}`), &got); err != nil || !*got.Is || got.All == nil || got.Inner.Name != "x" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{`{"is":"true"}`, `{"is":1}`, `{"all":{}}`, `{"all":"[]"}`, `{"inner":[]}`, `{"inner":{"name":7}}`, `{"inner":"x"}`} {
		if err := Decode([]byte(text), new(shape)); err == nil {
			t.Errorf("%s is read", text)
		}
	}
}
