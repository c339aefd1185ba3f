package diag

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Polish turns diagnostics of HCL into the words of vpnd and takes secrets out
// of them.
func Polish(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		if strings.Contains(d.Detail, "dynamic marks") {
			d.Summary = "Sensitive value as a name"
			d.Detail = "The name of a block is shown in plans, so it can't be a sensitive value."
			d.Expression, d.EvalContext = nil, nil
		}
		if strings.Contains(d.Detail, "valid JSON keyword") || strings.Contains(d.Detail, "JavaScript identifier") {
			d.Detail = "Text stands in quotes; without them JSON knows numbers, true, false and null." // not the word: it may be a secret
		}
		if kind, ok := strings.CutPrefix(d.Summary, "Missing name for "); ok {
			d.Detail = fmt.Sprintf("Each one has a name behind its type, as in %s \"office\" {.", kind)
		}
		if kind, ok := strings.CutPrefix(d.Summary, "Extraneous label for "); ok && strings.HasPrefix(d.Detail, "No labels") {
			d.Detail = fmt.Sprintf("Such a block has no name; write %s {.", kind)
		}
		redact(d)
	}
	return diags
}

// Unknown adds a way out to diagnostics about attributes and blocks
// that don't exist; block is the path for vpnd explain, empty at the top level.
func Unknown(diags hcl.Diagnostics, block string, schema *hcl.BodySchema) hcl.Diagnostics {
	for _, d := range diags {
		if d.Summary == "Missing required argument" {
			d.Summary, d.Detail = "Missing attribute", missing(d.Detail, block)
			continue
		}
		unknownBlock := d.Summary == "Unsupported block type"
		if !unknownBlock && d.Summary != "Unsupported argument" && d.Summary != "Extraneous JSON object property" {
			d.Detail = strings.ReplaceAll(d.Detail, "argument", "attribute")
			continue
		}
		d.Summary = map[bool]string{true: "Unknown block", false: "Unknown attribute"}[unknownBlock]
		d.Detail = strings.ReplaceAll(d.Detail, "argument named", "attribute named")
		d.Detail = strings.ReplaceAll(d.Detail, "define argument", "set attribute")
		d.Detail = strings.ReplaceAll(d.Detail, "No argument or", "No attribute or")
		if !strings.Contains(d.Detail, "Did you mean") {
			d.Detail += hintUnknown(d.Detail, block, schema)
		}
	}
	return diags
}

// missing says what has to be given, in the words of vpnd.
func missing(detail, block string) string {
	return fmt.Sprintf(`There has to be %s. "vpnd explain %s" tells what it is.`, quoted(detail), block)
}

// quoted returns the word in quotes of a detail, which is the name that it is about.
func quoted(detail string) string {
	_, rest, _ := strings.Cut(detail, `"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

func hintUnknown(detail, block string, schema *hcl.BodySchema) string {
	given := quoted(detail)
	var names []string
	for _, a := range schema.Attributes {
		names = append(names, a.Name)
	}
	for _, b := range schema.Blocks {
		names = append(names, b.Type)
	}
	if name := Nearest(given, names); name != "" {
		return fmt.Sprintf(" Did you mean %q?", name)
	}
	if block == "" {
		return ` "vpnd explain" lists all there are.`
	}
	return fmt.Sprintf(` "vpnd explain %s" lists what there is.`, block)
}
