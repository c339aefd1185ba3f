package file

import (
	"fmt"
	"os"
	"syscall"

	"vpnd/internal/resource"
)

// Exposed is what is wrong with a file of secrets that no block makes and that others
// than root can read; nil where nobody can, or where it is not there.
func Exposed(name string) *resource.Mistake {
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	owner := 0
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	switch mode := info.Mode().Perm(); {
	case owner != 0 && owner != os.Geteuid():
		return &resource.Mistake{Summary: fmt.Sprintf("%s holds a secret and belongs to the user of number %d, who can read it", name, owner), Hint: "chown root " + name}
	case mode&0o077 != 0:
		return &resource.Mistake{Summary: fmt.Sprintf("%s holds a secret and has mode %s, so that others can read it", name, resource.Mode(mode)), Hint: "chmod 0600 " + name}
	}
	return nil
}
