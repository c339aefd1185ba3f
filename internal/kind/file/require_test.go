package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// What another program needs is looked for through links, and what the plan or a
// package makes is taken for made.
func TestThereAndInto(t *testing.T) {
	dir := t.TempDir()
	there, gone, link := filepath.Join(dir, "there"), filepath.Join(dir, "gone"), filepath.Join(dir, "link")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(gone, link); err != nil {
		t.Fatal(err)
	}
	none := resource.Prospect{}
	coming := func(kind, name string) resource.Prospect {
		by := resource.Arrival{By: resource.ID{Kind: kind, Name: "x"}}
		return resource.Prospect{Step: 1, Coming: map[resource.ID]resource.Arrival{{Kind: kind, Name: name}: by}}
	}
	for name, c := range map[string]struct {
		got *resource.Mistake
		bad bool
	}{
		"there":                    {There(there, none), false},
		"gone":                     {There(gone, none), true},
		"a link to what is gone":   {There(link, none), true},
		"made by the plan":         {There(gone, coming(resource.Path, gone)), false},
		"another made by the plan": {There(gone, coming(resource.Path, there)), true},
		"beside a package":         {There(gone, coming("package", "openvpn")), true},
		"without a path":           {There("gone", none), false},
		"into a directory":         {Into(gone, none), false},
		"into none":                {Into(filepath.Join(gone, "x"), none), true},
	} {
		if (c.got != nil) != c.bad || c.bad && (!strings.Contains(c.got.Summary, "there is no") || c.got.Hint == "") {
			t.Errorf("%s: %+v", name, c.got)
		}
	}
	for name, says := range map[string]string{"there/x": "is no directory", "gone/x": "does not exist", "new": ""} {
		err := preflight(dir, "/"+name, nil, nil, none)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
