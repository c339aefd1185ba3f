// Package machine boots a machine with Debian's own kernel under qemu(1), for what
// the kernel at hand may lack: IPsec, xfrm interfaces, WireGuard, modules. A script
// runs in it, and what it prints and how it ends comes back.
//
// The machine's root file system is the lab's, as that of its hosts, with the
// kernel's modules over it; the lab's cache is mounted where it is outside. So a
// lab can be made inside: its hosts boot and are joined as on any machine, and share
// the machine's kernel.
//
//	┌ this machine ──────────────────────────────────────┐
//	│ disk, kernel, initrd: made once, in the lab's cache │
//	│ ┌ machine: Debian's kernel, two processors ───────┐ │
//	│ │ script ── lab ──┬─ host "east" (systemd-nspawn) │ │
//	│ │                 └─ host "west"                  │ │
//	│ └─────────────────────────────────────────────────┘ │
//	└─────────────────────────────────────────────────────┘
//
// The disk is never written to: each run has what it writes in a file that
// vanishes with it. Where KVM does not work the processor is emulated: what takes a
// second outside takes some ten. Hosts are waited for accordingly
// ([lab.PatienceVariable]).
//
// It needs root and a Debian machine of amd64, and installs what it lacks.
package machine
