package sysctl

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"vpnd/internal/atomic"
)

// directories are where files for the boot may be. Of files with one name the
// first wins, and the others are not read: sysctl.d(5).
var directories = []string{"/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"}

// late are the settings of others that are made behind vpnd's own file of a
// key, in their order.
type late []setting

type setting struct {
	file  string
	key   string // as a path
	value string
}

// readLate reads the files of others that may sort behind those of vpnd.
func readLate(root string) (late, error) {
	files := make(map[string]string) // by base name
	for _, dir := range directories {
		names, err := atomic.List(root, dir)
		if err != nil {
			return nil, err
		}
		for _, base := range names {
			behind := base > prefix && !strings.HasPrefix(base, prefix)
			if behind && path.Ext(base) == ".conf" && files[base] == "" {
				files[base] = path.Join(dir, base)
			}
		}
	}
	var order []string
	for _, base := range slices.Sorted(maps.Keys(files)) {
		order = append(order, files[base])
	}
	if !bySystemd(root) {
		order = append(order, "/etc/sysctl.conf")
	}
	var all late
	for _, file := range order {
		text, err := readFollowing(root, file)
		if err != nil {
			return nil, err
		}
		all = append(all, parse(file, text)...)
	}
	return all, nil
}

// bySystemd says whether systemd-sysctl does it at boot. The sysctl --system
// of procps, which does it elsewhere, reads /etc/sysctl.conf behind all else;
// systemd only where a link below /etc/sysctl.d leads there.
func bySystemd(root string) bool {
	for _, file := range []string{"/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"} {
		if _, err := atomic.Stat(root, file); err == nil {
			return true
		}
	}
	return false
}

// parse reads the explicit settings of a file. A pattern never wins over a key
// that is set explicitly, and a key without a value sets nothing.
func parse(file, text string) late {
	var all late
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, set := strings.Cut(line, "=")
		key = strings.TrimSpace(strings.TrimPrefix(key, "-"))
		if !set || line[0] == '#' || line[0] == ';' || strings.ContainsAny(key, "*?[") {
			continue
		}
		all = append(all, setting{file: file, key: fileOf(key), value: tidy(value)})
	}
	return all
}

// winner names the file that is read behind vpnd's own file for the key and
// sets another value.
func (l late) winner(name, value string) string {
	for _, s := range slices.Backward(l) {
		if s.key == fileOf(name) {
			if s.value == value {
				return ""
			}
			return s.file
		}
	}
	return ""
}

// readFollowing reads a file that may be a symbolic link, below the root. A
// link to nowhere, or to /dev/null, which switches a file off, is empty.
func readFollowing(root, name string) (string, error) {
	for range 8 {
		info, err := atomic.Stat(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		switch {
		case info.Mode.IsRegular():
			data, err := atomic.ReadFile(root, name, maxFile)
			return string(data), err
		case info.Mode&fs.ModeSymlink == 0:
			return "", nil
		case path.IsAbs(info.Links):
			name = path.Clean(info.Links)
		default:
			name = path.Join(path.Dir(name), info.Links)
		}
	}
	return "", nil
}
