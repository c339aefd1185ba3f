package bounds

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// largestFile is more than any file that belongs into a configuration.
const largestFile = 16 << 20

// Read reads a file of the language, which may be any file: no pipe and no
// device, nor more than a configuration holds.
func Read(path string) ([]byte, error) {
	data, err := Regular(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %s", path, Reason(err))
	}
	return data, nil
}

// Input reads text of the language from where somebody else writes it.
func Input(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, largestFile+1))
	if err == nil && len(data) > largestFile {
		err = errors.New("it is larger than a configuration may be")
	}
	return data, err
}

// Regular reads a file that neither blocks nor fills the memory.
func Regular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("this is no regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1)) // files of the kernel tell no size
	if err == nil && len(data) > largestFile {
		err = fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	return data, err
}

// Reason says why a file can't be read, without the path and the system call.
func Reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file or directory"
	}
	if errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		return "permission denied; run vpnd as root"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
