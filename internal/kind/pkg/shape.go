// Package pkg converges packages of the distribution.
package pkg

// Package is a package of the distribution: apt or dnf. Its name is the
// package's. That a package is not installed is a state like another: it is
// observed as such, and never as nothing.
type Package struct {
	Installed *bool   `vpnd:"installed,glance" doc:"whether it shall be there; a package is removed only when this says false" default:"true"`
	Version   *string `vpnd:"version,glance" doc:"the version it shall have, in full, as dpkg-query -W or rpm -q say it; left out, any will do"`
}
