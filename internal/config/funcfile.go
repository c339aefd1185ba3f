package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// largestFile is more than any file that belongs into a configuration.
const largestFile = 16 << 20

// path counts a path from the folder of the file that names it.
func (b beside) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(b.dir, name)
}

func (b beside) read(name string) ([]byte, error) {
	full := b.path(name)
	if b.trust != nil {
		if err := b.trust(full); err != nil {
			return nil, err
		}
	}
	data, err := readRegular(full)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %s", full, reason(err))
	}
	return data, nil
}

// readRegular reads a file that neither blocks nor fills the memory.
func readRegular(path string) ([]byte, error) {
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

func (b beside) text(name string) (string, error) {
	data, err := b.read(name)
	if err == nil && !utf8.Valid(data) {
		err = fmt.Errorf("%s is no UTF-8 text; filebase64 reads any file", b.path(name))
	}
	return string(data), err
}

// sentence begins an error with a capital.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// pathFunc makes a function of one path.
func pathFunc(result cty.Type, f func(name string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("path")},
		Type:   function.StaticReturnType(result),
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args[0].AsString()) },
	})
}

func fileFunc(b beside) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		text, err := b.text(name)
		return cty.StringVal(text), err
	})
}

func fileBase64Func(b beside) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		data, err := b.read(name)
		return cty.StringVal(base64.StdEncoding.EncodeToString(data)), err
	})
}

func fileExistsFunc(b beside) function.Function {
	return pathFunc(cty.Bool, func(name string) (cty.Value, error) {
		info, err := os.Stat(b.path(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cty.NilVal, fmt.Errorf("looking for %s: %s", b.path(name), reason(err))
		}
		return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
	})
}

// credentialFunc reads a credential that systemd handed over, see
// systemd.exec(5).
func credentialFunc(folder string) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		switch {
		case folder == "":
			return cty.NilVal, errors.New("there is no folder of credentials: systemd makes one for a unit with LoadCredential= and names it in CREDENTIALS_DIRECTORY")
		case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
			return cty.NilVal, errors.New("the name of a credential is a plain file name")
		}
		data, err := readRegular(filepath.Join(folder, name))
		if err != nil {
			return cty.NilVal, fmt.Errorf("reading credential %q: %s", name, reason(err))
		}
		if !utf8.Valid(data) {
			return cty.NilVal, fmt.Errorf("credential %q is no UTF-8 text", name)
		}
		return cty.StringVal(string(data)).Mark(sensitive), nil
	})
}

// templateFileFunc renders a file of HCL's template language. A template sees
// nothing but the values handed to it, and includes no other template.
func templateFileFunc(b beside, functions map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("path"), {Name: "values", Type: cty.DynamicPseudoType, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			text, err := b.text(name)
			if err != nil {
				return cty.NilVal, err
			}
			values, marks := args[1].Unmark()
			if !values.CanIterateElements() || !values.Type().IsObjectType() && !values.Type().IsMapType() {
				return cty.NilVal, function.NewArgErrorf(1, "it has to be a map, as in { name = \"office\" }")
			}
			if deep := tooMuchTemplate(text, name); deep != nil {
				return cty.NilVal, templateError(hcl.Diagnostics{deep})
			}
			expr, diags := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
			if diags.HasErrors() {
				return cty.NilVal, templateError(diags)
			}
			ctx := &hcl.EvalContext{Variables: make(map[string]cty.Value), Functions: make(map[string]function.Function)}
			maps.Copy(ctx.Variables, values.AsValueMap())
			for f, impl := range functions {
				if f != "templatefile" {
					ctx.Functions[f] = impl
				}
			}
			v, diags := expr.Value(ctx)
			if diags.HasErrors() {
				return cty.NilVal, templateError(polish(diags))
			}
			rendered, more := v.Unmark()
			out, ok := asText(rendered)
			if !ok {
				return cty.NilVal, fmt.Errorf("%s does not render to text", name)
			}
			return cty.StringVal(out).WithMarks(marks, more), nil
		},
	})
}

func templateError(diags hcl.Diagnostics) error {
	d := diags[0]
	return fmt.Errorf("%s: %s", where(place(d)), strings.TrimSuffix(d.Detail, "."))
}

// fileSetFunc lists the files below a folder whose path matches a pattern of
// path.Match; ** stands for any number of folders.
func fileSetFunc(b beside) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("folder"), textParam("pattern")},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			folder, pattern := b.path(args[0].AsString()), strings.Split(args[1].AsString(), "/")
			if _, err := path.Match(args[1].AsString(), ""); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "it is no pattern of file names")
			}
			var found []cty.Value
			err := fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() && matches(pattern, strings.Split(name, "/")) {
					found = append(found, cty.StringVal(name))
				}
				return err
			})
			if err != nil {
				return cty.NilVal, fmt.Errorf("reading %s: %s", folder, reason(err))
			}
			if len(found) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(found), nil
		},
	})
}

func matches(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return matches(pattern[1:], name) || len(name) > 0 && matches(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matches(pattern[1:], name[1:])
}
