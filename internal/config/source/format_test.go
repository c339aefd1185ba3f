package source

import (
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, in, want, problem string }{
		{"a.hcl", "tun \"a\" {\nmtu=1\naddresses   = []\n}\n", "tun \"a\" {\n  mtu       = 1\n  addresses = []\n}\n", ""},
		{"a.hcl", "tun {", "tun {", "Unclosed configuration block"},
		{"a.hcl.json", `{"tun":{"a":{}}}`, "{\n  \"tun\": {\n    \"a\": {}\n  }\n}\n", ""},
		{"a.hcl.json", `{"tun"`, `{"tun"`, "Missing property value colon"},
	} {
		out, diags := Format([]byte(c.in), c.name)
		if string(out) != c.want {
			t.Errorf("%q became %q", c.in, out)
		}
		if (c.problem == "") != !diags.HasErrors() || c.problem != "" && !strings.Contains(diags.Error(), c.problem) {
			t.Errorf("%q: %v", c.in, diags)
		}
		if again, _ := Format(out, c.name); string(again) != string(out) {
			t.Errorf("%q: the second layout differs: %q", out, again)
		}
	}
}

// What is no text, or beyond the bounds, is returned as it is; what Windows wrote
// becomes a file of Unix.
func TestFormatKeepsWhatItCanNotRead(t *testing.T) {
	for _, c := range []struct{ name, in, want, problem string }{
		{"a.hcl", "a=1\x00", "a=1\x00", "a.hcl: It holds zero bytes"},
		{"a.hcl", "a=caf\xe9", "a=caf\xe9", "a.hcl: Line 1 holds bytes that are no UTF-8"},
		{"a.hcl", "a=1e9999", "a=1e9999", "400 digits"},
		{"a.hcl.json", "[1e9999]", "[1e9999]", "400 digits"},
		{"a.hcl", "\xef\xbb\xbfa=1\r\n", "a = 1\n", ""},
		{"a.hcl", "", "", ""},
		{"a.hcl", "# a comment\na=[1,2,]\n", "# a comment\na = [1, 2, ]\n", ""},
	} {
		out, diags := Format([]byte(c.in), c.name)
		if string(out) != c.want || (c.problem == "") != !diags.HasErrors() || !strings.Contains(diags.Error(), c.problem) && c.problem != "" {
			t.Errorf("%q became %q: %v", c.in, out, diags)
		}
	}
}
