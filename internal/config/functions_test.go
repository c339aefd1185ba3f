package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/resource"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFunctions(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.txt": "hello", "ccd/one": "1", "ccd/deep/two": "2", "bin": "\xff",
		"t.tmpl": "%{ for n in nets ~}\nroute ${n}\n%{ endfor ~}\n", "bad.tmpl": "${", "loop.tmpl": `${templatefile("loop.tmpl", {})}`,
		"creds/psk": "hush",
	})
	l := newLoader(Source{Credentials: filepath.Join(dir, "creds")}, resource.Catalog{})
	ctx := &hcl.EvalContext{Functions: l.functionsIn(dir)}
	for expr, want := range map[string]string{
		`cidrhost("10.8.0.0/24", 1)`:                     `10.8.0.1`,
		`cidrhost("10.8.0.7/24", -2)`:                    `10.8.0.254`,
		`cidrhost("fd00::/64", 17)`:                      `fd00::11`,
		`cidrhost("10.8.0.0/30", 4)`:                     `error: Invalid function argument: Invalid value for "number" parameter: 10.8.0.0/30 has no address with that number.`,
		`cidrhost("10.8.0.0", 1)`:                        `error: Invalid function argument: Invalid value for "network" parameter: "10.8.0.0" is no network; write it as CIDR, as in 10.8.0.0/24.`,
		`cidrnetmask("10.0.0.0/12")`:                     `255.240.0.0`,
		`cidrnetmask("0.0.0.0/0")`:                       `0.0.0.0`,
		`cidrnetmask("fd00::/8")`:                        `error: Invalid function argument: Invalid value for "network" parameter: only IPv4 has netmasks.`,
		`cidrsubnet("10.8.0.0/16", 8, 3)`:                `10.8.3.0/24`,
		`cidrsubnet("fd00::/48", 16, 162)`:               `fd00:0:0:a2::/64`,
		`cidrsubnet("10.8.0.0/24", 9, 0)`:                `error: Invalid function argument: Invalid value for "bits" parameter: the prefix of 10.8.0.0/24 can be longer by 0 to 8 bits.`,
		`cidrsubnet("10.8.0.0/24", 1, 2)`:                `error: Invalid function argument: Invalid value for "number" parameter: 10.8.0.0/24 has no subnet with that number and a prefix of 25 bits.`,
		`join(" ", cidrsubnets("10.1.0.0/16", 4, 4, 8))`: `10.1.0.0/20 10.1.16.0/20 10.1.32.0/24`,
		`join(" ", cidrsubnets("10.1.0.0/16", 8, 4))`:    `10.1.0.0/24 10.1.16.0/20`,
		`join(" ", cidrsubnets("10.1.0.0/24", 1, 1, 8))`: `error: Invalid function argument: Invalid value for "bits" parameter: there is no room left in 10.1.0.0/24 for a subnet with a prefix of 32 bits.`,

		`file("a.txt")`:     `hello`,
		`file("bin")`:       `error: Error in function call: Call to function "file" failed: ` + filepath.Join(dir, "bin") + ` is no UTF-8 text; filebase64 reads any file.`,
		`file("ccd")`:       `error: Error in function call: Call to function "file" failed: reading ` + filepath.Join(dir, "ccd") + `: this is no regular file.`,
		`filebase64("bin")`: `/w==`,
		`fileexists("a.txt") && !fileexists("b.txt")`:               `true`,
		`join(" ", fileset("ccd", "*"))`:                            `one`,
		`join(" ", fileset(".", "**/two"))`:                         `ccd/deep/two`,
		`join(" ", fileset("ccd", "**"))`:                           `deep/two one`,
		`templatefile("t.tmpl", { nets = ["a", "b"] })`:             "route a\nroute b\n",
		`templatefile("loop.tmpl", {})`:                             `error: Error in function call: Call to function "templatefile" failed: loop.tmpl:1: There is no function named "templatefile".`,
		`templatefile("t.tmpl", {})`:                                `error: Error in function call: Call to function "templatefile" failed: t.tmpl:1: There is no variable named "nets".`,
		`credential("psk")`:                                         `sensitive`,
		`templatefile("t.tmpl", { nets = [credential("psk")] })`:    `sensitive`,
		`nonsensitive("x${credential("psk")}")`:                     `xhush`,
		`credential("../a.txt")`:                                    `error: Error in function call: Call to function "credential" failed: the name of a credential is a plain file name.`,
		`parseint(credential("psk"), 10)`:                           `error: Invalid function argument: This expression holds a sensitive value, so what is wrong with it is not shown: it might tell the value.`,
		`{ a = 1 }[credential("psk")]`:                              `error: Invalid index: This expression holds a sensitive value, so what is wrong with it is not shown: it might tell the value.`,
		`jsonencode({ a = sensitive("x") })`:                        `sensitive`,
		`base64decode(base64encode("hi"))`:                          `hi`,
		`sha256("")`:                                                `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855`,
		`length("äö") + length([1]) + length({ a = 1, b = 2 })`:     `5`,
		`sum([1, 2.5])`:                                             `3.5`,
		`one(["x"])`:                                                `x`,
		`one([]) == null`:                                           `true`,
		`alltrue([true, true]) && !anytrue([false]) && alltrue([])`: `true`,
		`startswith("abc", "ab") && endswith("abc", "bc") && strcontains("abc", "b")`: `true`,
		`try(tonumber("x"), 7)`: `7`,
		`yamldecode("a: 1").a`:  `1`,
	} {
		if got := evaluated(t, expr, ctx); got != want {
			t.Errorf("%s\n got %s\nwant %s", expr, got, want)
		}
	}
}

func evaluated(t *testing.T, text string, ctx *hcl.EvalContext) string {
	t.Helper()
	expr, diags := hclsyntax.ParseExpression([]byte(text), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		d := polish(diags)[0]
		return "error: " + d.Summary + ": " + d.Detail
	}
	if v.ContainsMarked() {
		return "sensitive"
	}
	if !v.Type().Equals(cty.String) && !v.Type().IsPrimitiveType() {
		return describe(v)
	}
	text, _ = asText(v)
	return text
}

func TestSettingsHaveDefaultsAndYieldToFlags(t *testing.T) {
	dir := folder(t, map[string]string{"a.hcl": "variable \"how\" {\n default = \"observe\"\n}\nvpnd {\n  mode = var.how\n metrics {\n listen = \"127.0.0.1:9586\"\n }\n}\n"})
	c, diags := Load(Source{Paths: []string{dir}, StateDir: "/tmp/state"}, fakeCatalog(), "")
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	s := c.Settings
	if *s.Mode != "observe" || s.Interval.String() != "5m" || *s.StateDir != "/tmp/state" || *s.Metrics.Listen != "127.0.0.1:9586" {
		t.Errorf("%+v", s)
	}
	c, _ = Load(Source{Paths: []string{folder(t, map[string]string{"a.hcl": ""})}}, fakeCatalog(), "")
	if *c.Settings.Mode != "enforce" || *c.Settings.StateDir != "/var/lib/vpnd" {
		t.Errorf("%+v", c.Settings)
	}
}

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
