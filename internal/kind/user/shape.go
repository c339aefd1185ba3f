// Package user converges system accounts, by systemd-sysusers(8) and a file of
// vpnd's own in sysusers.d(5), so that an image and a host that was made anew get
// them too.
package user

import (
	"fmt"
	"regexp"
	"strings"

	"vpnd/internal/resource"
)

// User is a system account for a service or a tunnel, and the group of that name.
// Its name is the account's. Nobody can log in with it: it has no password and no
// shell. An account that is there already is never taken over.
type User struct {
	Description *string `vpnd:"description" doc:"what it is for, in words; getent passwd shows it" default:"account of a service"`
	Home        *string `vpnd:"home" doc:"its home directory, which vpnd does not make" default:"/nonexistent"`

	Shell    *string `vpnd:"shell,computed" doc:"its shell, which lets nobody in"`
	Locked   *bool   `vpnd:"locked,computed" doc:"whether no password lets anybody in"`
	Declared *bool   `vpnd:"declared,computed" doc:"whether the file of vpnd below /etc/sysusers.d has it made again where it is lost"`
	Ours     *bool   `vpnd:"made_by_vpnd,computed" doc:"whether vpnd made it; one of somebody else is left alone"`
}

// Traits are what accounts are.
var Traits = resource.Traits{}

// nologin is the shell of all of them.
const nologin = "/usr/sbin/nologin"

// mark ends the description of the accounts that vpnd makes: it comes with the
// account, in one step, and stays when the state of vpnd is lost. A comma is what
// parts the fields of a description, passwd(5).
const mark = ",made by vpnd"

var (
	// sysusers.d(5) takes names of at most 31 characters; in capitals not every
	// program does.
	nameForm        = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
	homeForm        = regexp.MustCompile(`^/[A-Za-z0-9_./-]*$`)
	descriptionForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._@/-]{0,99}$`)
)

// Validate says what is wrong with the block.
func (u *User) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if !nameForm.MatchString(name) {
		add("", "use small letters, digits, dashes and underscores, at most 31 of them, a letter first", "%q is no name of an account", name)
	}
	if name == "root" || name == "nobody" {
		add("", "choose another name", "%s is an account of the system itself", name)
	}
	if home := resource.Or(u.Home, "/"); !homeForm.MatchString(home) || strings.Contains(home+"/", "/../") {
		add("home", "write an absolute path of letters, digits, dots, dashes and underscores", "%q is no home directory", home)
	}
	if text := resource.Or(u.Description, "x"); !descriptionForm.MatchString(text) {
		add("description", "use letters, digits, spaces, dots and dashes, at most 100 of them; a colon or a comma would begin another field of /etc/passwd", "%q can't be a description", text)
	}
	return found
}
