// Package swanctl is the syntax of swanctl.conf(5), which is that of
// strongswan.conf(5): sections with settings and further sections. It reads no
// files.
package swanctl

import (
	"regexp"
	"slices"
	"strings"
)

// A Section is a named group of settings and sections. Its order is that of the
// file.
type Section struct {
	Name     string
	Settings []Setting
	Sections []*Section
}

// A Setting is one value, without quotes.
type Setting struct{ Key, Value string }

// Set adds a setting.
func (s *Section) Set(key, value string) {
	s.Settings = append(s.Settings, Setting{key, value})
}

// Add adds an empty section and returns it.
func (s *Section) Add(name string) *Section {
	inner := &Section{Name: name}
	s.Sections = append(s.Sections, inner)
	return inner
}

// Section returns the section of that name, nil where there is none.
func (s *Section) Section(name string) *Section {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Sections, func(inner *Section) bool { return inner.Name == name })
	if i < 0 {
		return nil
	}
	return s.Sections[i]
}

// Get returns the value of a key, and whether there is one.
func (s *Section) Get(key string) (string, bool) {
	if s == nil {
		return "", false
	}
	i := slices.IndexFunc(s.Settings, func(one Setting) bool { return one.Key == key })
	if i < 0 {
		return "", false
	}
	return s.Settings[i].Value, true
}

// names are what may name a section or a setting: of what else the syntax allows,
// dots and colons mean something where a name is looked up.
var names = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// IsName says whether a word can name a section.
func IsName(word string) bool { return names.MatchString(word) }

// bare are values that mean themselves without quotes.
var bare = regexp.MustCompile(`^[A-Za-z0-9._:/%@+|,\[\]-]+( [A-Za-z0-9._:/%@+|,\[\]-]+)*$`)

// IsValue says whether a text can be a value: one line, and nothing that ends a
// string for those who read it in C.
func IsValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Render writes what is in a section, which has no name of its own.
func Render(root *Section) string {
	var b strings.Builder
	render(&b, root, "")
	return b.String()
}

func render(b *strings.Builder, s *Section, indent string) {
	for _, one := range s.Settings {
		b.WriteString(indent + one.Key + " = " + quoted(one.Value) + "\n")
	}
	for _, inner := range s.Sections {
		b.WriteString(indent + inner.Name + " {\n")
		render(b, inner, indent+"  ")
		b.WriteString(indent + "}\n")
	}
}

// quoted writes a value as it is read back.
func quoted(value string) string {
	if bare.MatchString(value) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(value) + `"`
}
