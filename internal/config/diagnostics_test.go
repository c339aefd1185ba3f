package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// A message is one that the code can give: the format of its words, and that of its
// summary where it is a whole diagnostic.
type message struct{ at, summary, text string }

// unreachable are messages that no file of a configuration can bring about, with where
// they are tested instead.
var unreachable = []string{
	"The values of %s could not be worked out, and vpnd can't say why. That is a mistake of vpnd; please report it.",
	"it is larger than a configuration may be", // of what an editor hands to vpnd fmt: bounds.TestInput
	"it is larger than %d MiB",                 // TestFilesThatAreNone
	"%s holds secrets and belongs to the user of number %d, who can read them; to mend that:\nchown root %s", // functions.TestExposure
}

// Every message that the code of config can give is in a golden file: whoever adds one
// writes a case for it, and whoever changes one sees what becomes of it.
func TestEveryMessageHasAGoldenFile(t *testing.T) {
	golden := told(t)
	all := messages(t)
	if len(all) < 100 {
		t.Fatalf("only %d messages were found in the code", len(all))
	}
	for _, m := range all {
		if !m.bare() && !slices.Contains(unreachable, m.text) && !golden.has(m) {
			t.Errorf("%s: no file in testdata tells %q: %q", m.at, m.summary, m.text)
		}
	}
}

// messages finds, in all rooms of config, what is handed to what makes diagnostics and
// errors.
func messages(t *testing.T) []message {
	t.Helper()
	var all []message
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if e.IsDir() && path == "explain" { // whose errors are those of a command: TestExplainSuggests
			return filepath.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if m := messageOf(n); m.text != "" {
				m.at = fmt.Sprint(files.Position(n.Pos()))
				all = append(all, m)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// messageOf returns the message that a call or a value of Go stands for.
func messageOf(n ast.Node) message {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		switch {
		case (name == "Error" || name == "Warning") && len(n.Args) >= 3:
			return message{summary: literal(n.Args[1]), text: literal(n.Args[2])}
		case name == "NewArgErrorf":
			return message{text: literal(n.Args[1])}
		case name == "Errorf" || name == "New" && len(n.Args) == 1:
			return message{text: literal(n.Args[0])}
		case name == "wrong" && len(n.Args) == 3:
			return message{summary: literal(n.Args[1]), text: literal(n.Args[2])}
		}
	case *ast.ReturnStmt: // a sentence
		for _, e := range n.Results {
			if text := literal(e); strings.Count(text, " ") > 2 && strings.HasSuffix(text, ".") {
				return message{text: text}
			}
		}
	case *ast.CompositeLit:
		var m message
		for _, e := range n.Elts {
			if pair, ok := e.(*ast.KeyValueExpr); ok {
				switch key, _ := pair.Key.(*ast.Ident); {
				case key == nil:
				case key.Name == "Summary":
					m.summary = literal(pair.Value)
				case key.Name == "Hint":
					m.text = literal(pair.Value)
				}
			}
		}
		return m
	}
	return message{}
}

// literal returns what is written out in an expression of Go, with %s for the rest.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return literal(e.Args[0])
		}
	}
	return "%s"
}

// A corpus is all that the golden files say is told, a diagnostic an item, with a
// blank for each end of a line.
type corpus []string

func told(t *testing.T) corpus {
	t.Helper()
	var c corpus
	for _, path := range cases(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			if f.Name != "out" {
				continue
			}
			for _, one := range regexp.MustCompile(`(?m)^(Error|Warning): `).Split(string(f.Data), -1)[1:] {
				c = append(c, strings.Join(strings.Fields(one), " "))
			}
		}
	}
	return c
}

var (
	verbs  = regexp.MustCompile(`%[#+]?[a-z]`)
	blanks = regexp.MustCompile(`\s+`)
)

// pattern fits what a format becomes.
func pattern(format string) string {
	parts := verbs.Split(blanks.ReplaceAllString(format, " "), -1)
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	return strings.Join(parts, ".*")
}

func (c corpus) has(m message) bool {
	return slices.ContainsFunc(c, regexp.MustCompile("(?i)"+pattern(m.summary)+".*"+pattern(m.text)).MatchString)
}

// bare says whether a message has no words of its own, as one that wraps another.
func (m message) bare() bool {
	return len(verbs.ReplaceAllString(m.summary+m.text, "")) < 5
}
