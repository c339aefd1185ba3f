package bounds

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/config/diag"
)

// A nesting is how deep a text leads its parser, and whoever walks through what
// comes out of it: down with each bracket, and with each step of an expression,
// since what follows an operator, a dot or an index hangs below what is before.
type nesting struct {
	open     []bracket // the outermost is the file
	branches int       // %{ if } and %{ for } without their end
}

type bracket struct {
	steps int  // of the expression that is being read
	lines bool // the end of a line ends an expression
}

func newNesting() *nesting { return &nesting{open: []bracket{{lines: true}}} }

func (n *nesting) in() *bracket { return &n.open[len(n.open)-1] }

func (n *nesting) enter(lines bool) { n.open = append(n.open, bracket{lines: lines}) }

func (n *nesting) leave() {
	if len(n.open) > 1 {
		n.open = n.open[:len(n.open)-1]
	}
}

func (n *nesting) endOfLine() {
	if n.in().lines {
		n.in().steps = 0
	}
}

func (n *nesting) deep() bool { return len(n.open)-1+n.branches > deepest }

func (n *nesting) long() bool { return n.in().steps > mostInARow }

// read takes account of a token, and of the word behind it.
func (n *nesting) read(t hclsyntax.Token, next func() string) {
	switch t.Type {
	case hclsyntax.TokenOBrace:
		n.enter(next() != "for")
	case hclsyntax.TokenOBrack:
		n.in().steps++ // it may be an index
		n.enter(false)
	case hclsyntax.TokenTemplateControl:
		n.branch(next())
		n.enter(false)
	case hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp:
		n.enter(false)
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd:
		n.leave()
	case hclsyntax.TokenComma:
		n.in().steps = 0
	case hclsyntax.TokenNewline:
		n.endOfLine()
	case hclsyntax.TokenComment:
		if bytes.HasSuffix(t.Bytes, []byte("\n")) {
			n.endOfLine()
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash,
		hclsyntax.TokenPercent, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan,
		hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenDot:
		n.in().steps++
	}
}

func (n *nesting) branch(directive string) {
	switch directive {
	case "if", "for":
		n.branches++
	case "endif", "endfor":
		n.branches = max(0, n.branches-1)
	}
}

// significant returns the first word that is no comment and no end of a line.
func significant(tokens hclsyntax.Tokens) func() string {
	return func() string {
		for _, t := range tokens {
			if t.Type != hclsyntax.TokenNewline && t.Type != hclsyntax.TokenComment {
				return string(t.Bytes)
			}
		}
		return ""
	}
}

// Expression returns the place where a text of HCL goes beyond the bounds, and what
// of it does.
func Expression(tokens hclsyntax.Tokens) *hcl.Diagnostic {
	n := newNesting()
	for i, t := range tokens {
		n.read(t, significant(tokens[i+1:]))
		if t.Type == hclsyntax.TokenNumberLit {
			if d := number(string(t.Bytes), t.Range); d != nil {
				return d
			}
		}
		switch {
		case n.deep():
			return diag.Error(t.Range, "Too deeply nested", "Brackets, blocks and templates may stand within each other %d deep. Put parts of it into locals.", deepest)
		case n.long():
			return diag.Error(t.Range, "Too long an expression", "One expression may have %d operators, dots and indexes. Put parts of it into locals.", mostInARow)
		}
	}
	return nil
}
