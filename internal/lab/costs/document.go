package costs

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// A Document is a configuration that can be changed an attribute at a time.
type Document struct{ top block }

// block is a block of it, or all.
type block struct {
	head       string
	attributes []attribute
	blocks     []*block
}

type attribute struct{ name, value string }

// word is a part of a path; labels may hold slashes.
var word = regexp.MustCompile(`(?:[^/"]|"[^"]*")+`)

// Set gives the attribute at a path its value, and takes it away where that is empty;
// blocks on the way are made. It returns what stood there before.
func (d *Document) Set(path, value string) (before string) {
	b, words := &d.top, word.FindAllString(path, -1)
	for _, head := range words[:len(words)-1] {
		b = b.within(head)
	}
	return b.set(words[len(words)-1], value)
}

func (b *block) within(head string) *block {
	for _, inner := range b.blocks {
		if inner.head == head {
			return inner
		}
	}
	inner := &block{head: head}
	b.blocks = append(b.blocks, inner)
	return inner
}

func (b *block) set(name, value string) (before string) {
	i := slices.IndexFunc(b.attributes, func(a attribute) bool { return a.name == name })
	if i < 0 {
		if value != "" {
			b.attributes = append(b.attributes, attribute{name, value})
		}
		return ""
	}
	before = b.attributes[i].value
	if b.attributes[i].value = value; value == "" {
		b.attributes = slices.Delete(b.attributes, i, i+1)
	}
	return before
}

// Make sets the attributes of rows, and returns rows that set them as they were.
func (d *Document) Make(rows ...Row) (back []Row) {
	for _, r := range rows {
		back = append(back, Row{Path: r.Path, Value: d.Set(r.Path, r.Value)})
	}
	return back
}

// Inside is the server's address in the VPN.
func (d *Document) Inside() string {
	for _, a := range d.top.within(`openvpn_server "office"`).attributes {
		if network, err := netip.ParsePrefix(strings.Trim(a.value, `"`)); a.name == "network" && err == nil {
			return network.Addr().Next().String()
		}
	}
	return ""
}

// String is the configuration in HCL.
func (d *Document) String() string {
	var out strings.Builder
	d.top.write(&out, "")
	return out.String()
}

func (b *block) write(out *strings.Builder, indent string) {
	for _, a := range b.attributes {
		fmt.Fprintf(out, "%s%s = %s\n", indent, a.name, a.value)
	}
	for _, inner := range b.blocks {
		fmt.Fprintf(out, "%s%s {\n", indent, inner.head)
		inner.write(out, indent+"  ")
		fmt.Fprintf(out, "%s}\n", indent)
	}
}
