package config

import (
	"fmt"
	"testing"

	"vpnd/internal/resource"
)

// bundleShape is like assembled_file.
type bundleShape struct {
	Parts []string `vpnd:"parts,hint" doc:"what it is made of"`
}

type bundles struct{ fakeVerbs[bundleShape] }

func (bundles) From(want bundleShape) []string { return want.Parts }

func TestWhatIsMadeFromOthersFollowsThem(t *testing.T) {
	dir := folder(t, map[string]string{"a.hcl": `bundle "/all" { parts = ["/one", "/two", "/all", "/elsewhere"] }
file "/one" { content = "1" }
secret_file "/two" { content = "zwei" }
`})
	catalog := fakeCatalog()
	catalog.Kinds = append(catalog.Kinds, resource.Define("bundle", "A file made of others.", bundles{}))
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
