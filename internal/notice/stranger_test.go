package notice_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// strange marks a process of this binary that is none of those that do the
// tests: it does one thing to a file, which the variable says.
const strange = "VPND_NOTICE_STRANGER"

// stay is how long it is there afterwards, for its name to be asked for on a
// machine that is busy.
const stay = 3 * time.Second

// stranger is the life of such a process.
func stranger() {
	words := strings.Fields(os.Getenv(strange))
	if err := deed(words[0], words[1], words[len(words)-1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	time.Sleep(stay)
}

func deed(what, from, to string) error {
	switch what {
	case "write":
		return os.WriteFile(to, []byte(what), 0o644)
	case "chmod":
		return os.Chmod(to, 0o600)
	case "chown":
		return os.Chown(to, 1, 1)
	case "rename":
		return os.Rename(from, to)
	case "remove":
		return os.Remove(to)
	case "symlink":
		return os.Symlink(from, to)
	case "mkdir":
		return os.Mkdir(to, 0o755)
	}
	return fmt.Errorf("what is %s?", what)
}

// strangers has a process that is not ours do each of the things at once, below
// the root. They are the children of a shell that ends.
func (p place) strangers(deeds ...string) {
	p.t.Helper()
	self, err := os.Executable()
	p.do(err)
	cmd := exec.Command("sh", append([]string{"-c", `for deed; do ` + strange + `="$deed" "$0" & done`, self}, deeds...)...)
	cmd.Dir = p.root
	p.do(cmd.Run())
}
