package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// readFiles parses every file of the source.
func (l *loader) readFiles() {
	seen := make(map[string]bool)
	for _, path := range l.src.Paths {
		if l.distrusts(hcl.Range{}, path) {
			continue
		}
		files, err := list(path)
		if err != nil {
			l.errorAt(hcl.Range{}, "No configuration", "Reading %s: %s.", path, reason(err))
		}
		for _, file := range files {
			if name := display(file); !seen[name] {
				seen[name] = true
				l.readFile(file, name)
			}
		}
	}
	if len(seen) == 0 && !l.diags.HasErrors() {
		// An empty wish would take everything off the host.
		l.errorAt(hcl.Range{}, "No configuration", "%s holds no file named *.hcl or *.hcl.json. \"vpnd init\" writes one to start from.", strings.Join(l.src.Paths, ", "))
	}
}

func (l *loader) readFile(path, name string) {
	if body := l.parse(path, name); body != nil {
		l.sources = append(l.sources, source{name: name, dir: filepath.Dir(path), body: body})
	}
}

// parse reads one file of HCL, or of JSON where its name says so. It returns
// nil where there is none.
func (l *loader) parse(path, name string) hcl.Body {
	if l.distrusts(hcl.Range{}, path) {
		return nil
	}
	data, err := readRegular(path)
	if err != nil {
		l.errorAt(hcl.Range{}, "Unreadable file", "Reading %s: %s.", name, reason(err))
		return nil
	}
	if problem := checkText(data); problem != "" {
		l.errorAt(hcl.Range{}, "No text that vpnd reads", "%s: %s", name, problem)
		return nil
	}
	data = plainText(data)
	if d := checkBounds(data, path); d != nil {
		l.files[name] = &hcl.File{Bytes: l.blankTokens(data, name)}
		d.Subject.Filename = name
		l.tell(d)
		return nil
	}
	read := l.parser.ParseHCL
	if strings.HasSuffix(path, ".json") {
		read = l.parser.ParseJSON
	}
	file, diags := read(data, name)
	l.add(diags)
	if diags.HasErrors() {
		l.files[name] = &hcl.File{Bytes: l.blankTokens(data, name)}
		return nil
	}
	l.files[name] = file
	return file.Body
}

// list returns path itself where it is a file, or the files of the language
// that lie in the folder, by name.
func list(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := e.Name()
		ours := strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json")
		if ours && !e.IsDir() && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(path, name))
		}
	}
	slices.Sort(files)
	return files, nil
}

// display names a file as it was given, or, where that is shorter, from the
// working folder that it is in.
func display(path string) string {
	path = filepath.Clean(path)
	cwd, err := os.Getwd()
	if err != nil || cwd == "/" || !filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(cwd, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// reason says why a file can't be read, without the path and the system call.
func reason(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file or folder"
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

// dirOf returns the folder of the file that a range is in.
func (l *loader) dirOf(r hcl.Range) string {
	for _, s := range l.sources {
		if s.name == r.Filename {
			return s.dir
		}
	}
	return "."
}
