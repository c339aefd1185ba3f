package machine

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// scriptName is where the script goes in a parcel.
const scriptName = ".script"

// pack writes what is taken along into the machine: files and directories of ours
// by their names there, and the script.
func pack(path string, files map[string]string, script string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tar.NewWriter(f)
	header := tar.Header{Name: scriptName, Size: int64(len(script)), Mode: 0o644}
	if err := w.WriteHeader(&header); err != nil {
		return err
	}
	if _, err := io.WriteString(w, script); err != nil {
		return err
	}
	for name, from := range files {
		if err := add(w, name, from); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return f.Close()
}

// add adds a file, or a directory with all files below it, under a name.
func add(w *tar.Writer, name, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		header, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		header.Name = name + strings.TrimPrefix(path, from)
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}
