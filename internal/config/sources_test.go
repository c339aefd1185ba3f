package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/config/configtest"
	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
)

// bundleShape is like assembled_file.
type bundleShape struct {
	Parts []string `vpnd:"parts,hint" doc:"what it is made of"`
}

type bundles struct{ configtest.Verbs[bundleShape] }

func (bundles) From(want bundleShape) []string { return want.Parts }

func TestWhatIsMadeFromOthersFollowsThem(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": `bundle "/all" { parts = ["/one", "/two", "/all", "/elsewhere"] }
file "/one" { content = "1" }
secret_file "/two" { content = "zwei" }
`})
	catalog := configtest.Catalog()
	catalog.Kinds = append(catalog.Kinds, resource.Define("bundle", "A file made of others.", resource.Traits{}, bundles{}))
	c, diags := Load(Source{Paths: []string{dir}}, catalog, "")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	got := c.Desired.Present[0]
	told := fmt.Sprint(got.ID, " after ", got.After, " follows")
	for _, trigger := range got.Triggers {
		told += fmt.Sprint(" ", trigger.On, ":", trigger.Do)
	}
	want := `bundle["/all"] after [file["/one"] secret_file["/two"]] follows file["/one"]:rebuild secret_file["/two"]:rebuild`
	if told != want {
		t.Errorf("got  %s\nwant %s", told, want)
	}
}

// Two things of one name come in the same order whenever the files are read: an agent
// would take the same files for changed ones.
func TestFilesAreReadTheSameEachTime(t *testing.T) {
	dir := configtest.Files(t, map[string]string{"a.hcl": `bundle "all" { parts = ["x"] }
tun "x" {}
package "x" {}
`})
	catalog := configtest.Catalog()
	catalog.Kinds = append(catalog.Kinds, resource.Define("bundle", "A file made of others.", resource.Traits{}, bundles{}))
	for range 30 {
		c, diags := Load(Source{Paths: []string{dir}}, catalog, "")
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		want := `[{package.x rebuild} {tun.x rebuild}]`
		if got := fmt.Sprint(c.Desired.Present[0].Triggers); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// A file of variables that can't be parsed is quoted without its values.
func TestBrokenFileOfVariablesTellsNoValue(t *testing.T) {
	for name, text := range map[string]string{
		"a.vars": "psk = \"hush\n",
		"b.vars": "x = [\"hush\", {y = \"hush\"}\nz = \"hush\" \"hush\"\n",
		"c.json": `{"psk": "hush" "hush"}`,
	} {
		dir := configtest.Files(t, map[string]string{"a.hcl": "variable \"psk\" { default = \"\" }\n", name: text})
		vars := filepath.Join(dir, name)
		c, diags := Load(Source{Paths: []string{filepath.Join(dir, "a.hcl")}, VarFiles: []string{vars}}, configtest.Catalog(), "")
		var b strings.Builder
		if err := diag.Print(&b, diags, c.Files, 80, false); err != nil {
			t.Fatal(err)
		}
		if !diags.HasErrors() || strings.Contains(b.String(), "hush") || !strings.Contains(b.String(), "*") {
			t.Errorf("%s:\n%s", name, b.String())
		}
	}
}
