package pkg

import (
	"fmt"
	"regexp"
	"strings"

	"vpnd/internal/resource"
)

// The names are those of Debian policy 5.6.1 and of rpm's file names, the
// versions those of deb-version(7) and of rpm's [epoch:]version-release. A last
// dash would make apt-get remove what it shall install.
var (
	nameForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`)
	versionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._:~^-]*$`)
)

// Validate finds what can't be without looking at a host.
func (p *Package) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	if !sound(nameForm, name) {
		found = append(found, resource.Mistake{
			Summary: fmt.Sprintf("%q is no name of a package", name),
			Hint:    "give the name alone, as in openvpn; a version goes into version",
		})
	}
	if p.Version == nil {
		return found
	}
	if !sound(versionForm, *p.Version) {
		found = append(found, resource.Mistake{
			Path: "version", Summary: fmt.Sprintf("%q is no version of a package", *p.Version),
			Hint: "give it in full, as in 2.6.3-1+deb12u2, or leave the line out",
		})
	}
	if p.Installed != nil && !*p.Installed {
		found = append(found, resource.Mistake{
			Path: "version", Summary: "a package that shall not be installed has no version", Hint: "leave the line out",
		})
	}
	return found
}

func sound(form *regexp.Regexp, word string) bool {
	return form.MatchString(word) && !strings.HasSuffix(word, "-")
}
