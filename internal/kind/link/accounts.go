package link

import (
	"fmt"
	"os/user"
	"strconv"
)

// An accounts list turns names of users or of groups into numbers and back. An
// empty name stands for nobody.
type accounts struct {
	what     string
	byName   func(string) (number string, err error)
	byNumber func(string) (name string, err error)
}

var users = accounts{
	what: "user",
	byName: func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	},
	byNumber: func(number string) (string, error) {
		u, err := user.LookupId(number)
		if err != nil {
			return "", err
		}
		return u.Username, nil
	},
}

var groups = accounts{
	what: "group",
	byName: func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	},
	byNumber: func(number string) (string, error) {
		g, err := user.LookupGroupId(number)
		if err != nil {
			return "", err
		}
		return g.Name, nil
	},
}

// number returns the number of a name, or -1 for nobody.
func (a accounts) number(name *string) (int, error) {
	if name == nil || *name == "" {
		return -1, nil
	}
	word, err := a.byName(*name)
	if err != nil {
		// No such name: then it must be a number itself.
		word = *name
	}
	n, err := strconv.ParseUint(word, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("there is no %s %q; if a package brings it, add that to depends_on", a.what, *name)
	}
	return int(n), nil
}

// name returns the name of a number, or the number where it has none.
func (a accounts) name(number *uint32) string {
	if number == nil {
		return ""
	}
	word := strconv.FormatUint(uint64(*number), 10)
	if name, err := a.byNumber(word); err == nil {
		return name
	}
	return word
}

// canonical writes a number as the name it has. What can't be found stays: a
// package may bring it.
func (a accounts) canonical(name *string) *string {
	n, err := a.number(name)
	if err != nil || n < 0 {
		return name
	}
	u := uint32(n)
	word := a.name(&u)
	return &word
}
