package edit

import (
	"errors"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

var office = resource.ID{Kind: "pki", Name: "office"}

func client(name string) Nested { return Nested{In: office, Type: "client", Label: name} }

// Whatever a file looks like, what is not edited stays byte for byte.
func TestEdits(t *testing.T) {
	for name, c := range map[string]struct {
		file, in       string
		add, set, fail string // what bob's block and alice's revocation make of it; what add or set says
	}{
		"plain": {
			in:  "# mine\npki \"office\" {\n  client \"alice\" {}\n\n  # the end\n}\n",
			add: "# mine\npki \"office\" {\n  client \"alice\" {}\n  client \"bob\" {}\n\n  # the end\n}\n",
			set: "# mine\npki \"office\" {\n  client \"alice\" { revoked = true }\n\n  # the end\n}\n",
		},
		"a comment behind": {
			in:  "pki \"office\" {\n  client \"alice\" {} # she\n  server \"s\" {}\n}",
			add: "pki \"office\" {\n  client \"alice\" {} # she\n  client \"bob\" {}\n  server \"s\" {}\n}",
			set: "pki \"office\" {\n  client \"alice\" { revoked = true } # she\n  server \"s\" {}\n}",
		},
		"a comment of several lines behind": {
			in:  "pki \"office\" {\n  client \"alice\" {} /* she,\n  who */\n}\n",
			add: "pki \"office\" {\n  client \"alice\" {} /* she,\n  who */\n  client \"bob\" {}\n}\n",
			set: "pki \"office\" {\n  client \"alice\" { revoked = true } /* she,\n  who */\n}\n",
		},
		"several lines, tabs": {
			in:  "pki \"office\" {\n\tclient \"alice\" {\n\t\tvalidity = \"9d\"\n\t\t# old\n\t}\n}\n",
			add: "pki \"office\" {\n\tclient \"alice\" {\n\t\tvalidity = \"9d\"\n\t\t# old\n\t}\n\tclient \"bob\" {}\n}\n",
			set: "pki \"office\" {\n\tclient \"alice\" {\n\t\tvalidity = \"9d\"\n\t\t# old\n\t\trevoked = true\n\t}\n}\n",
		},
		"one attribute on the line": {
			in:  "pki \"office\" {\n  client \"alice\" { validity = \"9d\" }\n}\n",
			add: "pki \"office\" {\n  client \"alice\" { validity = \"9d\" }\n  client \"bob\" {}\n}\n",
			set: "pki \"office\" {\n  client \"alice\" {\n    validity = \"9d\"\n    revoked = true\n  }\n}\n",
		},
		"revoked is false": {
			in:  "pki office {\n  client alice { revoked=false }\n}\n",
			add: "pki office {\n  client alice { revoked=false }\n  client \"bob\" {}\n}\n",
			set: "pki office {\n  client alice { revoked=true }\n}\n",
		},
		"nobody yet": {
			in:  "pki \"office\" {}\n",
			add: "pki \"office\" {\n  client \"bob\" {}\n}\n",
		},
		"unreadable": {
			in:   "pki \"office\" {\n  key = \"ed25519\" }\n",
			add:  "",
			fail: "Missing newline",
		},
		"of Windows": {
			in:  "\xef\xbb\xbfpki \"office\" {\r\n  client \"alice\" {}\r\n}\r\n",
			add: "\xef\xbb\xbfpki \"office\" {\r\n  client \"alice\" {}\r\n  client \"bob\" {}\r\n}\r\n",
			set: "\xef\xbb\xbfpki \"office\" {\r\n  client \"alice\" { revoked = true }\r\n}\r\n",
		},
		"dynamic inside": {
			in:   "pki \"office\" {\n  dynamic \"client\" {\n    for_each = var.people\n    labels   = [client.value]\n    content {}\n  }\n}\n",
			fail: `vpn.hcl:2: a dynamic block makes the client blocks of pki.office, from var.people; `,
		},
		"dynamic at the top": {
			in:   "dynamic \"pki\" {\n  for_each = [\"office\"]\n  labels   = [pki.value]\n  content {}\n}\n",
			fail: `vpn.hcl:1: a dynamic block makes the pki blocks, from ["office"]; write there, in its content block: client `,
		},
		"revoked is computed": {
			in:  "pki \"office\" {\n  client \"alice\" { revoked = var.gone }\n}\n",
			add: "pki \"office\" {\n  client \"alice\" { revoked = var.gone }\n  client \"bob\" {}\n}\n",
			set: "", fail: "vpn.hcl:2: revoked is computed there: var.gone; write there: revoked = true",
		},
		"elsewhere": {
			in:   "pki \"home\" {\n  client \"alice\" {}\n}\n",
			fail: "in pki.office; write it by hand: client ",
		},
		"JSON": {
			file: "vpn.hcl.json",
			in:   "{\n  \"pki\": {\n    \"office\": {\n      \"client\": {\n        \"alice\": {},\n        \"eve\": {\"revoked\": true}\n      }\n    }\n  }\n}\n",
			add:  "{\n  \"pki\": {\n    \"office\": {\n      \"client\": {\n        \"alice\": {},\n        \"eve\": {\"revoked\": true},\n        \"bob\": {}\n      }\n    }\n  }\n}\n",
			set:  "{\n  \"pki\": {\n    \"office\": {\n      \"client\": {\n        \"alice\": {\"revoked\": true},\n        \"eve\": {\"revoked\": true}\n      }\n    }\n  }\n}\n",
		},
		"JSON with lists": {
			file: "vpn.hcl.json",
			in:   `[{"pki": [{"office": {"client": [{"alice": {"revoked": false}}]}}]}]`,
			add:  `[{"pki": [{"office": {"client": [{"alice": {"revoked": false}},{"bob": {}}]}}]}]`,
			set:  `[{"pki": [{"office": {"client": [{"alice": {"revoked": true}}]}}]}]`,
		},
		"JSON without people": {
			file: "vpn.hcl.json",
			in:   `{"pki": {"office": {"key": "ed25519"}}}`,
			add:  `{"pki": {"office": {"key": "ed25519","client": {"bob": {}}}}}`,
			fail: "write it by hand",
		},
		"JSON, computed": {
			file: "vpn.hcl.json",
			in:   `{"pki": {"office": {"client": {"alice": {"revoked": "${var.gone}"}}}}}`,
			add:  `{"pki": {"office": {"client": {"alice": {"revoked": "${var.gone}"},"bob": {}}}}}`,
			fail: `vpn.hcl.json:1: revoked is computed there: "${var.gone}"; write there: true`,
		},
		"JSON, dynamic": {
			file: "vpn.hcl.json",
			in:   `{"pki": {"office": {"dynamic": {"client": {"for_each": "${var.people}"}}}}}`,
			fail: "vpn.hcl.json:1: a dynamic block makes the client blocks",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := c.file
			if file == "" {
				file = "vpn.hcl"
			}
			files := []File{{"aside.hcl", []byte("tun \"t\" {}\n")}, {file, []byte(c.in)}}
			check := func(what, want string, got Change, err error) {
				t.Helper()
				switch {
				case want == "":
					if err == nil || c.fail == "" && !errors.As(err, new(*Refusal)) || !strings.Contains(err.Error(), c.fail) {
						t.Errorf("%s: %v", what, err)
					}
				case err != nil:
					t.Errorf("%s: %v", what, err)
				case string(got.Data) != want || got.File != file:
					t.Errorf("%s of %s:\n%q\nwant\n%q", what, got.File, got.Data, want)
				}
			}
			added, err := Add(files, client("bob"))
			check("adding bob", c.add, added, err)
			set, err := Set(files, client("alice"), Attribute{Name: "revoked", Value: true})
			check("revoking alice", c.set, set, err)
		})
	}
}

