package source

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"vpnd/internal/config/bounds"
	"vpnd/internal/config/diag"
)

// Format brings a file into the canonical layout. What can't be parsed is
// returned as it is, with diagnostics: laying it out would make it worse.
func Format(src []byte, name string) ([]byte, hcl.Diagnostics) {
	if problem := bounds.Text(src); problem != "" {
		return src, hcl.Diagnostics{diag.Error(hcl.Range{}, "No text that vpnd reads", "%s: %s", name, problem)}
	}
	if d := bounds.File(src, name); d != nil {
		return src, hcl.Diagnostics{d}
	}
	if strings.HasSuffix(name, ".json") {
		return formatJSON(src, name)
	}
	if _, diags := hclsyntax.ParseConfig(bounds.Plain(src), name, hcl.InitialPos); diags.HasErrors() {
		return src, diags
	}
	return hclwrite.Format(bounds.Plain(src)), nil
}

func formatJSON(src []byte, name string) ([]byte, hcl.Diagnostics) {
	if _, diags := hcljson.Parse(src, name); diags.HasErrors() {
		return src, diags
	}
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(src), "", "  "); err != nil {
		return src, hcl.Diagnostics{diag.Error(hcl.Range{}, "Unreadable file", "%s: %s.", name, err)}
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}
