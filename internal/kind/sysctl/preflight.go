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
		if v.comes(name, plan) {
			return nil
		}
		return v.missing(name)
	}
	if err != nil || now == *want.Value {
		return err
	}
	if err := unix.Access(filepath.Join(v.Proc, fileOf(name)), unix.W_OK); err != nil {
		return refused(*want.Value, err)
	}
	switch {
	case !numbers(now, isInteger):
		return nil
	case !numbers(*want.Value, isNumbers):
		return fmt.Errorf("the kernel holds %s there and does not accept %q; write a number", now, *want.Value)
	}
	return v.attempt(name, *want.Value)
}

// comes says whether a key that is not there may come with the plan. Interfaces
// and modules bring folders of keys, so one that is not in its folder never
// does; but for those of netfilter, which has one for many modules.
func (v Verbs) comes(name string, plan resource.Prospect) bool {
	if !plan.Any("tun") && !plan.Any("unit") && !plan.Any("package") {
		return false
	}
	return !v.hasFolder(name) || strings.HasPrefix(path.Base(fileOf(name)), "nf_")
}

// hasFolder says whether the folder is there that a key would be in.
func (v Verbs) hasFolder(name string) bool {
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
