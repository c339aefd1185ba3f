package sysctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

var (
	isInteger = regexp.MustCompile(`^-?[0-9]+$`)
	isNumbers = regexp.MustCompile(`^-?(0[xX][0-9a-fA-F]+|[0-9]+)([,-][0-9]+)*$`) // as the kernel reads them, and ranges of ports
)

// Preflight wants the kernel to have a key that can be written, and to hold a
// number where it holds numbers, in the range that it takes. An interface, and what
// comes with a module, may come with the plan.
func (v Verbs) Preflight(_ context.Context, name string, want Sysctl, plan resource.Prospect) error {
	if v.Proc == "" || want.Value == nil {
		return nil
	}
	now, err := v.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return v.lacking(name, plan)
	}
	if err != nil || now == *want.Value {
		return err
	}
	if err := unix.Access(filepath.Join(v.Proc, fileOf(name)), unix.W_OK); err != nil {
		return refused(*want.Value, err)
	}
	if !numbers(now, isInteger) {
		return nil
	}
	return v.judge(name, now, *want.Value).Err()
}

// judge is what is wrong with a value for a key that holds numbers.
func (v Verbs) judge(name, now, value string) *resource.Mistake {
	m := &resource.Mistake{Path: "value", Summary: fmt.Sprintf("the kernel does not accept %q", value), Hint: fmt.Sprintf("it holds %s now; write a number that sysctl(8) and the kernel's documentation allow", now)}
	held, given := strings.Fields(now), strings.Fields(value)
	switch {
	case !numbers(value, isNumbers):
		m.Hint = fmt.Sprintf("it holds %s there; write a number", now)
		return m
	case len(held) != len(given):
		m.Hint = fmt.Sprintf("it holds %s there, so write as many numbers (%d)", now, len(held))
		return m
	case !fits(name, given):
		if r, known := ranges[fileOf(name)]; known {
			m.Hint = fmt.Sprintf("write a number from %d to %d", r[0], r[1])
		}
		return m
	}
	made, err := v.attempt(name, value)
	switch {
	case err != nil:
		return m
	case made != value:
		m.Summary = fmt.Sprintf("the kernel makes %s of %q", made, value)
		m.Hint = "if that is meant, write it so"
		return m
	}
	return nil
}

// lacking judges a key that is not there. Interfaces and modules bring directories of
// keys, so one that is not in its directory never comes; but for those of netfilter,
// which has one for many modules.
func (v Verbs) lacking(name string, plan resource.Prospect) error {
	file := fileOf(name)
	if v.hasDirectory(name) && !strings.HasPrefix(path.Base(file), "nf_") {
		return v.missing(name)
	}
	wanted := resource.ID{Kind: "sysctl"} // that any may bring
	if parts := strings.Split(file, "/"); perLink.MatchString(file) {
		wanted = resource.ID{Kind: resource.Interface, Name: parts[3]}
	}
	summary, hint, _ := strings.Cut(v.missing(name).Error(), "; ")
	return plan.Lacking(resource.Mistake{Summary: summary, Hint: hint}, wanted).Err()
}

// hasDirectory says whether the directory is there that a key would be in.
func (v Verbs) hasDirectory(name string) bool {
	_, err := os.Stat(filepath.Dir(filepath.Join(v.Proc, fileOf(name))))
	return err == nil
}

func numbers(value string, form *regexp.Regexp) bool {
	for word := range strings.FieldsSeq(value) {
		if !form.MatchString(word) {
			return false
		}
	}
	return value != ""
}
