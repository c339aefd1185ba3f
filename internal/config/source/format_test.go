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
