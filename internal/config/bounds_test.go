package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/source"
	"vpnd/internal/resource"
)

// hostile writes a file and loads it.
func hostile(t *testing.T, name, text string, vars map[string]string) (*Config, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, diags := Load(Source{Paths: []string{path}, Vars: vars}, configtest.Catalog(), "")
	var out bytes.Buffer
	if err := diag.Print(&out, diags, c.Files, 100, false); err != nil {
		t.Fatal(err)
	}
	if diags.HasErrors() && len(c.Desired.Present) > 0 {
		t.Error("there are errors, and yet something to apply")
	}
	return c, out.String()
}

// doubling is a chain of locals, each made of the one before, by %[1]s.
func doubling(first, next string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "locals {\n  a0 = %s\n", first)
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&b, "  a%d = "+next+"\n", i, fmt.Sprintf("local.a%d", i-1))
	}
	return b.String() + "}\n"
}

// Input that was made to do harm is an error that names the bound, and neither a
// crash nor a wait.
func TestHostileInput(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 100_000) }
	in := func(open, inner, close string) string {
		return "locals {\n  a = " + many(open) + inner + many(close) + "\n}\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"parentheses":         {in("(", "1", ")"), "Too deeply nested"},
		"brackets":            {in("[", "1", "]"), "200 deep"},
		"objects":             {in("{a=", "1", "}"), "200 deep"},
		"templates":           {in(`"${`, "1", `}"`), "200 deep"},
		"blocks":              {many("tun \"a\" {\n") + many("}\n"), "200 deep"},
		"types":               {"variable \"a\" {\n  type = " + many("list(") + "string" + many(")") + "\n}\n", "200 deep"},
		"operators":           {in("!", "true", ""), "1000 operators"},
		"signs":               {in("-", "1", ""), "1000 operators"},
		"conditions":          {in("true ? 1 : ", "1", ""), "1000 operators"},
		"signs in lines":      {"locals {\n  a = (" + many("-\n") + "1)\n}\n", "1000 operators"},
		"conditions in lines": {"locals {\n  a = (" + many("true ?\n1 :\n") + "1)\n}\n", "1000 operators"},
		"sums":                {in("1 + ", "1", ""), "1000 operators"},
		"sums in a for":       {"locals {\n  a = { # x\nfor a in b : a => 1" + many("\n+1") + "}\n}\n", "1000 operators"},
		"and":                 {in("true && ", "true", ""), "1000 operators"},
		"indexes":             {in("", "[1]"+many("[0]"), ""), "1000 operators"},
		"splats":              {in("", "[1]"+many("[*]"), ""), "1000 operators"},
		"names":               {in("", "local"+many(".a"), ""), "1000 operators"},
		"directives":          {in("", `"`+many("%{ if true }")+"x"+many("%{ endif }")+`"`, ""), "200 deep"},
		"loops in text":       {"locals {\n  a = \"%{ for a in range(1024) }%{ for b in range(1024) }%{ for c in range(1024) }x%{ endfor }%{ endfor }%{ endfor }\"\n}\n", "more than 500000 turns"},
		"a chain":             {"locals {\n  a4999 = 1\n" + chain(5000) + "}\n", "2000 values of which each refers to the next"},
		"text":                {doubling(`"xxxxxxxx"`, `"${%[2]s}${%[2]s}"`), "larger than 64 MiB"},
		"lists":               {doubling(`["x"]`, `[%[2]s, %[2]s]`), "larger than 64 MiB"},
		"objects of them":     {doubling(`{a = "x"}`, `{a = %[2]s, b = %[2]s}`), "larger than 64 MiB"},
		"joined":              {doubling(`"xxxxxxxx"`, `join(%[2]s, [%[2]s, %[2]s, %[2]s])`), "larger than 64 MiB"},
		"replaced":            {doubling(`"xxxxxxxx"`, `replace(%[2]s, "x", %[2]s)`), "larger than 64 MiB"},
		"indented":            {`locals { a = indent(2000000000, "a\nb") }`, "larger than 64 MiB"},
		"padded":              {`locals { a = format("%2000000000d", 1) }`, "four digits"},
		"products":            {`locals { a = setproduct(range(1000), range(1000), range(1000)) }`, "larger than 64 MiB"},
		"numbers":             {`locals { a = "${1e999999999}" }`, "400 digits"},
		"powers":              {doubling("1e300", "%[2]s * %[2]s"), "larger than 64 MiB"},
		"JSON as text":        {"locals { a = jsondecode(\"" + many("[") + "\") }", "more than 200 deep"},
		"YAML as text":        {"locals { a = yamldecode(\"" + many("[") + "\") }", "more than 200 deep"},
		"YAML in dashes":      {"locals { a = yamldecode(\"" + many("- ") + "\") }", "more than 200 deep"},
		"YAML that grows":     {"locals {\n  a = yamldecode(<<E\nk: &a [x]\n" + aliases() + "E\n)\n}\n", "more than 20 aliases"},
		"UTF-16":              {"\xff\xfe" + strings.Repeat("t\x00u\x00n\x00\n\x00", 500), "UTF-16 -t UTF-8"},
		"zero bytes":          {strings.Repeat("tun\x00\n", 500), "zero bytes"},
		"Latin-1":             {strings.Repeat("\n", 6) + strings.Repeat("# \xe9\n", 500), "Line 7 holds bytes that are no UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := hostile(t, "a.hcl", c.text, nil); !strings.Contains(strings.Join(strings.Fields(got), " "), c.want) || strings.Count(got, "\n") > 40 || len(got) > 20_000 {
				t.Errorf("%.2000s", got)
			}
		})
	}
	for name, c := range map[string]struct{ text, want string }{
		"lists":     {`{"locals":{"a":` + many("[") + many("]") + `}}`, "200 deep"},
		"templates": {`{"locals":{"a":"${` + many("(") + "1" + many(")") + `}"}}`, "200 deep"},
		"numbers":   {`{"locals":{"a":1e999999999}}`, "400 digits"},
		"sums":      {`{"locals":{"a":"${1` + many(" + 1") + `}"}}`, "1000 operators"},
	} {
		t.Run("JSON, "+name, func(t *testing.T) {
			if _, got := hostile(t, "a.hcl.json", c.text, nil); !strings.Contains(got, c.want) || len(got) > 20_000 {
				t.Errorf("%.2000s", got)
			}
		})
	}
	if _, got := hostile(t, "a.hcl", "variable \"a\" {\n  type = list(string)\n}\n", map[string]string{"a": many("[")}); !strings.Contains(got, "200 deep") {
		t.Errorf("on the command line: %.2000s", got)
	}
}

