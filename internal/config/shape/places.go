package shape

import "github.com/hashicorp/hcl/v2"

// Places say where each attribute and nested block was written:
// "keepalive.restart", "client.guest", "rules[2]".
type Places map[string]hcl.Range

// Find returns the place of path or of the nearest thing around it.
func (p Places) Find(path string, whole hcl.Range) hcl.Range {
	for path != "" {
		if at, ok := p[path]; ok {
			return at
		}
		end := len(path) - 1
		for end > 0 && path[end] != '.' && path[end] != '[' {
			end--
		}
		path = path[:end]
	}
	return whole
}
