package file

import (
	"fmt"
	"path"
	"strings"

	"vpnd/internal/resource"
)

// maxName is how long the last part of a path may be, in bytes: 255, less what
// the name of a temporary beside it adds.
const maxName = 240

// Validate says what is wrong with the block.
func (f *File) Validate(name string) []resource.Mistake {
	return append(mistakes(name, f.plain()), loose(f.Mode)...)
}

// Validate says what is wrong with the block.
func (f *SecretFile) Validate(name string) []resource.Mistake {
	found := mistakes(name, f.plain())
	if f.Mode != nil && *f.Mode&0o027 != 0 {
		found = append(found, resource.Mistake{
			Path:    "mode",
			Summary: fmt.Sprintf("mode %s lets others see or change a secret", f.Mode),
			Hint:    `"0600" is for its owner alone; "0640" lets the group read it too`,
		})
	}
	return found
}

// Validate says what is wrong with the block.
func (d *Directory) Validate(name string) []resource.Mistake {
	found := append(badPath(name), badAccount("owner", d.Owner)...)
	found = append(found, badAccount("group", d.Group)...)
	if d.Mode != nil && *d.Mode&0o002 != 0 && *d.Mode&0o1000 == 0 {
		found = append(found, resource.Mistake{
			Path:    "mode",
			Summary: fmt.Sprintf("mode %s lets everybody replace what is in the directory", d.Mode),
			Hint:    `take the write bit of others away, or add the sticky bit, as in "1777"`,
			Warning: true,
		})
	}
	return found
}

func mistakes(name string, p plain) []resource.Mistake {
	found := badPath(name)
	if p.content != nil && p.source != nil {
		found = append(found, resource.Mistake{Path: "source", Summary: "content and source are both given", Hint: "keep one of the two"})
	}
	if p.content != nil && len(*p.content) > maxSize {
		found = append(found, resource.Mistake{Path: "content", Summary: fmt.Sprintf("the content is larger than %d MiB", maxSize>>20), Hint: "let a package or another program bring so large a file"})
	}
	if p.source != nil && *p.source == "" {
		found = append(found, resource.Mistake{Path: "source", Summary: "the source is empty", Hint: "name a file, relative to the configuration"})
	}
	found = append(found, badAccount("owner", p.owner)...)
	found = append(found, badAccount("group", p.group)...)
	return append(found, badValidate(p.validate)...)
}

func badPath(name string) []resource.Mistake {
	wrong := func(summary, hint string) []resource.Mistake {
		return []resource.Mistake{{Summary: summary, Hint: hint}}
	}
	switch clean := path.Clean(name); {
	case !path.IsAbs(name):
		return wrong(fmt.Sprintf("%q is no absolute path", name), "begin it with /")
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return wrong(fmt.Sprintf("the path %q holds a control character", name), "choose a path without")
	case name != clean:
		return wrong(fmt.Sprintf("%q is not the shortest form of that path", name), fmt.Sprintf("write %q", clean))
	case name == "/":
		return wrong("the root directory is not vpnd's to manage", "name a file or directory below it")
	case len(path.Base(name)) > maxName:
		return wrong(fmt.Sprintf("the name %q is longer than %d bytes", path.Base(name), maxName), "choose a shorter one")
	case strings.HasPrefix(name+"/", "/proc/") || strings.HasPrefix(name+"/", "/sys/"):
		return wrong(fmt.Sprintf("%s belongs to the kernel, which has no files to replace", name), "use a sysctl block for what is below /proc/sys")
	}
	return nil
}

func badAccount(attribute string, account *string) []resource.Mistake {
	if account == nil || *account != "" && !strings.ContainsFunc(*account, func(r rune) bool { return r <= ' ' || r == ':' || r == '/' || r == 0x7f }) {
		return nil
	}
	return []resource.Mistake{{
		Path:    attribute,
		Summary: fmt.Sprintf("%q can be no name of an account", *account),
		Hint:    `give a name such as "root", or a number in quotes`,
	}}
}

func badValidate(validate []string) []resource.Mistake {
	switch {
	case validate == nil:
		return nil
	case len(validate) == 0 || validate[0] == "":
		return []resource.Mistake{{Path: "validate", Summary: "the command is empty", Hint: `write its words as a list, as in ["visudo", "-cf", "{}"]`}}
	case !strings.HasPrefix(validate[0], builtin) && !strings.Contains(strings.Join(validate[1:], " "), "{}"):
		return []resource.Mistake{{Path: "validate", Summary: "the command is not told which file to look at", Hint: "put {} where it expects the path of the file"}}
	}
	return nil
}

// loose warns of a file that everybody may write.
func loose(mode *resource.Mode) []resource.Mistake {
	if mode == nil || *mode&0o002 == 0 {
		return nil
	}
	return []resource.Mistake{{Path: "mode", Summary: fmt.Sprintf("mode %s lets everybody change the file", mode), Hint: "take the write bit of others away", Warning: true}}
}

// Runs tells which program is asked before the file is written.
func (f *File) Runs() []resource.Claim { return programs(f.Validator) }

// Runs tells which program is asked before the file is written.
func (f *SecretFile) Runs() []resource.Claim { return programs(f.Validator) }

func programs(validate []string) []resource.Claim {
	if len(validate) == 0 {
		return nil
	}
	return []resource.Claim{{Sort: "program", Value: validate[0], Path: "validate"}}
}
