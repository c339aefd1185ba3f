package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"vpnd/internal/atomic"
	"vpnd/internal/config/bounds"
	"vpnd/internal/config/source"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Put HCL files into the canonical layout",
		Long: `Rewrites the named files, or those of the configuration, in the canonical
layout of HCL, and names each file that it changed. With - it formats its
standard input.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = a.config
			}
			return a.format(args, check)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 where a file would change")
	return c
}

func (a *app) format(paths []string, check bool) error {
	if len(paths) == 1 && paths[0] == "-" {
		return a.formatInput(check)
	}
	var changed int
	for _, path := range paths {
		files, err := hclFiles(path)
		if err != nil {
			return err
		}
		for _, file := range files {
			differs, err := a.formatFile(file, check)
			if err != nil {
				return err
			}
			if differs {
				changed++
				_, _ = fmt.Fprintln(a.Out, file)
			}
		}
	}
	if check && changed > 0 {
		return exitStatus(exitError)
	}
	return nil
}

func (a *app) formatInput(check bool) error {
	in, err := bounds.Input(a.In)
	if err != nil {
		return err
	}
	out, err := a.formatted(in, "<stdin>")
	if err != nil {
		return err
	}
	if check {
		if !bytes.Equal(in, out) {
			return exitStatus(exitError)
		}
		return nil
	}
	_, err = a.Out.Write(out)
	return err
}

func (a *app) formatted(src []byte, name string) ([]byte, error) {
	out, diags := source.Format(src, name)
	if diags.HasErrors() {
		a.print(diags, map[string]*hcl.File{name: {Bytes: src}})
		return nil, exitStatus(exitError)
	}
	return out, nil
}

// hclFiles returns path itself, or the native HCL files of the directory; JSON has
// no layout of HCL's.
func hclFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	return filepath.Glob(filepath.Join(path, "*.hcl"))
}

func (a *app) formatFile(path string, check bool) (differs bool, err error) {
	if strings.HasSuffix(path, ".json") {
		return false, fmt.Errorf("%s is JSON, which vpnd fmt leaves to JSON tools", path)
	}
	src, err := bounds.Read(path)
	if err != nil {
		return false, err
	}
	out, err := a.formatted(src, path)
	if err != nil || bytes.Equal(src, out) || check {
		return err == nil && !bytes.Equal(src, out), err
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return true, rewrite(path, out, info)
}

// rewrite replaces a file and keeps its mode and owner; a link stays a link
// and the file it names is replaced.
func rewrite(path string, data []byte, info fs.FileInfo) error {
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return err
	}
	uid, gid := owner(info)
	return atomic.Write("/", atomic.File{Path: real, Data: data, Mode: info.Mode().Perm(), UID: uid, GID: gid})
}

// owner returns who owns a file, or this process where the system can't tell.
func owner(info fs.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return os.Geteuid(), os.Getegid()
}
