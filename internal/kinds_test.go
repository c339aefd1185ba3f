package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// knowsKinds are who may go by the name of a kind or of an attribute: the kinds and
// composites themselves, the catalog of tests, and the programs that check vpnd from
// without.
var knowsKinds = []string{"kind/", "vpn/", "lab/", "system/", "config/configtest/"}

// judges read the wishes of certain kinds, since they are about what these say: whom
// an undo must not let in again.
const judges = "revoked/"

// A new kind changes nothing else: whoever decides by what a thing is asks for its
// traits.
func TestNobodyDecidesByTheNameOfAKind(t *testing.T) {
	files, judged := 0, false
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		known := slices.ContainsFunc(knowsKinds, func(dir string) bool { return strings.HasPrefix(path, dir) })
		if err != nil || d.IsDir() || known || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		for _, place := range decisions(t, path) {
			if judged = judged || strings.HasPrefix(path, judges); strings.HasPrefix(path, judges) {
				continue
			}
			t.Errorf("%s decides by a name; let a trait say it, see resource.Traits", place)
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("%d files, %v", files, err)
	}
	if !judged {
		t.Errorf("%s decides by no name any more; take it out here", judges)
	}
}

// decisions returns where a file compares the name of a kind or an attribute.
func decisions(t *testing.T, path string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	found := func(n ast.Node) { places = append(places, fmt.Sprint(set.Position(n.Pos()))) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (names(n.X) && fixed(n.Y) || names(n.Y) && fixed(n.X)) {
				found(n)
			}
		case *ast.SwitchStmt:
			for _, one := range n.Body.List {
				if n.Tag != nil && names(n.Tag) && slices.ContainsFunc(one.(*ast.CaseClause).List, fixed) {
					found(one)
				}
			}
		}
		return true
	})
	return places
}

// names says whether an expression is the name of a kind or an attribute.
func names(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Kind" || s.Sel.Name == "Attribute")
}

// fixed says whether an expression is a certain name: a text, or a constant for one.
func fixed(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING && e.Value != `""`
	case *ast.SelectorExpr:
		return strings.HasPrefix(e.Sel.Name, "Kind") && e.Sel.Name != "Kind"
	}
	return false
}
