package ipsec

import (
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// What swanctl finds by itself, in its directories, has no place in its syntax.
// What of it belongs to a connection is told by comments, for people and for the
// next look.

// remarks are these attributes, and how they begin in a comment.
func remarks(c *Connection) []remark {
	return []remark{
		{"# the pre-shared key is from ", reflect.ValueOf(&c.PSKFile)},
		{"# the private key is ", reflect.ValueOf(&c.Local.Key)},
		{"# CAs above those are ", reflect.ValueOf(&c.Remote.Above)},
		{"# revocation lists are ", reflect.ValueOf(&c.Remote.CRLs)},
	}
}

type remark struct {
	begin string
	field reflect.Value // a pointer to it
}

func notes(c *Connection) string {
	var b strings.Builder
	for _, r := range remarks(c) {
		if value, there := written(r.field.Elem()); there && value != "" {
			b.WriteString(r.begin + strings.Map(visible, value) + "\n")
		}
	}
	return b.String()
}

// visible drops what would end the line: of a comment the rest would be no comment.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// remarks reads them back.
func (c *Connection) remarks(text string) {
	lines := slices.Collect(strings.Lines(text))
	for _, r := range remarks(c) {
		value := ""
		for _, line := range lines {
			if rest, ok := strings.CutPrefix(line, r.begin); ok {
				value = strings.TrimSuffix(rest, "\n")
			}
		}
		read(r.field.Elem(), value)
	}
	c.Remote.Key, c.Local.CRLs, c.Local.Above = resource.Ptr(""), []string{}, []string{}
}
