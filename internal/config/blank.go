package config

import (
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/resource"
)

// blankSecrets overwrites secrets that are written out in the files, so that
// no snippet of them shows one. The files were parsed before, from a copy.
func (l *loader) blankSecrets() {
	for name, f := range l.files {
		l.blankCopy(name)
		if body, ok := f.Body.(*hclsyntax.Body); ok {
			_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
				if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "sensitive" {
					for _, arg := range call.Args {
						l.blank(arg)
					}
				}
				return nil
			})
		}
	}
	for _, v := range l.variables {
		if v.sensitive && v.fallback != nil {
			l.blank(v.fallback.Expr)
		}
	}
	for _, b := range l.raw {
		kind, body := contentOf(b)
		if shape := l.shapeOf(kind); shape != nil {
			l.blankBody(body, resource.Fields(reflect.TypeOf(shape)))
		}
	}
}

// contentOf returns the type and the body of a block, seeing through dynamic.
func contentOf(b *hcl.Block) (string, hcl.Body) {
	if b.Type != typeDynamic {
		return b.Type, b.Body
	}
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "content"}}})
	if len(content.Blocks) == 0 {
		return "", nil
	}
	return b.Labels[0], content.Blocks[0].Body
}

// blankCopy puts a copy in the place of a file's text, for blanks to be written
// into: the text itself belongs to the parser.
func (l *loader) blankCopy(name string) {
	copied := *l.files[name]
	copied.Bytes = slices.Clone(copied.Bytes)
	l.files[name] = &copied
}

func (l *loader) blankBody(body hcl.Body, fields []resource.Field) {
	schema := bodySchema(fields)
	schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: typeDynamic, LabelNames: []string{"block"}})
	content, _, _ := body.PartialContent(schema)
	for _, f := range fields {
		if attr := content.Attributes[f.Name]; attr != nil && f.IsSecret() {
			l.blank(attr.Expr)
		}
	}
	for _, b := range content.Blocks {
		kind, body := contentOf(b)
		if f, ok := fieldNamed(fields, kind); ok && f.Block && body != nil {
			l.blankBody(body, resource.Fields(element(f)))
		}
	}
}

// blank overwrites the text written out in an expression, but not its
// references, which a message may have to show.
func (l *loader) blank(expr hcl.Expression) {
	node, native := expr.(hclsyntax.Expression)
	if !native {
		if len(expr.Variables()) == 0 {
			l.blankRange(expr.Range())
		}
		return
	}
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if literal, ok := n.(*hclsyntax.LiteralValueExpr); ok {
			l.blankRange(literal.SrcRange)
		}
		return nil
	})
}

func (l *loader) blankRange(r hcl.Range) {
	if f := l.files[r.Filename]; f != nil {
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
// parsed either.
func (l *loader) blankTokens(text []byte, name string) []byte {
	text = slices.Clone(text)
	secrets := l.secretNames()
	all := slices.ContainsFunc(l.src.VarFiles, func(path string) bool { return display(path) == name })
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	within, depth, last := false, 0, ""
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenIdent, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8:
			if last = string(t.Bytes); within && t.Type != hclsyntax.TokenIdent {
				blankBytes(text, t.Range)
			}
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			if !within && (all || secrets[last]) {
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

// secretNames returns the name of every attribute that may hold a secret;
// default is one, of a variable.
func (l *loader) secretNames() map[string]bool {
	names := map[string]bool{"default": true}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for _, f := range resource.Fields(t) {
			if f.IsSecret() {
				names[f.Name] = true
			}
			if f.Block {
				walk(element(f))
			}
		}
	}
	for _, name := range blockTypes(l.catalog) {
		walk(reflect.TypeOf(l.shapeOf(name)))
	}
	return names
}