// A new block holds what it can't do without, in either syntax.
func TestAddWith(t *testing.T) {
	n := Nested{In: resource.ID{Kind: "wireguard", Name: "wg0"}, Type: "peer", Label: "bob", With: []Text{{"address", "10.20.0.3"}}}
	for name, c := range map[string]struct{ in, want string }{
		"a.hcl":      {"wireguard \"wg0\" {\n  peer \"alice\" {}\n}\n", "wireguard \"wg0\" {\n  peer \"alice\" {}\n  peer \"bob\" { address = \"10.20.0.3\" }\n}\n"},
		"a.hcl.json": {`{"wireguard": {"wg0": {"peer": {"alice": {}}}}}`, `{"wireguard": {"wg0": {"peer": {"alice": {},"bob": {"address": "10.20.0.3"}}}}}`},
	} {
		got, err := Add([]File{{Name: name, Data: []byte(c.in)}}, n)
		if err != nil || string(got.Data) != c.want {
			t.Errorf("%s: %v\n%s", name, err, got.Data)
		}
	}
}

// A number of the outer block is set where it stands, or put into it.
func TestSetOuter(t *testing.T) {
	n := Nested{In: office}
	for name, c := range map[string]struct{ file, in, want string }{
		"none yet":    {"a.hcl", "pki \"office\" {\n  key = \"ed25519\" # quick\n}\n", "pki \"office\" {\n  key = \"ed25519\" # quick\n  ca_generation = 2\n}\n"},
		"one":         {"a.hcl", "pki \"office\" {\r\n  ca_generation = 1 # first\r\n}\r\n", "pki \"office\" {\r\n  ca_generation = 2 # first\r\n}\r\n"},
		"empty":       {"a.hcl", "pki \"office\" {}\n", "pki \"office\" { ca_generation = 2 }\n"},
		"JSON":        {"a.hcl.json", `{"pki": {"office": {"key": "ed25519"}}}`, `{"pki": {"office": {"key": "ed25519","ca_generation": 2}}}`},
		"one in JSON": {"a.hcl.json", `{"pki": {"office": {"ca_generation": 1}}}`, `{"pki": {"office": {"ca_generation": 2}}}`},
		"computed":    {"a.hcl", "pki \"office\" { ca_generation = var.n }\n", ""},
		"made":        {"a.hcl", "dynamic \"pki\" {\n  for_each = var.all\n}\n", ""},
	} {
		got, err := Set([]File{{Name: c.file, Data: []byte(c.in)}}, n, Attribute{Name: "ca_generation", Number: 2})
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "ca_generation = 2") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || string(got.Data) != c.want {
			t.Errorf("%s: %v\n%q", name, err, got.Data)
		}
	}
}

