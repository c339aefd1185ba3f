package shape

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// renamed tells the new word for an attribute to those who write the old one, where
// that is now the name of a block, or of nothing.
func renamed(diags hcl.Diagnostics, fields []resource.Field) hcl.Diagnostics {
	for _, f := range fields {
		if f.Was == "" {
			continue
		}
		for _, d := range diags {
			native := d.Summary == "Unsupported argument" && strings.Contains(d.Detail, fmt.Sprintf("named %q", f.Was))
			inJSON := d.Summary == "Extraneous JSON object property" && strings.Contains(d.Detail, fmt.Sprintf("named %q", f.Was)) ||
				d.Summary == "Incorrect JSON value type" && strings.Contains(d.Detail, fmt.Sprintf("more %q blocks", f.Was))
			if native || inJSON {
				d.Summary = "Renamed attribute"
				d.Detail = fmt.Sprintf("The attribute %s is called %s now: write %s in its place. It is %s.", f.Was, f.Name, f.Name, f.Doc)
			}
		}
	}
	return diags
}
