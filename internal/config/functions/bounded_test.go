package functions

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/effort"
)

// Every function keeps its result within bounds, or is handed functions that do.
func TestFunctionsAreBounded(t *testing.T) {
	all := All(Directory{Path: t.TempDir()}, "", new(effort.Effort))
	if len(all) < 80 {
		t.Errorf("there are only %d functions", len(all))
	}
	mega := cty.StringVal(strings.Repeat("x", 1<<20))
	list := cty.TupleVal(slices.Repeat([]cty.Value{mega}, 40))
	for name, args := range map[string][]cty.Value{
		"join":          {mega, cty.ListVal(slices.Repeat([]cty.Value{cty.StringVal("")}, 70))},
		"replace":       {cty.StringVal(strings.Repeat("x", 100)), cty.StringVal("x"), mega},
		"regex_replace": {cty.StringVal(strings.Repeat("x", 100)), cty.StringVal("x"), mega},
		"indent":        {cty.NumberIntVal(1 << 20), cty.StringVal(strings.Repeat("\n", 100))},
		"setproduct":    {list, list, list, list},
		"concat":        {list, list},
		"flatten":       {cty.TupleVal([]cty.Value{list, list})},
		"sensitive":     {cty.TupleVal([]cty.Value{list, list})},
	} {
		if v, err := all[name].Call(args); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
			t.Errorf("%s returns a %s: %v", name, v.Type().FriendlyName(), err)
		}
	}
}

