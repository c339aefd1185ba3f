package unit

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// dropinDirs are where drop-ins are that come with no package: systemctl edit
// writes them beside the unit files, and systemctl set-property in .control;
// systemd.unit(5).
var dropinDirs = []string{etc, etc + ".control", "/run/systemd/system", "/run/systemd/system.control"}

// linkTo begins what stands for the content of a drop-in that is a symbolic
// link. No drop-in holds a line like it.
const linkTo = "symbolic link to "

// foreign are the drop-ins of somebody else, by their paths.
type foreign struct {
	all    map[string]string          // what they hold, Masked where not all may read that
	closed map[string]resource.Secret // what those hold that not all may read
}

// others returns the drop-ins of the unit that vpnd did not write. While a
// restart is owed there is one that nobody wishes, as in [Verbs.dropins].
func (v Verbs) others(unit string) (foreign, error) {
	found := foreign{make(map[string]string), make(map[string]resource.Secret)}
	for _, dir := range dropinDirs {
		names, err := v.list(path.Join(dir, unit+".d"))
		if err != nil {
			return found, err
		}
		for _, name := range names {
			if err := v.other(path.Join(dir, unit+".d", name), found); err != nil {
				return found, err
			}
		}
	}
	pending, err := v.pending(unit)
	if pending {
		found.all[path.Join(directory(unit), owed)] = "until the unit was restarted\n"
	}
	return found, err
}

// other takes in a drop-in, unless it is vpnd's own, or nothing that systemd
// reads.
func (v Verbs) other(name string, found foreign) error {
	info, data, err := atomic.Look(v.Root, name, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.Mode&fs.ModeSymlink != 0:
		found.all[name] = linkTo + info.Links
	case !info.Mode.IsRegular() || strings.HasPrefix(string(data), mark):
	case info.Mode&0o004 == 0:
		found.all[name], found.closed[name] = resource.Masked, *resource.NewSecret(string(data))
	default:
		found.all[name] = string(data)
	}
	return nil
}

// told names the drop-ins of others that stay: all, or, where those of the unit
// are managed, those of its template, which are also other units'.
func (v Verbs) told(unit string, found foreign, managed bool) (string, error) {
	var names []string
	if !managed {
		names = slices.Sorted(maps.Keys(asked(unit, found.all)))
	}
	if t := template(unit); t != unit {
		its, err := v.others(t)
		if err != nil {
			return "", err
		}
		names = append(names, slices.Sorted(maps.Keys(its.all))...)
	}
	return strings.Join(names, ", "), nil
}

// asked returns drop-ins of others without the one that stands for a restart.
func asked(unit string, others map[string]string) map[string]string {
	others = maps.Clone(others)
	delete(others, path.Join(directory(unit), owed))
	return others
}

// setOthers makes the drop-ins of others those that are wished and no more. Like
// [Verbs.setDropins] it says whether a restart is pending.
func (v Verbs) setOthers(unit string, want Unit) (changed bool, err error) {
	got, err := v.others(unit)
	if err != nil {
		return false, err
	}
	if changed, err = v.pending(unit); err != nil {
		return false, err
	}
	wish := asked(unit, want.OtherDropins)
	var steps []func() error
	for _, name := range slices.Sorted(maps.Keys(asked(unit, got.all))) {
		if _, ok := wish[name]; !ok {
			steps = append(steps, func() error { return v.drop(name) })
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wish)) {
		if is, ok := got.all[name]; !ok || is != wish[name] {
			steps = append(steps, func() error { return v.bring(name, wish[name], want.ClosedDropins) })
		}
	}
	if steps == nil {
		return changed, nil
	}
	return v.change(unit, steps)
}

// drop removes a drop-in of somebody else, and its directory where that is empty.
func (v Verbs) drop(name string) error {
	if err := atomic.Remove(v.Root, name); err != nil {
		return err
	}
	return v.leave(path.Dir(name))
}

// bring writes a drop-in of somebody else. What not all might read is root's
// alone.
func (v Verbs) bring(name, content string, closed map[string]resource.Secret) error {
	dir := path.Dir(name)
	for _, d := range []string{path.Dir(dir), dir} {
		if err := atomic.Mkdir(v.Root, d, 0o755, 0, 0); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if target, ok := strings.CutPrefix(content, linkTo); ok {
		return atomic.Symlink(v.Root, name, target, 0, 0)
	}
	f := atomic.File{Path: name, Data: []byte(content), Mode: 0o644}
	if secret, ok := closed[name]; ok {
		f.Data, f.Mode = []byte(secret.Reveal()), 0o600
	}
	return atomic.Write(v.Root, f)
}
