package explain

import (
	"fmt"
	"strings"

	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// Manual returns the reference of all blocks as a section of a manual page, in
// mdoc(7), from the same tables as [Text].
func Manual(catalog resource.Catalog) string {
	var b strings.Builder
	b.WriteString(".Sh BLOCKS\n")
	for _, e := range entries(catalog) {
		fmt.Fprintf(&b, ".Ss %s\n", manualText(e.name))
		paragraph(&b, e.doc)
		manualFields(&b, e.fields)
	}
	return b.String()
}

// manualFields writes what stands in a block, blocks in it included.
func manualFields(b *strings.Builder, fields []resource.Field) {
	var items strings.Builder
	for _, f := range fields {
		switch {
		case f.Label || f.Computed:
		case f.Block:
			fmt.Fprintf(&items, ".It Li %s Brq\n", manualText(f.Name))
			paragraph(&items, blockLine(f))
			manualFields(&items, resource.Fields(shape.Element(f)))
		default:
			need := ""
			if f.Required {
				need = " Pq required"
			}
			fmt.Fprintf(&items, ".It Li %s%s\n", manualText(f.Name), need)
			paragraph(&items, attributeLine(f))
		}
	}
	if items.Len() > 0 {
		fmt.Fprintf(b, ".Bl -tag -width Ds\n%s.El\n", items.String())
	}
}

// paragraph writes text, a line a sentence.
func paragraph(b *strings.Builder, text string) {
	for line := range strings.Lines(strings.ReplaceAll(text, ". ", ".\n")) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(manualText(line) + "\n")
		}
	}
}

// manualText keeps text from being taken for requests and escapes of roff(7).
func manualText(s string) string {
	s = strings.ReplaceAll(s, `\`, `\e`)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
