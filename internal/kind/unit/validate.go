package unit

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// The form of names is that of systemd.unit(5). Slices, scopes and devices are
// made by programs and the kernel.
var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+\.(service|socket|target|timer|mount|automount|swap|path)$`)
	dropinForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

const (
	maxName   = 255
	maxDropin = 200 // a file name has 255 bytes, and the endings need some
)

// Validate finds what can't be without looking at a host.
func (u *Unit) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	switch {
	case nameForm.MatchString(name+".service") && !strings.Contains(name, "."):
		add("", fmt.Sprintf("write %q", name+".service"), "%q lacks the suffix of a unit", name)
	case !nameForm.MatchString(name) || len(name) > maxName || strings.HasPrefix(name, "@"):
		add("", "write it with its suffix, as in ssh.service or openvpn-server@office.service", "%q is no name of a unit", name)
	case strings.Contains(name, "@."):
		add("", fmt.Sprintf("name an instance, as in %s", strings.Replace(name, "@.", "@office.", 1)), "%s is a template, which can't run by itself", name)
	}
	if on := u.OnChange; on != nil && !slices.Contains([]string{"reload", "restart", "none"}, *on) {
		add("on_change", "write reload, restart or none", "%q is nothing that can be done on a change", *on)
	}
	seen := make(map[string]bool)
	for _, d := range u.Dropins {
		path := "dropin." + d.Name
		switch {
		case !dropinForm.MatchString(d.Name) || len(d.Name) > maxDropin || strings.HasSuffix(d.Name, ".conf"):
			add(path, "use letters, digits, dots, dashes and underscores, as in 10-limits; .conf is added", "%q is no name of a drop-in", d.Name)
		case seen[d.Name]:
			add(path, "put them into one", "the drop-in %s is there twice", d.Name)
		case d.Content != nil && strings.ContainsRune(*d.Content, 0):
			add(path+".content", "take it out", "the drop-in holds a NUL byte")
		}
		seen[d.Name] = true
	}
	for _, path := range slices.Sorted(maps.Keys(u.OtherDropins)) {
		if text, hint := u.otherMistake(name, path); text != "" {
			add("other_dropins", hint, "%s", text)
		}
	}
	return found
}

// otherMistake says what is wrong with a drop-in of others, if anything is.
func (u *Unit) otherMistake(name, file string) (text, hint string) {
	dir, base := path.Split(file)
	form := strings.TrimSuffix(base, ".conf")
	inPlace := slices.ContainsFunc(dropinDirs, func(d string) bool { return dir == path.Join(d, name+".d")+"/" })
	own := slices.ContainsFunc(u.Dropins, func(d Dropin) bool { return dir == directory(name)+"/" && d.Name == form })
	content := u.OtherDropins[file]
	switch {
	case !inPlace || form == base || !dropinForm.MatchString(form):
		return fmt.Sprintf("%q is no path of a drop-in of this unit", file), fmt.Sprintf("write it as in %s/10-limits.conf", directory(name))
	case own:
		return fmt.Sprintf("%s is vpnd's own, by the block dropin %q", file, form), "leave it out here, or the block"
	case strings.HasPrefix(content, mark):
		return fmt.Sprintf("%s begins as files of vpnd do", file), "make it a dropin block"
	case content == resource.Masked || strings.ContainsRune(content, 0):
		return fmt.Sprintf("%s can't hold that", file), "write out what it holds, without NUL bytes"
	}
	return "", ""
}
