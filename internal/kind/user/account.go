package user

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"vpnd/internal/atomic"
)

// maxTable is how much of /etc/passwd is read, in bytes.
const maxTable = 64 << 20

// firstPerson is the first number that belongs to a person; SYS_UID_MAX of
// login.defs(5) and of systemd is one less.
const firstPerson = 1000

// An account is a line of /etc/passwd.
type account struct {
	uid                int
	gecos, home, shell string
}

// accounts returns the accounts below the root, by name.
func accounts(root string) (map[string]account, error) {
	all := make(map[string]account)
	err := table(root, "/etc/passwd", func(f []string) {
		if len(f) != 7 {
			return
		}
		uid, err := strconv.Atoi(f[2])
		if _, twice := all[f[0]]; err == nil && !twice { // the first one counts
			all[f[0]] = account{uid, f[4], f[5], f[6]}
		}
	})
	return all, err
}

// locked returns the accounts with a password that fits nothing; shadow(5).
func locked(root string) (map[string]bool, error) {
	all := make(map[string]bool)
	err := table(root, "/etc/shadow", func(f []string) {
		if len(f) > 1 && (strings.HasPrefix(f[1], "!") || strings.HasPrefix(f[1], "*")) {
			all[f[0]] = true
		}
	})
	return all, err
}

// hasGroup says whether there is a group of that name.
func hasGroup(root, name string) (found bool, err error) {
	err = table(root, "/etc/group", func(f []string) { found = found || f[0] == name })
	return found, err
}

// table calls do for each line of a table of accounts; one that is not there is
// empty.
func table(root, file string, do func(fields []string)) error {
	data, err := atomic.ReadFile(root, file, maxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the accounts: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		do(strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
	return nil
}

// declaration is the path of the file of vpnd for an account.
func declaration(name string) string { return "/etc/sysusers.d/vpnd-" + name + ".conf" }

// declared is what stands in that file.
func declared(name, gecos, home, shell string) string {
	return fmt.Sprintf("# Made by vpnd for system_user.%s; edits are undone. Change /etc/vpnd instead.\nu %s - %q %s %s\n", name, name, gecos, home, shell)
}

// readDeclaration returns what stands in the file of vpnd, empty where there is
// none or where somebody else wrote it.
func readDeclaration(root, name string) (string, error) {
	data, err := atomic.ReadFile(root, declaration(name), 1<<16)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", declaration(name), err)
	}
	if !strings.HasPrefix(string(data), "# Made by vpnd ") {
		return "", fmt.Errorf("%s is not vpnd's, which would write one of that name; move it away, or choose another name", declaration(name))
	}
	return string(data), nil
}

// ours says whether vpnd made an account: by its description, or by the file that
// it was made from where somebody changed that since. Never is one that a person
// could have.
func ours(a account, declaration string) bool {
	return a.uid > 0 && a.uid < firstPerson && (strings.HasSuffix(a.gecos, mark) || declaration != "")
}
