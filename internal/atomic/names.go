package atomic

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
)

// maxAccounts is how large /etc/passwd or /etc/group may be, in bytes.
const maxAccounts = 16 << 20

// Names are the users and groups below a root.
type Names struct {
	users  table
	groups table
}

// table is one of passwd(5) and group(5). The first line of a name and of a
// number counts, and digits are always a number.
type table struct {
	what    string
	numbers map[string]int
	names   map[int]string
	ask     func(name string) (string, error) // the host's other sources; nil below another root
}

// ReadNames reads /etc/passwd and /etc/group below the root. A root without
// them has numbers, and root, which is always 0.
func ReadNames(root string) (*Names, error) {
	users, err := readTable(root, "/etc/passwd", "user")
	if err != nil {
		return nil, err
	}
	groups, err := readTable(root, "/etc/group", "group")
	if err != nil {
		return nil, err
	}
	if root == "/" {
		users.ask, groups.ask = userID, groupID
	}
	return &Names{users: users, groups: groups}, nil
}

func userID(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupID(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

func readTable(root, file, what string) (table, error) {
	t := table{what: what, numbers: make(map[string]int), names: make(map[int]string)}
	data, err := ReadFile(root, file, maxAccounts)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("reading the %ss: %w", what, err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxAccounts)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 {
			continue
		}
		if number, err := strconv.Atoi(fields[2]); err == nil {
			t.add(fields[0], number)
		}
	}
	t.add("root", 0)
	return t, lines.Err()
}

// add takes in a line, unless its name is known or could be taken for a
// number: what name returns, number must read back.
func (t table) add(name string, number int) {
	if _, known := t.numbers[name]; known || isNumber(name) {
		return
	}
	t.numbers[name] = number
	if _, known := t.names[number]; !known {
		t.names[number] = name
	}
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return err == nil
}

// number reads a name or a number.
func (t table) number(s string) (int, error) {
	if n, ok := t.numbers[s]; ok {
		return n, nil
	}
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return int(n), nil
	}
	if t.ask != nil {
		if answer, err := t.ask(s); err == nil {
			return strconv.Atoi(answer)
		}
	}
	return 0, fmt.Errorf("there is no %s %q; create it first, or give a number", t.what, s)
}

func (t table) name(n int) string {
	if name, ok := t.names[n]; ok {
		return name
	}
	return strconv.Itoa(n)
}

// UID returns the number of a user, given by name or number.
func (n *Names) UID(user string) (int, error) { return n.users.number(user) }

// GID returns the number of a group, given by name or number.
func (n *Names) GID(group string) (int, error) { return n.groups.number(group) }

// User returns the name of a user, or the number in digits where it has none.
func (n *Names) User(uid int) string { return n.users.name(uid) }

// Group returns the name of a group, or the number in digits where it has none.
func (n *Names) Group(gid int) string { return n.groups.name(gid) }
