package document

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of an XML document: a configuration has some 120 elements, five deep.
const (
	mostElements = 10000
	deepest      = 16
)

// A node is an element of XML with what is in it.
type node struct {
	name     string
	attrs    map[string]string
	text     strings.Builder
	children []*node
}

// tree reads XML, of which there is nothing but elements, attributes and text.
func tree(text string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(text))
	top := new(node)
	stack, count := []*node{top}, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if len(top.children) != 1 {
				return nil, wrong("", fmt.Sprintf("it has %d elements at the top instead of one", len(top.children)))
			}
			return top.children[0], nil
		}
		if err != nil {
			return nil, malformed(d, err)
		}
		at := stack[len(stack)-1]
		switch token := token.(type) {
		case xml.Directive:
			return nil, wrong(line(d), "it has a document type or another declaration, which Amazon's have not, and which could bring entities")
		case xml.StartElement:
			if count++; count > mostElements || len(stack) > deepest {
				return nil, wrong(line(d), fmt.Sprintf("it has more than %d elements, or some within more than %d others", mostElements, deepest))
			}
			child := &node{name: token.Name.Local, attrs: make(map[string]string)}
			for _, a := range token.Attr {
				child.attrs[a.Name.Local] = strings.TrimSpace(a.Value)
			}
			at.children = append(at.children, child)
			stack = append(stack, child)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			at.text.Write(token)
		}
	}
}

// malformed says where XML is none. What the decoder says of it could quote a key.
func malformed(d *xml.Decoder, err error) *Error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF") {
		return wrong(line(d), "it ends before its elements do, as a download does that broke off")
	}
	if strings.Contains(err.Error(), "encoding") {
		return wrong(line(d), "it is not in UTF-8")
	}
	return wrong(line(d), "this is no well-formed XML")
}

func line(d *xml.Decoder) string {
	n, _ := d.InputPos()
	return fmt.Sprintf("line %d", n)
}

// all returns the elements of that name in a node.
func (n *node) all(name string) []*node {
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// find returns all elements at a path below a node.
func (n *node) find(path string) []*node {
	found := []*node{n}
	for name := range strings.SplitSeq(path, "/") {
		var below []*node
		for _, f := range found {
			below = append(below, f.all(name)...)
		}
		found = below
	}
	return found
}

// value returns the text of the one element at a path, without the white space around
// it; nothing where there is none, or more than one.
func (n *node) value(path string) string {
	found := n.find(path)
	if len(found) != 1 {
		return ""
	}
	return strings.TrimSpace(found[0].text.String())
}