// Blocks without a label stand beside each other.
func TestAddWithoutLabel(t *testing.T) {
	two := Nested{In: office, Type: "revoke", With: []Text{{"serial", "0a"}, {"common_name", "x"}}}
	got, err := Add([]File{{Name: "a.hcl", Data: []byte("pki \"office\" {\n  client \"a\" {}\n}\n")}}, two)
	if want := "pki \"office\" {\n  client \"a\" {}\n  revoke {\n    serial      = \"0a\"\n    common_name = \"x\"\n  }\n}\n"; err != nil || string(got.Data) != want {
		t.Errorf("%v\n%s", err, got.Data)
	}
	n := Nested{In: office, Type: "revoke", With: []Text{{"serial", "0a"}}}
	for name, c := range map[string]struct{ file, in, want string }{
		"first":         {"a.hcl", "pki \"office\" {\n  client \"a\" {}\n}\n", "pki \"office\" {\n  client \"a\" {}\n  revoke { serial = \"0a\" }\n}\n"},
		"second":        {"a.hcl", "pki \"office\" {\n  revoke { serial = \"09\" }\n  client \"a\" {}\n}\n", "pki \"office\" {\n  revoke { serial = \"09\" }\n  revoke { serial = \"0a\" }\n  client \"a\" {}\n}\n"},
		"JSON":          {"a.hcl.json", `{"pki": {"office": {"key": "x"}}}`, `{"pki": {"office": {"key": "x","revoke": [{"serial": "0a"}]}}}`},
		"one in JSON":   {"a.hcl.json", `{"pki": {"office": {"revoke": {"serial": "09"}}}}`, `{"pki": {"office": {"revoke": [{"serial": "09"}, {"serial": "0a"}]}}}`},
		"array in JSON": {"a.hcl.json", `{"pki": {"office": {"revoke": [{"serial": "09"}]}}}`, `{"pki": {"office": {"revoke": [{"serial": "09"},{"serial": "0a"}]}}}`},
	} {
		got, err := Add([]File{{Name: c.file, Data: []byte(c.in)}}, n)
		if err != nil || string(got.Data) != c.want {
			t.Errorf("%s: %v\n%q", name, err, got.Data)
		}
	}
}
