// Package source finds the files of a configuration and parses them: only what no
// one else could have changed, within bounds, as HCL or as JSON. It keeps the text of
// each for the snippets of diagnostics, with every secret in it blanked.
package source

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/diag"
)

// A File is one file of a configuration.
type File struct {
	Name string // as users know it
	Path string
	Dir  string // what the paths in it are counted from
	Body hcl.Body
}

// A Reader reads files, and tells what is wrong with them.
type Reader struct {
	Texts   Texts             // of all that was read
	Instead map[string][]byte // what files are about to say, by their paths
	trust   *Trust
	secrets map[string]bool // names of attributes whose text nobody sees, by which a file is judged that can't be parsed
	values  map[string]bool // the files of which nobody sees any text then
	told    *diag.List
	parser  *hclparse.Parser
}

// NewReader returns a reader. Secrets are the names of the attributes that may hold
// one, and varFiles those that give values to variables: which of these are sensitive
// may stand in a file that can't be parsed.
func NewReader(trust *Trust, secrets map[string]bool, varFiles []string, told *diag.List) *Reader {
	r := &Reader{Texts: make(Texts), trust: trust, secrets: secrets, values: make(map[string]bool), told: told, parser: hclparse.NewParser()}
	for _, path := range varFiles {
		r.values[display(path)] = true
	}
	return r
}

// Files reads files and, of a directory, every file of the language that lies in it.
func (r *Reader) Files(paths []string) []File {
	var files []File
	seen := make(map[string]bool)
	for _, path := range paths {
		if r.trust.Refuses(hcl.Range{}, path, r.told) {
			continue
		}
		listed, err := list(path)
		if err != nil {
			r.told.Error(hcl.Range{}, "No configuration", "Reading %s: %s.", path, bounds.Reason(err))
		}
		for _, file := range listed {
			name := display(file)
			if seen[name] {
				continue
			}
			seen[name] = true
			if body := r.parse(file, name); body != nil {
				files = append(files, File{Name: name, Path: file, Dir: filepath.Dir(file), Body: body})
			}
		}
	}
	if len(seen) == 0 && !r.told.HasErrors() {
		// An empty wish would take everything off the host.
		r.told.Error(hcl.Range{}, "No configuration", "%s holds no file named *.hcl or *.hcl.json. \"vpnd init\" writes one to start from.", strings.Join(paths, ", "))
	}
	return files
}

// Values reads a file that gives values to variables, and returns its name as users
// know it, and nil where it can't be read.
func (r *Reader) Values(path string) (string, hcl.Body) {
	name := display(path)
	return name, r.parse(path, name)
}

// parse reads one file of HCL, or of JSON where its name says so. It returns
// nil where there is none.
func (r *Reader) parse(path, name string) hcl.Body {
	if r.trust.Refuses(hcl.Range{}, path, r.told) {
		return nil
	}
	data, about := r.Instead[path]
	var err error
	if !about {
		data, err = bounds.Regular(path)
	}
	if err != nil {
		r.told.Error(hcl.Range{}, "Unreadable file", "Reading %s: %s.", name, bounds.Reason(err))
		return nil
	}
	if problem := bounds.Text(data); problem != "" {
		r.told.Error(hcl.Range{}, "No text that vpnd reads", "%s: %s", name, problem)
		return nil
	}
	data = bounds.Plain(data)
	if d := bounds.File(data, path); d != nil {
		r.Texts[name] = &hcl.File{Bytes: r.blankTokens(data, name)}
		d.Subject.Filename = name
		r.told.Tell(d)
		return nil
	}
	read := r.parser.ParseHCL
	if strings.HasSuffix(path, ".json") {
		read = r.parser.ParseJSON
	}
	file, diags := read(data, name)
	r.told.Add(diags)
	if diags.HasErrors() {
		r.Texts[name] = &hcl.File{Bytes: r.blankTokens(data, name)}
		return nil
	}
	r.Texts[name] = file
	return file.Body
}

// Mentions says whether a word may stand in these files. Where none of them can have
// it, nobody needs to read them for what it names.
func Mentions(paths []string, word string) bool {
	for _, path := range paths {
		files, err := list(path)
		if err != nil {
			return true
		}
		for _, file := range files {
			text, err := bounds.Regular(file)
			// JSON may spell it in escapes.
			if err != nil || bytes.Contains(text, []byte(word)) || bytes.Contains(text, []byte(`\u`)) {
				return true
			}
		}
	}
	return false
}

// list returns path itself where it is a file, or the files of the language
// that lie in the directory, by name.
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
// working directory that it is in.
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
