package bounds

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"tun \"a\" {}\n":          "",
		"# äöü\n":                 "",
		"\xef\xbb\xbftun":         "",
		"\xff\xfet\x00":           "It is UTF-16",
		"\xfe\xff\x00t":           "It is UTF-16",
		"tun\x00":                 "It holds zero bytes",
		"a\nb\n# caf\xe9\n":       "Line 3 holds bytes that are no UTF-8",
		"# the sign \ufffd\n\xe9": "Line 2 holds bytes that are no UTF-8", // which is UTF-8 itself
	} {
		if got := Text([]byte(text)); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"\xef\xbb\xbfa\r\nb\r\n": "a\nb\n",
		"a\rb\n":                 "a\rb\n", // no end of a line
		"a \xef\xbb\xbf\n":       "a \xef\xbb\xbf\n",
	} {
		if got := string(Plain([]byte(text))); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// What goes beyond a bound is told at the place where it does; what is just within is
// read.
func TestFile(t *testing.T) {
	times := strings.Repeat
	for name, c := range map[string]struct{ file, text, want string }{
		"brackets within":       {"a.hcl", "a = " + times("[", deepest) + times("]", deepest), ""},
		"brackets beyond":       {"a.hcl", "a = 1\nb = " + times("[", deepest+1) + times("]", deepest+1), "Too deeply nested at 2"},
		"brackets side by side": {"a.hcl", times("a = [[1], [2]]\n", deepest), ""},
		"operators within":      {"a.hcl", "a = 1" + times("+1", mostInARow), ""},
		"operators beyond":      {"a.hcl", "a = 1" + times("+1", mostInARow+1), "Too long an expression at 1"},
		"operators apart":       {"a.hcl", times("a = -1\n", mostInARow+1), ""},
		"a long number":         {"a.hcl", "a = " + times("1", mostDigits), ""},
		"too long a number":     {"a.hcl", "a = " + times("1", mostDigits+1), "Too large a number at 1"},
		"an exponent":           {"a.hcl", "\na = 1e-400", ""},
		"too large an exponent": {"a.hcl", "\na = 1E+401", "Too large a number at 2"},
		"JSON within":           {"a.json", times("[", deepest) + times("]", deepest), ""},
		"JSON beyond":           {"a.json", "[\n" + times("[", deepest) + times("]", deepest) + "]", "Too deeply nested at 2"},
		"a number of JSON":      {"a.json", "{\n\"a\":\n1e500}", "Too large a number at 3"},
		"a template of JSON":    {"a.json", "[1,\n\"${1" + times("+1", mostInARow+1) + "}\"]", "Too long an expression at 2"},
		"broken JSON":           {"a.json", "[1, ", ""}, // the parser tells
	} {
		got := ""
		if d := File([]byte(c.text), c.file); d != nil {
			got = d.Summary + " at " + string(rune('0'+d.Subject.Start.Line))
			if d.Subject.Filename != c.file || d.Subject.End.Byte > len(c.text) {
				t.Errorf("%s: %s", name, d.Subject)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q instead of %q", name, got, c.want)
		}
	}
}

func TestTemplate(t *testing.T) {
	deep := strings.Repeat("(", deepest+1)
	for text, good := range map[string]bool{
		"route 10.0.0.0 ((((": true, deep: true, // which is no template
		"${a}": true, "${" + deep: false, "%{ if " + deep: false,
		strings.Repeat("%{ if a }", deepest+1): false,
	} {
		if d := Template(text, "a.tmpl"); (d == nil) != good {
			t.Errorf("%.20s: %v", text, d)
		}
	}
}

func TestData(t *testing.T) {
	times := strings.Repeat
	for text, good := range map[string]bool{
		times("[", deepest) + times("]", deepest):     true,
		times("[", deepest+1) + times("]", deepest+1): false,
		times("[1],", deepest+1):                      true,
		"{\"a\": \"" + times("[", deepest+1) + "\"}":  true, // which is text
		"nonsense": true,
	} {
		if err := JSON(text); (err == nil) != good {
			t.Errorf("JSON %.20s: %v", text, err)
		}
	}
	for text, good := range map[string]bool{
		times("[", deepest) + times("]", deepest):            true,
		times("[", deepest+1):                                false,
		times("- ", deepest) + "a":                           true,
		times("- ", deepest+1) + "a":                         false,
		times(" ", 2*deepest+1) + "a: 1":                     false,
		"a: &a 1\nb: [" + times("*a, ", mostAliases) + "]":   true,
		"a: &a 1\nb: [" + times("*a, ", mostAliases+1) + "]": false,
		"a: 2*3*4\n" + times("b: x*y\n", mostAliases+1):      true, // no alias begins within a word
	} {
		if err := YAML(text); (err == nil) != good {
			t.Errorf("YAML %.20s: %v", text, err)
		}
	}
}

func TestInput(t *testing.T) {
	if data, err := Input(strings.NewReader("tun")); err != nil || string(data) != "tun" {
		t.Errorf("%q %v", data, err)
	}
	if _, err := Input(strings.NewReader(strings.Repeat(" ", largestFile+1))); err == nil || err.Error() != "it is larger than a configuration may be" {
		t.Error(err)
	}
	broken := errors.New("broken pipe")
	if _, err := Input(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// A file is read whatever it is called, but it has to be one.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(file); err != nil || string(data) != "x" {
		t.Errorf("%q %v", data, err)
	}
	for path, want := range map[string]string{
		dir:                      "this is no regular file",
		filepath.Join(dir, "b"):  "there is no such file or directory",
		filepath.Join(file, "c"): "not a directory",
	} {
		if _, err := Read(path); err == nil || err.Error() != "reading "+path+": "+want {
			t.Errorf("%s: %v", path, err)
		}
	}
}
