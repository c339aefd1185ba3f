package sysctl

import (
	"fmt"
	"strings"

	"vpnd/internal/resource"
)

// swap exchanges dots and slashes.
func swap(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, s)
}

// dotted returns the one name of a key in whichever form it is written: the
// first separator tells, sysctl.d(5).
func dotted(name string) string {
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '/' {
		return swap(name)
	}
	return name
}

// fileOf returns the path of a key below /proc/sys.
func fileOf(name string) string { return swap(dotted(name)) }

// prefix begins the names of vpnd's own files. It sorts behind what others use.
const prefix = "zz-vpnd-"

// bootFile returns the path of vpnd's own file for a key.
func bootFile(name string) string {
	if Forwards(name) {
		return fileIn("/etc", "0-", name) // before all keys, which begin with a letter
	}
	return fileIn("/etc", "", name)
}

// fileIn returns the path of a file of vpnd's own for a key.
func fileIn(dir, order, name string) string {
	return dir + "/sysctl.d/" + prefix + order + strings.ReplaceAll(dotted(name), "/", "~") + ".conf"
}

// bootText returns what vpnd's own file for a key holds.
func bootText(name, value string) string {
	var why string
	if Forwards(name) {
		why = "# Behind filter rules it is off here, and vpnd switches it on once they stand.\n"
	}
	return textOf(name, why, value)
}

func textOf(name, why, value string) string {
	name = dotted(name)
	id := resource.ID{Kind: "sysctl", Name: name}
	return fmt.Sprintf("# Made by vpnd for %s; edits are undone. Change /etc/vpnd instead.\n%s%s = %s\n", id, why, name, value)
}

// tidy writes a value as vpnd does: the kernel puts tabs between numbers.
func tidy(value string) string { return strings.Join(strings.Fields(value), " ") }

// Validate says what is wrong with the block.
func (s *Sysctl) Validate(name string) []resource.Mistake {
	found := badName(name)
	if name == "net.ipv4.conf.all.forwarding" {
		found = append(found, resource.Mistake{
			Summary: "net.ipv4.conf.all.forwarding is the same switch as net.ipv4.ip_forward",
			Hint:    `use sysctl "net.ipv4.ip_forward", so that no two blocks turn it`,
			Warning: true,
		})
	}
	if s.Value != nil {
		found = append(found, badValue(*s.Value)...)
	}
	return found
}

func badName(name string) []resource.Mistake {
	wrong := func(summary, hint string) []resource.Mistake {
		return []resource.Mistake{{Summary: summary, Hint: hint}}
	}
	stranger := func(r rune) bool {
		return !strings.ContainsRune("_-./:@+", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	separator := strings.IndexAny(name, "./")
	switch {
	case strings.ContainsAny(name, "*?["):
		return wrong(fmt.Sprintf("%q is a pattern, and a block stands for one key", name), "write a block for each key")
	case strings.ContainsFunc(name, stranger):
		return wrong(fmt.Sprintf("%q holds a character that no key has", name), "write the key as sysctl -a shows it")
	case separator > 0 && name[separator] == '/' && badParts(name) == "":
		return wrong(fmt.Sprintf("%q is written with slashes", name), fmt.Sprintf("write %q, so that each key has one name", dotted(name)))
	case separator <= 0 || badParts(swap(name)) != "" || len(name) > maxKey:
		return wrong(fmt.Sprintf("%q is no key of the kernel", name), `write it as in "net.ipv4.ip_forward"`)
	}
	return nil
}

// maxKey leaves room in a file name of 255 bytes for what vpnd adds to a key.
const maxKey = 200

// badParts returns the path itself where it would lead elsewhere.
func badParts(path string) string {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return path
		}
	}
	return ""
}

func badValue(value string) []resource.Mistake {
	switch {
	case tidy(value) == "":
		return []resource.Mistake{{Path: "value", Summary: "the value is empty", Hint: "write what the kernel shall hold, or leave the block out"}}
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return []resource.Mistake{{Path: "value", Summary: "the value holds a line break or another control character", Hint: "write it on one line"}}
	}
	return nil
}
