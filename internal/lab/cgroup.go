package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// makeGroups makes a control group of the given name below our own in each
// hierarchy that systemd manages, and records their paths in file, so that a
// later process can remove them.
func makeGroups(name, file string) ([]string, error) {
	memberships, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var groups []string
	for _, parent := range hierarchies(string(memberships), string(mounts)) {
		groups = append(groups, filepath.Join(parent, name))
	}
	if err := os.WriteFile(file, []byte(strings.Join(groups, "\n")), 0o600); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := os.Mkdir(g, 0o755); err != nil {
			return nil, fmt.Errorf("making a control group: %w", err)
		}
	}
	return groups, nil
}

// hierarchies are the directories of our own control group in the unified hierarchy
// and in the one called systemd, of which a machine has one or both
// (cgroups(7), proc(5) for the two formats).
func hierarchies(memberships, mounts string) []string {
	own := map[string]string{}
	for line := range strings.Lines(memberships) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 {
			own[f[1]] = f[2]
		}
	}
	var dirs []string
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if len(where) < 5 || len(what) < 3 {
			continue
		}
		key := ""
		switch {
		case what[0] == "cgroup2":
		case what[0] == "cgroup" && slices.Contains(strings.Split(what[2], ","), "name=systemd"):
			key = "name=systemd"
		default:
			continue
		}
		if path, ok := own[key]; ok {
			dirs = append(dirs, filepath.Join(where[4], path))
		}
	}
	return dirs
}

// removeRecorded removes the control groups whose paths stand in file, and all
// below them. Their processes have ended or are about to.
func removeRecorded(file string) error {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, g := range strings.Fields(string(text)) {
		errs = append(errs, removeGroup(g))
	}
	return errors.Join(errs...)
}

func removeGroup(dir string) error {
	var groups []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			groups = append(groups, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(groups) // children before their parents
	for _, g := range groups {
		if err := removeEmptied(g); err != nil {
			return fmt.Errorf("removing a control group: %w", err)
		}
	}
	return nil
}

// removeEmptied removes one control group. It is busy for a moment after its
// last process has ended.
func removeEmptied(dir string) error {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}
