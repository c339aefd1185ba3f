// Package sysctl converges kernel parameters, now and at boot.
package sysctl

// Sysctl is a kernel parameter, set now and at boot. Its name is the key, with
// dots or with slashes; see sysctl.d(5).
type Sysctl struct {
	Value      *string `vpnd:"value,required" doc:"what the kernel shall hold"`
	Boot       *string `vpnd:"boot,computed" doc:"what the files below sysctl.d will set at the next boot"`
	Overridden *string `vpnd:"overridden_by,computed" doc:"the file that would win at boot over the one of vpnd; empty where none does"`
}
