// Package importer makes a configuration of what exists elsewhere. What is secret in
// that comes apart from the HCL, in files for root alone.
package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A File is one that is to be written.
type File struct {
	Path   string
	Text   string
	Secret bool // it is for root alone, from its first byte on
}

// Write writes files, those with secrets first, so that what names them finds them. It
// overwrites nothing; where one can't be written, none is left.
func Write(files []File) (err error) {
	var written []string
	defer func() {
		if err != nil {
			for _, path := range written {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	for _, secret := range []bool{true, false} {
		for _, f := range files {
			if f.Secret != secret {
				continue
			}
			if err := f.write(); err != nil {
				return err
			}
			written = append(written, f.Path)
		}
	}
	return nil
}

func (f File) write() error {
	directory, mode := fs.FileMode(0o755), fs.FileMode(0o644)
	if f.Secret {
		mode = 0o600
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), directory); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already and is not overwritten; choose another name with --name, or another directory with --out", f.Path)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(f.Text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", f.Path, err), os.Remove(f.Path))
	}
	return nil
}
