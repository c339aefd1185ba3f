package functions

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/effort"
	"vpnd/internal/config/value"
)

// Who owns a file can read it, whatever its mode.
func TestExposure(t *testing.T) {
	for _, c := range []struct {
		mode      fs.FileMode
		owner, us int
		want      string
	}{
		{0o600, 0, 0, ""},
		{0o400, 1000, 1000, ""},
		{0o600, 0, 1000, ""},
		{0o600, 1000, 0, "a b holds secrets and belongs to the user of number 1000, who can read them; to mend that:\nchown root 'a b'"},
		{0o640, 0, 0, "a b holds secrets and has mode 0640, so that others can read them; to mend that:\nchmod 0600 'a b'"},
		{0o601, 0, 0, "a b holds secrets and has mode 0601, so that others can read them; to mend that:\nchmod 0600 'a b'"},
	} {
		said := ""
		if err := exposure("a b", c.mode, c.owner, c.us); err != nil {
			said = err.Error()
		}
		if said != c.want {
			t.Errorf("%04o of %d, for %d: %q", c.mode, c.owner, c.us, said)
		}
	}
	if got := quote("it's"); got != `'it'\''s'` {
		t.Error(got)
	}
	if got := quote("/etc/vpnd/a-b_c.xml"); got != "/etc/vpnd/a-b_c.xml" {
		t.Error(got)
	}
}

func TestFunctions(t *testing.T) {
	dir := configtest.Files(t, map[string]string{
		"a.txt": "hello", "ccd/one": "1", "ccd/deep/two": "2", "bin": "\xff",
		"t.tmpl": "%{ for n in nets ~}\nroute ${n}\n%{ endfor ~}\n", "bad.tmpl": "${", "loop.tmpl": `${templatefile("loop.tmpl", {})}`,
		"creds/psk": "hush",
	})
	ctx := &hcl.EvalContext{Functions: All(Directory{Path: dir}, filepath.Join(dir, "creds"), new(effort.Effort))}
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
		d := diag.Polish(diags)[0]
		return "error: " + d.Summary + ": " + d.Detail
	}
	if v.ContainsMarked() {
		return "sensitive"
	}
	if !v.Type().Equals(cty.String) && !v.Type().IsPrimitiveType() {
		return value.Describe(v)
	}
	text, _ = value.Text(v)
	return text
}
