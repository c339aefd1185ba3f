package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/a_test.go":   "package a\nfunc TestDebianKernelOne(t *testing.T) {}\nfunc TestOther(t *testing.T) {}\nfunc (x y) TestDebianKernelMethod() {}\n",
		"a/b_test.go":   "package a\nfunc TestDebianKernelTwo(t *testing.T) {}\n",
		"b/c/c_test.go": "package c\n// func TestDebianKernelComment\n",
		"b/d/d.go":      "package d\nfunc TestDebianKernelNoTest() {}\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := find(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []suite{{filepath.Join(root, "a"), []string{"TestDebianKernelOne", "TestDebianKernelTwo"}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if got := narrow(got, "Two"); !reflect.DeepEqual(got, []suite{{filepath.Join(root, "a"), []string{"TestDebianKernelTwo"}}}) {
		t.Errorf("narrowed to %v", got)
	}
}

// What did not run, or only in part, is as wrong as what failed.
func TestResults(t *testing.T) {
	suites := []suite{{"internal/a", []string{"TestDebianKernelGood", "TestDebianKernelBad", "TestDebianKernelSkips", "TestDebianKernelPart", "TestDebianKernelPanics"}}, {"internal/b", []string{"TestDebianKernelGood"}}}
	var out strings.Builder
	r := &results{out: &out, of: map[string]string{}}
	said := begins + `internal/a
=== RUN   TestDebianKernelGood
    a_test.go:1: 12 Mbit/s
--- PASS: TestDebianKernelGood (1.00s)
--- FAIL: TestDebianKernelBad (0.10s)
--- SKIP: TestDebianKernelSkips (0.00s)
--- PASS: TestDebianKernelPart (0.00s)
    --- PASS: TestDebianKernelPart/one (0.00s)
    --- SKIP: TestDebianKernelPart/two (0.00s)
=== RUN   TestDebianKernelPanics
panic: over
`
	for _, piece := range strings.SplitAfter(strings.ReplaceAll(said, "\n", "\r\n"), "e") {
		fmt.Fprint(r, piece)
	}
	want := []string{
		"internal/a: TestDebianKernelBad failed",
		"internal/a: TestDebianKernelSkips was skipped",
		"internal/a: TestDebianKernelPanics did not run to its end",
		"internal/b: TestDebianKernelGood did not run to its end",
		"internal/a: TestDebianKernelPart/two was skipped",
	}
	if got := r.wrong(suites); !reflect.DeepEqual(got, want) {
		t.Errorf("wrong is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.Contains(out.String(), "12 Mbit/s\n") || strings.Contains(out.String(), "=== RUN") {
		t.Errorf("a person reads\n%s", out.String())
	}
}
