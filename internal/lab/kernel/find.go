package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// prefix is how the name of a test begins that needs Debian's own kernel (see
// nettest.Kernel).
const prefix = "TestDebianKernel"

// A suite is a package with such tests.
type suite struct {
	dir   string // below the module's root
	tests []string
}

// find finds the tests below a directory.
func find(root string) ([]suite, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, prefix) {
				dir := filepath.Dir(path)
				found[dir] = append(found[dir], f.Name.Name)
			}
		}
		return nil
	})
	var suites []suite
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		suites = append(suites, suite{dir, found[dir]})
	}
	return suites, err
}

// narrow leaves the tests whose names contain a word.
func narrow(suites []suite, word string) []suite {
	var left []suite
	for _, s := range suites {
		s.tests = slices.DeleteFunc(s.tests, func(name string) bool { return !strings.Contains(name, word) })
		if len(s.tests) > 0 {
			left = append(left, s)
		}
	}
	return left
}