// Foresight does not judge what it can't see: a value that is unknown, or of another
// type, is the function's own business.
func TestForesightLooksAtKnownValues(t *testing.T) {
	unknown, null := cty.UnknownVal(cty.String), cty.NullVal(cty.String)
	for name, args := range map[string][]cty.Value{
		"join": {unknown, cty.UnknownVal(cty.List(cty.String))}, "replace": {null, unknown, cty.StringVal("x")},
		"indent": {cty.UnknownVal(cty.Number), cty.StringVal("x")}, "setproduct": {cty.UnknownVal(cty.Set(cty.String))},
		"format": {unknown}, "jsondecode": {null}, "yamldecode": {cty.Zero},
	} {
		if err := foresee(name, args); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWideFormats(t *testing.T) {
	for format, good := range map[string]bool{
		"%s and 123456 %d": true, "%9999d": true, "%-9999.9999f": true, "%%12345": true, "%[12]1234s": true,
		"%12345d": false, "%.12345f": false, "%-012345d": false, "a %s b %99999s": false,
	} {
		if err := wide(cty.StringVal(format)); (err == nil) != good {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// Each function does what its name says; those of cty are tested there, and here is
// one call of each of them, so that none has another one's name.
func TestEveryFunction(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.txt": "hello", "t.tmpl": "${a}", "creds/psk": "hush"})
	all := All(Directory{Path: dir}, dir+"/creds", new(effort.Effort))
	ctx := &hcl.EvalContext{Functions: all}
	calls := map[string]string{
		"abs": `abs(-1) == 1`, "ceil": `ceil(1.2) == 2`, "floor": `floor(1.8) == 1`, "log": `log(8, 2) == 3`, "max": `max(1, 3, 2) == 3`, "min": `min(2, 1) == 1`,
		"parseint": `parseint("ff", 16) == 255`, "pow": `pow(2, 3) == 8`, "signum": `signum(-4) == -1`, "sum": `sum([]) == 0`,
		"chomp": `chomp("a\n\n") == "a"`, "format": `format("%03d", 7) == "007"`, "formatlist": `formatlist("%s!", ["a"]) == tolist(["a!"])`, "indent": `indent(2, "a\nb") == "a\n  b"`,
		"join": `join("-", ["a", "b"]) == "a-b"`, "lower": `lower("A") == "a"`, "regex": `regex("b+", "abbc") == "bb"`, "regexall": `length(regexall("b", "abbc")) == 2`,
		"regex_replace": `regex_replace("a1", "[0-9]", "x") == "ax"`, "replace": `replace("a.b", ".", "-") == "a-b"`, "split": `split(",", "a,b")[1] == "b"`, "strrev": `strrev("ab") == "ba"`,
		"substr": `substr("hello", 1, 3) == "ell"`, "title": `title("a b") == "A B"`, "trim": `trim("xax", "x") == "a"`, "trimprefix": `trimprefix("ab", "a") == "b"`,
		"trimspace": `trimspace(" a ") == "a"`, "trimsuffix": `trimsuffix("ab", "b") == "a"`, "upper": `upper("a") == "A"`,
		"startswith": `startswith("ab", "a") && !startswith("ab", "b")`, "endswith": `endswith("ab", "b") && !endswith("ab", "a")`, "strcontains": `strcontains("abc", "b") && !strcontains("abc", "x")`,
		"chunklist": `length(chunklist([1, 2, 3], 2)) == 2`, "coalesce": `coalesce(null, "a") == "a"`, "coalescelist": `coalescelist([], ["a"])[0] == "a"`, "compact": `length(compact(["", "a"])) == 1`,
		"concat": `concat([1], [2])[1] == 2`, "contains": `contains(["a"], "a")`, "distinct": `length(distinct(["a", "a"])) == 1`, "element": `element(["a", "b"], 3) == "b"`,
		"flatten": `flatten([[1], [[2]]])[1] == 2`, "keys": `keys({ b = 1, a = 2 })[0] == "a"`, "length": `length({ a = 1 }) == 1`, "lookup": `lookup({ a = 1 }, "b", 2) == 2`, "merge": `merge({ a = 1 }, { a = 2 }).a == 2`,
		"range": `range(3)[2] == 2`, "reverse": `reverse([1, 2])[0] == 2`, "setintersection": `length(setintersection(["a", "b"], ["b"])) == 1`, "setproduct": `length(setproduct(["a", "b"], ["c"])) == 2`,
		"setsubtract": `length(setsubtract(["a", "b"], ["b"])) == 1`, "setunion": `length(setunion(["a"], ["b"])) == 2`, "slice": `slice([1, 2, 3], 1, 2)[0] == 2`, "sort": `sort(["b", "a"])[0] == "a"`,
		"values": `values({ b = 1, a = 2 })[0] == 2`, "zipmap": `zipmap(["a"], [1]).a == 1`,
		"alltrue": `alltrue([true]) && !alltrue([true, false])`, "anytrue": `anytrue([false, true]) && !anytrue([])`, "one": `one(toset(["a"])) == "a"`,
		"tobool": `tobool("true")`, "tonumber": `tonumber("1") == 1`, "tostring": `tostring(1) == "1"`, "tolist": `tolist(toset(["a"]))[0] == "a"`, "tomap": `tomap({ a = "1" }).a == "1"`, "toset": `length(toset(["a", "a"])) == 1`,
		"try": `try({}.a, 1) == 1`, "can": `can(1) && !can({}.a)`,
		"base64decode": `base64decode("aGk=") == "hi"`, "base64encode": `base64encode("hi") == "aGk="`, "base64sha256": `base64sha256("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="`,
		"sha256": `substr(sha256(""), 0, 8) == "e3b0c442"`, "sha512": `substr(sha512(""), 0, 8) == "cf83e135" && length(sha512("")) == 128`, "urlencode": `urlencode("a b&c") == "a+b%26c"`,
		"csvdecode": `csvdecode("a,b\n1,2\n")[0].b == "2"`, "jsondecode": `jsondecode("[1]")[0] == 1`, "jsonencode": `jsonencode([1]) == "[1]"`, "yamldecode": `yamldecode("a: 1").a == 1`, "yamlencode": `yamlencode([1]) == "- 1\n"`,
		"cidrhost": `cidrhost("10.0.0.0/8", 5) == "10.0.0.5"`, "cidrnetmask": `cidrnetmask("10.0.0.0/8") == "255.0.0.0"`, "cidrsubnet": `cidrsubnet("10.0.0.0/8", 8, 1) == "10.1.0.0/16"`, "cidrsubnets": `cidrsubnets("10.0.0.0/8", 1)[0] == "10.0.0.0/9"`,
		"basename": `basename("/a/b") == "b"`, "dirname": `dirname("/a/b") == "/a"`, "file": `file("a.txt") == "hello"`, "filebase64": `filebase64("a.txt") == "aGVsbG8="`, "fileexists": `fileexists("a.txt")`, "fileset": `one(fileset(".", "*.txt")) == "a.txt"`,
		"credential": `nonsensitive(credential("psk")) == "hush"`, "sensitive": `nonsensitive(sensitive("a")) == "a"`, "nonsensitive": `nonsensitive(1) == 1`, "templatefile": `templatefile("t.tmpl", { a = "b" }) == "b"`,
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if got := evaluated(t, calls[name], ctx); got != "true" {
			t.Errorf("%s: %s", calls[name], got)
		}
	}
	if len(calls) != len(all) {
		t.Errorf("%d calls of %d functions", len(calls), len(all))
	}
}

// A secret stays one, whatever is made of it.
func TestSecrecyPasses(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"t.tmpl": "${a}-${b}", "creds/psk": "hush"})
	ctx := &hcl.EvalContext{Functions: All(Directory{Path: dir}, dir+"/creds", new(effort.Effort))}
	for _, expr := range []string{
		`upper(credential("psk"))`, `"x${credential("psk")}"`, `join(",", [credential("psk"), "a"])`, `base64encode(sensitive("a"))`, `sha256(sensitive("a"))`,
		`cidrhost(sensitive("10.0.0.0/8"), 1)`, `length(sensitive([1]))`, `templatefile("t.tmpl", { a = "1", b = sensitive("2") })`, `merge({ a = sensitive(1) }, { b = 2 }).a`,
		`startswith(sensitive("a"), "a")`, `sum([sensitive(1), 2])`, `yamlencode([sensitive("a")])`, `fileexists(sensitive("a"))`, `[for c in ["psk"] : credential(c)][0]`,
	} {
		if got := evaluated(t, expr, ctx); got != "sensitive" {
			t.Errorf("%s is %s", expr, got)
		}
	}
}

var errTheirs = errors.New("it is theirs")

// Others than root could change what a function reads: then it is not read.
func TestFilesAreTrusted(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"mine": "x", "theirs": "${a}"})
	asked := ""
	here := Directory{Path: dir, Trust: func(path string) error {
		if asked = path; strings.HasSuffix(path, "theirs") {
			return errTheirs
		}
		return nil
	}}
	ctx := &hcl.EvalContext{Functions: All(here, "", new(effort.Effort))}
	for _, call := range []string{`file("theirs")`, `filebase64("theirs")`, `templatefile("theirs", { a = "" })`} {
		if got := evaluated(t, call, ctx); !strings.HasSuffix(got, "failed: it is theirs.") {
			t.Errorf("%s: %s", call, got)
		}
	}
	if got := evaluated(t, `file("mine")`, ctx); got != "x" || asked != dir+"/mine" {
		t.Errorf("%s after asking for %s", got, asked)
	}
}
