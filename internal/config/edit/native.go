package edit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// native is a file in the syntax of HCL.
type native struct {
	File
	body *hclsyntax.Body
}

// mark is how a file may begin that Windows wrote; it is no text.
var mark = []byte("\xef\xbb\xbf")

func parseNative(f File) (native, error) {
	begin := hcl.InitialPos
	if bytes.HasPrefix(f.Data, mark) {
		begin.Byte = len(mark)
	}
	file, diags := hclsyntax.ParseConfig(f.Data[begin.Byte:], f.Name, begin)
	if diags.HasErrors() {
		return native{}, diags
	}
	return native{f, file.Body.(*hclsyntax.Body)}, nil
}

// outer returns the block at the top; nil where it is not in this file.
func (f native) outer(n Nested) *hclsyntax.Block {
	for _, b := range f.body.Blocks {
		if b.Type == n.In.Kind && len(b.Labels) == 1 && b.Labels[0] == n.In.Name {
			return b
		}
	}
	return nil
}

// made tells of a dynamic block of this file that makes such blocks at the top.
func (f native) made(n Nested, write string) error {
	if d := dynamic(f.body, n.In.Kind); d != nil {
		return f.refuse(d, "the "+n.In.Kind+" blocks", "write there, in its content block: "+write)
	}
	return nil
}

// dynamic returns the block that makes blocks of a type.
func dynamic(in *hclsyntax.Body, kind string) *hclsyntax.Block {
	for _, b := range in.Blocks {
		if b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == kind {
			return b
		}
	}
	return nil
}

// refuse tells of a dynamic block, and of what it makes blocks.
func (f native) refuse(d *hclsyntax.Block, made, want string) error {
	from := "its for_each"
	if a := d.Body.Attributes["for_each"]; a != nil {
		from = strings.TrimSpace(string(a.Expr.Range().SliceBytes(f.Data)))
		if strings.Contains(from, "\n") {
			from = fmt.Sprintf("for_each in line %d", a.SrcRange.Start.Line)
		}
	}
	return &Refusal{
		File: f.Name, Line: d.DefRange().Start.Line,
		What: fmt.Sprintf("a dynamic block makes %s, from %s", made, from),
		Do:   want,
	}
}

// add puts the block behind the last of its type, or at the end of the outer one.
func (f native) add(n Nested) (*splice, error) {
	outer := f.outer(n)
	if outer == nil {
		return nil, nil
	}
	line := n.written(Attribute{}) + "\n"
	if d := dynamic(outer.Body, n.Type); d != nil {
		return nil, f.refuse(d, fmt.Sprintf("the %s blocks of %s", n.Type, n.In), fmt.Sprintf("add %q to what it goes through, or write beside it: %s", n.Label, strings.TrimSpace(line)))
	}
	var last *hclsyntax.Block
	for _, b := range outer.Body.Blocks {
		if b.Type == n.Type {
			last = b
		}
	}
	if last != nil {
		closed := last.CloseBraceRange.End.Byte
		at := lineEnd(f.Data, closed)
		if bytes.Contains(f.Data[closed:at], []byte("/*")) { // a comment that may end anywhere
			return f.within(outer, line), nil
		}
		return &splice{at, at, lines(indent(f.Data, last.TypeRange.Start.Byte), line)}, nil
	}
	return f.within(outer, line), nil
}

// within puts a line, with its end, at the end of a block.
func (f native) within(b *hclsyntax.Block, line string) *splice {
	closing, own := b.CloseBraceRange.Start.Byte, indent(f.Data, b.TypeRange.Start.Byte)
	inner := own + step(f.Data, own)
	if b.OpenBraceRange.Start.Line != b.CloseBraceRange.Start.Line {
		at := 1 + bytes.LastIndexByte(f.Data[:closing], '\n')
		if before := f.Data[at:closing]; len(bytes.TrimSpace(before)) == 0 {
			return &splice{at, at, lines(inner, line)}
		}
		return &splice{closing, closing, "\n" + lines(inner, line) + own}
	}
	// All on one line, which holds one attribute at most.
	opening := b.OpenBraceRange.End.Byte
	held := ""
	if text := strings.TrimSpace(string(f.Data[opening:closing])); text != "" {
		held = inner + text + "\n"
	}
	return &splice{opening, closing, "\n" + held + lines(inner, line) + own}
}

// lines indents each line of a text, which ends with one.
func lines(by, text string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// step is what a nested block is indented by: a tabulator where the file has them.
func step(data []byte, own string) string {
	if strings.Contains(own, "\t") || bytes.Contains(data, []byte("\n\t")) {
		return "\t"
	}
	return "  "
}

// set gives an attribute of the nested block its value.
func (f native) set(n Nested, a Attribute) (*splice, error) {
	outer := f.outer(n)
	if outer == nil {
		return nil, nil
	}
	if n.Type == "" {
		return f.setIn(outer, a)
	}
	for _, b := range outer.Body.Blocks {
		if b.Type == n.Type && len(b.Labels) == 1 && b.Labels[0] == n.Label {
			return f.setIn(b, a)
		}
	}
	if d := dynamic(outer.Body, n.Type); d != nil {
		return nil, f.refuse(d, fmt.Sprintf("the %s blocks of %s", n.Type, n.In),
			fmt.Sprintf("take %q out of what it goes through, and write beside it: %s", n.Label, n.written(a)))
	}
	return nil, nil
}

func (f native) setIn(b *hclsyntax.Block, a Attribute) (*splice, error) {
	opening, closing := b.OpenBraceRange.End.Byte, b.CloseBraceRange.Start.Byte
	is := b.Body.Attributes[a.Name]
	switch {
	case is == nil && strings.Trim(string(f.Data[opening:closing]), " \t") == "":
		return &splice{opening, closing, " " + a.String() + " "}, nil
	case is == nil:
		return f.within(b, a.String()+"\n"), nil
	}
	if _, literal := is.Expr.(*hclsyntax.LiteralValueExpr); !literal {
		return nil, &Refusal{
			File: f.Name, Line: is.SrcRange.Start.Line,
			What: fmt.Sprintf("%s is computed there: %s", a.Name, strings.TrimSpace(string(is.Expr.Range().SliceBytes(f.Data)))),
			Do:   "write there: " + a.String(),
		}
	}
	r := is.Expr.Range()
	return &splice{r.Start.Byte, r.End.Byte, a.value()}, nil
}
