// Package lab boots real Debian hosts with systemd on this machine, joins
// them with links, enters them and ends them. System tests and the demo stand
// on it.
//
// A host is an overlay over one cached root file system, booted by
// systemd-nspawn(1). Each host is the only tenant of a PID and a mount
// namespace, whose first process dies with the thread that made it: when this
// process ends, for whatever reason, the kernel ends every host and unmounts
// every overlay. Network namespaces are held by file descriptors and links are
// made inside them, so no link, mount, address or firewall rule of a lab ever
// appears on the machine itself. What a killed process leaves is a folder and
// some empty control groups, which the next lab removes.
//
// A lab needs root and a Debian or Ubuntu machine.
package lab
