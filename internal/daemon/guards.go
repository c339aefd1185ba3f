package daemon

import "vpnd/internal/resource"

// Guards says whether the host's safety rests on the thing from moment to
// moment: packets pass by what the kernel holds now. These things are made
// first at boot, and repaired while a package manager works, since no package
// brings them. Only the kernel holds them, so a full disk keeps nobody from
// repairing or undoing them.
func Guards(id resource.ID) bool {
	switch id.Kind {
	case "chain", "sysctl", "tun", "route":
		return true
	}
	return false
}
