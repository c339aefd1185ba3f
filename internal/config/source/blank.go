package source

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Texts are files by their names, for the snippets of diagnostics.
type Texts map[string]*hcl.File

// BlankCalls overwrites what is written out in calls of sensitive(). The files were
// parsed before, and go on from a copy.
func (t Texts) BlankCalls() {
	for name, f := range t {
		t.Copy(name)
		if body, ok := f.Body.(*hclsyntax.Body); ok && bytes.Contains(f.Bytes, []byte("sensitive")) {
			_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
				if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "sensitive" {
					for _, arg := range call.Args {
						t.Blank(arg)
					}
				}
				return nil
			})
		}
	}
}

// Copy puts a copy in the place of a file's text, for blanks to be written into: the
// text itself belongs to the parser.
func (t Texts) Copy(name string) {
	copied := *t[name]
	copied.Bytes = slices.Clone(copied.Bytes)
	t[name] = &copied
}

// Blank overwrites the text written out in an expression, but not its
// references, which a message may have to show.
func (t Texts) Blank(expr hcl.Expression) {
	node, native := expr.(hclsyntax.Expression)
	if !native {
		if len(expr.Variables()) == 0 {
			t.blank(expr.Range())
		}
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			t.blank(literal.SrcRange)
		}
		return nil
	})
}

func (t Texts) blank(r hcl.Range) {
	if f := t[r.Filename]; f != nil {
		blankBytes(f.Bytes, r)
	}
}

func blankBytes(text []byte, r hcl.Range) {
	for i := r.Start.Byte; i < min(r.End.Byte, len(text)); i++ {
		if text[i] != '\n' && text[i] != '\r' {
			text[i] = '*'
		}
	}
}

// blankTokens returns a copy of a file that can't be parsed, in which every
// text is blanked that follows the name of an attribute for secrets: what the
// attribute belongs to can't be told there. In a file of variables that is
// every one: which of them are sensitive may stand in a file that can't be
// parsed either. Behind a quote that is missing nobody knows any more what is a
// text and what a name, so all of that is blanked.
func (r *Reader) blankTokens(text []byte, name string) []byte {
	text = slices.Clone(text)
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	within, depth, last, lost := false, 0, "", false
	for _, t := range tokens {
		if lost = lost || torn(t); lost {
			blankBytes(text, t.Range)
			continue
		}
		switch t.Type {
		case hclsyntax.TokenIdent, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8:
			if last = string(t.Bytes); within && t.Type != hclsyntax.TokenIdent {
				blankBytes(text, t.Range)
			}
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			if !within && (r.values[name] || r.secrets[last]) {
				within, depth = true, 0
			}
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			depth--
			within = within && depth >= 0
		case hclsyntax.TokenNewline, hclsyntax.TokenComma:
			within = within && depth > 0
		}
	}
	return text
}

// torn says whether a token shows that a quote is missing: a text goes on in the next
// line.
func torn(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenQuotedNewline || t.Type == hclsyntax.TokenQuotedLit && bytes.ContainsRune(t.Bytes, '\n')
}
