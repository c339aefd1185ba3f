package proof

import (
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/object"
	"vpnd/internal/kind/chain/xtables"
)

// databases are where iptables looks up the names of users, groups, protocols
// and ports. A rehearsal is no proof any more when one of them has changed, or
// iptables itself.
var databases = []string{"/etc/passwd", "/etc/group", "/etc/protocols", "/etc/services"}

// settingOf says in a word what a proof depends on besides the rules: the kernel,
// iptables, its databases, and what of the host the rules name.
func settingOf(t *xtables.Tool, objects []object.Object) string {
	var system unix.Utsname
	_ = unix.Uname(&system)
	h := sha256.New()
	fmt.Fprintln(h, t.Family, t.Backend, unix.ByteSliceToString(system.Release[:]), objects)
	for _, path := range append([]string{t.Restore}, databases...) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
