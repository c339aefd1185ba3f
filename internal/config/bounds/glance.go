package bounds

import "bytes"

// A glance looks at each byte of a text, where taking it apart into tokens costs
// a third of all that reading it does.
type glance struct {
	data  []byte
	at    int
	texts []int // how many brackets were open where a text was left for ${
	nesting
}

// plainlyModest says whether a text stays within the bounds for certain. Of what
// can't be told at a glance it says no, and Expression decides.
func plainlyModest(data []byte) bool {
	g := glance{data: data, nesting: *newNesting()}
	for ; g.at < len(data); g.at++ {
		if !g.see(data[g.at]) || g.deep() || g.long() {
			return false
		}
	}
	return true
}

// see takes account of the byte, and of those that belong to it. It says whether
// it could.
func (g *glance) see(c byte) bool {
	switch c {
	case '"':
		return g.text()
	case '#':
		g.comment()
	case '/':
		return g.slash()
	case '{':
		next := bytes.TrimLeft(g.data[g.at+1:], " \t\n")
		g.enter(len(next) > 0 && next[0] != 'f' && next[0] != '#' && next[0] != '/') // there may be a for
	case '(', '[':
		g.in().steps++
		g.enter(false)
	case ')', ']', '}':
		if len(g.texts) > 0 && len(g.open) == g.texts[len(g.texts)-1] {
			return c == '}' && g.resume()
		}
		g.leave()
	case ',':
		g.in().steps = 0
	case '\n':
		g.endOfLine()
	case '<':
		g.in().steps++
		return g.next() != '<' // a heredoc
	case '!', '-', '?', '+', '*', '%', '&', '|', '=', '>', '.':
		g.in().steps++
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return g.number()
	}
	return true
}

// next is the byte after this one, 0 at the end.
func (g *glance) next() byte {
	if g.at+1 < len(g.data) {
		return g.data[g.at+1]
	}
	return 0
}

func (g *glance) comment() {
	for g.at+1 < len(g.data) && g.next() != '\n' {
		g.at++
	}
}

func (g *glance) slash() bool {
	switch g.next() {
	case '*':
		return false
	case '/':
		g.comment()
	default:
		g.in().steps++
	}
	return true
}

func (g *glance) number() bool {
	digits := g.at
	for g.next() >= '0' && g.next() <= '9' {
		g.at++
	}
	return g.at-digits < 100 && g.next()|' ' != 'e'
}

// text goes over a quoted text, to its end or to where ${ leaves it.
func (g *glance) text() bool {
	leaves, ok := g.textEnd()
	if leaves {
		g.enter(false)
		g.texts = append(g.texts, len(g.open))
	}
	return ok
}

// resume goes on in a text behind the } of its ${.
func (g *glance) resume() bool {
	leaves, ok := g.textEnd()
	if !leaves {
		g.texts = g.texts[:len(g.texts)-1]
		g.leave()
	}
	return ok
}

// textEnd goes to the quote that ends a text, or to the bracket of a ${ that
// leaves it.
func (g *glance) textEnd() (leaves, ok bool) {
	for g.at++; g.at < len(g.data); g.at++ {
		switch c := g.data[g.at]; {
		case c == '"':
			return false, true
		case c == '\\' || c == '\n':
			return false, false
		case (c == '$' || c == '%') && g.next() == '{':
			plain := c == '$' && g.data[g.at-1] != '$' // no directive and no escape
			g.at++
			return true, plain
		}
	}
	return false, false
}
