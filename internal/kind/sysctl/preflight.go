package sysctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
// number where it holds numbers. In which range that is only a write can tell. An
// interface, and what comes with a module, may come with the plan.
func (v Verbs) Preflight(_ context.Context, name string, want Sysctl, plan resource.Prospect) error {
	if v.Proc == "" || want.Value == nil {
		return nil
	}
	now, err := v.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		if plan.Any("tun") || plan.Any("unit") || plan.Any("package") {
			return nil
		}
		return missing(name)
	}
	if err != nil || now == *want.Value {
		return err
	}
	if err := unix.Access(filepath.Join(v.Proc, fileOf(name)), unix.W_OK); err != nil {
		return refused(*want.Value, err)
	}
	if numbers(now, isInteger) && !numbers(*want.Value, isNumbers) {
		return fmt.Errorf("the kernel holds %s there and does not accept %q; write a number", now, *want.Value)
	}
	return nil
}

func numbers(value string, form *regexp.Regexp) bool {
	for word := range strings.FieldsSeq(value) {
		if !form.MatchString(word) {
			return false
		}
	}
	return value != ""
}