func chain(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "  a%d = local.a%d\n", i-1, i)
	}
	return b.String()
}

func aliases() string {
	var b strings.Builder
	for c := 'b'; c < 'p'; c++ {
		fmt.Fprintf(&b, "%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9))
	}
	return b.String()
}

// Of a thousand mistakes a hundred are told and the others counted.
func TestManyMistakes(t *testing.T) {
	for name, line := range map[string]string{
		"unknown blocks": "tunn \"a%d\" {}\n", "twice": "locals { a = 1 }\n#%d\n", "references": "locals { a%d = local.b }\n", "syntax": "locals { a%d = 1 1 }\n",
	} {
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, line, i)
		}
		_, got := hostile(t, "a.hcl", b.String(), nil)
		if n := strings.Count(got, "Error: "); name != "syntax" && (n != diag.Most+1 || !strings.Contains(got, "more; mend these first")) || n > diag.Most+1 {
			t.Errorf("%s: %d errors\n%.300s", name, n, got[max(0, len(got)-300):])
		}
	}
}

// What is no regular file, or no file of that size, is not read.
func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	pipe, large := filepath.Join(dir, "pipe.hcl"), filepath.Join(dir, "large.hcl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Create(large); err != nil || f.Truncate(16<<20+1) != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "no regular file", "/dev/zero": "no regular file", large: "larger than 16 MiB"} {
		c, diags := Load(Source{Paths: []string{path}}, configtest.Catalog(), "")
		if !strings.Contains(diags.Error(), want) || len(c.Desired.Present) > 0 {
			t.Errorf("%s: %v", path, diags)
		}
		if _, err := bounds.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A file that was written on Windows says the same as one of Unix: no carriage
// return comes into a script.
func TestFileOfWindows(t *testing.T) {
	text := "\xef\xbb\xbffile \"/a\" {\r\n  content = <<EOT\r\n#!/bin/sh\r\necho \"\\r\"\r\nEOT\r\n}\r\n"
	c, got := hostile(t, "a.hcl", text, nil)
	if got != "" || len(c.Desired.Present) != 1 {
		t.Fatal(got)
	}
	shape, err := resource.Encode(c.Desired.Present[0].Want, resource.Reveal)
	if err != nil || !strings.Contains(string(shape), `"#!/bin/sh\necho \"\\r\"\n"`) {
		t.Errorf("%s %v", shape, err)
	}
	formatted, diags := source.Format([]byte(text), "a.hcl")
	if diags.HasErrors() || bytes.ContainsAny(formatted, "\r\ufeff") {
		t.Errorf("%q %v", formatted, diags)
	}
}
