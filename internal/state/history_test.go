package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A history that has grown too long loses its older half, at the border of a line.
func TestHistoryStaysInProportion(t *testing.T) {
	s := open1(t, t.TempDir())
	var long strings.Builder
	for i := 0; long.Len() <= longest; i++ {
		fmt.Fprintf(&long, `{"command":"apply","snapshot":"%d","error":%q}`+"\n", i, strings.Repeat("x", 1000))
	}
	path := filepath.Join(s.Dir(), "history.jsonl")
	if err := os.WriteFile(path, []byte(long.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Note(Entry{Command: "last"}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) > longest/2+2000 || len(data) < longest/2-2000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	entries, err := s.History()
	if err != nil || entries[len(entries)-1].Command != "last" || len(entries) != strings.Count(string(data), "\n") {
		t.Errorf("%d entries in %d lines, %v", len(entries), strings.Count(string(data), "\n"), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
