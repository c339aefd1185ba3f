// Package sysctl converges kernel parameters, now and at boot.
package sysctl

// Sysctl is a kernel parameter, set now and at boot. Its name is the key with
// dots, in which a dot that belongs to the name of an interface is written as
// a slash, as in net.ipv4.conf.eth0/100.forwarding; see sysctl.d(5). Verbs take
// the form with slashes for the same key.
//
// For the boot vpnd has a file of its own a key. It sorts behind the files
// that distributions and people make, so that it wins over them.
//
// A switch of forwarding that comes after filter rules is off at boot: those
// who read the files know nothing of rules. Its value is in a second file, which
// no boot finds, for whoever reads the files again while the host runs.
type Sysctl struct {
	Value      *string           `vpnd:"value,required,glance" doc:"what the kernel shall hold"`
	Boot       *string           `vpnd:"boot,computed" words:"at boot" doc:"what the file of vpnd below /etc/sysctl.d sets at the next boot, 0 for forwarding that comes after filter rules; empty where there is none"`
	Runtime    *string           `vpnd:"runtime,computed" words:"until the next boot" doc:"what the file of vpnd below /run/sysctl.d sets until the next boot, where that differs; empty where there is none"`
	Siblings   map[string]string `vpnd:"siblings,computed,hint" doc:"keys that the kernel changes along with this one, with their values"`
	Overridden *string           `vpnd:"overridden_by,computed,hint" doc:"the file of somebody else that wins at boot with another value; empty where none does"`
}
