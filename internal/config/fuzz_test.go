package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/source"
)

// FuzzLoad reads anything, as HCL and as JSON. Nothing may panic, and with an
// error there is nothing to apply.
func FuzzLoad(f *testing.F) {
	for _, path := range cases(f) {
		if strings.HasPrefix(filepath.Base(path), "bounds-") { // which take their time to get there
			continue
		}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name != "out" {
				f.Add(string(file.Data), filepath.Ext(file.Name) == ".json")
			}
		}
	}
	f.Add("x = 1\n"+`dynamic "tun" {
  for_each = { a = null }
  labels = [tun.value]
  content { mtu = 1e9999 }
}`, false)
	f.Fuzz(func(t *testing.T, text string, json bool) {
		if len(text) > 16<<10 {
			t.Skip("deep nesting takes stack, not insight")
		}
		name := filepath.Join(t.TempDir(), "a.hcl")
		if json {
			name += ".json"
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, diags := Load(Source{Paths: []string{name}, Vars: map[string]string{"a": text[:min(9, len(text))]}}, configtest.Catalog(), "0.1.0")
		if diags.HasErrors() && len(c.Desired.Present) > 0 {
			t.Error("there are errors, and yet something to apply")
		}
		if err := diag.Print(io.Discard, diags, c.Files, 80, true); err != nil {
			t.Error(err)
		}
		source.Format([]byte(text), name)
	})
}

// BenchmarkLoad reads ten thousand blocks, which must stay pleasant.
func BenchmarkLoad(b *testing.B) {
	name := filepath.Join(b.TempDir(), "a.hcl")
	var text strings.Builder
	text.WriteString("directory \"/srv\" {}\n")
	for i := range 10000 {
		fmt.Fprintf(&text, "file \"/srv/%d\" {\n  content = \"${directory[\"/srv\"].mode} %d\"\n}\n", i, i)
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, diags := Load(Source{Paths: []string{name}}, configtest.Catalog(), ""); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
}
