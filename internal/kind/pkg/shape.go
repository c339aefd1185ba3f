// Package pkg converges packages of the distribution.
package pkg

// Package is a package of the distribution: apt or dnf. Its name is the
// package's.
type Package struct {
	Installed *bool   `vpnd:"installed" doc:"whether it shall be there; a package is removed only when this says false" default:"true"`
	Version   *string `vpnd:"version" doc:"the version to hold it at; left out, any will do"`
}
