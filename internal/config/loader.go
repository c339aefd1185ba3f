package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/resource"
)

// A loader is one run of [Load].
type loader struct {
	src     Source
	catalog resource.Catalog
	parser  *hclparse.Parser
	files   map[string]*hcl.File
	trusted map[string]bool // what only root can change
	sources []source
	diags   hcl.Diagnostics

	variables map[string]*variable
	values    map[string]cty.Value // of variables
	locals    map[string]*node
	dynamics  map[string][]*node // by the type of block they make
	blocks    map[resource.ID]*block
	order     []*block // as declared; grows while dynamic blocks are expanded
	byType    map[string][]*block
	settings  []*hcl.Block
	checks    []*check
	raw       []*hcl.Block // every block at the top level, for blankSecrets

	stack     []*node        // what is being evaluated, to tell a cycle
	made      int            // blocks, by dynamic ones
	untold    int            // mistakes beyond those that are told
	borne     int            // what all values weigh that were made
	weights   map[string]int // of variables
	functions map[string]map[string]function.Function
}

// A source is one file that was read.
type source struct {
	name string // as users know it
	dir  string // what its functions' paths are relative to
	body hcl.Body
}

func newLoader(src Source, catalog resource.Catalog) *loader {
	return &loader{
		src:       src,
		catalog:   catalog,
		parser:    hclparse.NewParser(),
		files:     make(map[string]*hcl.File),
		trusted:   make(map[string]bool),
		variables: make(map[string]*variable),
		values:    make(map[string]cty.Value),
		weights:   make(map[string]int),
		locals:    make(map[string]*node),
		dynamics:  make(map[string][]*node),
		blocks:    make(map[resource.ID]*block),
		byType:    make(map[string][]*block),
		functions: make(map[string]map[string]function.Function),
	}
}

func (l *loader) add(diags hcl.Diagnostics) { l.tell(polish(diags)...) }

func (l *loader) errorAt(at hcl.Range, summary, detail string, args ...any) {
	l.tell(errorAt(at, summary, detail, args...))
}

// mostMistakes is how many mistakes and warnings are told before the rest is only
// counted: nobody reads them, and each costs time.
const mostMistakes = 100

// tell takes note of mistakes. An error is never left out for a warning's sake.
func (l *loader) tell(diags ...*hcl.Diagnostic) {
	for _, d := range diags {
		if l.full() && (l.diags.HasErrors() || d.Severity != hcl.DiagError) {
			l.untold++
			continue
		}
		l.diags = append(l.diags, d)
	}
}

// full says whether there are as many mistakes as anybody reads.
func (l *loader) full() bool { return len(l.diags) >= mostMistakes }

// told returns the diagnostics, in the order of the files.
func (l *loader) told() hcl.Diagnostics {
	diags := tidy(l.diags)
	if l.untold > 0 {
		diags = append(diags, errorAt(hcl.Range{}, "More mistakes", "There are %d more; mend these first.", l.untold))
		if !l.diags.HasErrors() {
			diags[len(diags)-1].Severity, diags[len(diags)-1].Summary = hcl.DiagWarning, "More warnings"
		}
	}
	return diags
}

func errorAt(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if at != (hcl.Range{}) {
		d.Subject = &at
	}
	return d
}

// shapeOf returns an empty shape of that type of block, or nil where there is
// no such type.
func (l *loader) shapeOf(blockType string) any {
	if k, ok := l.catalog.Kind(blockType); ok {
		return k.New()
	}
	if c, ok := l.catalog.Composite(blockType); ok {
		return c.New()
	}
	return nil
}

// blockTypes lists the types of the catalog, kinds first.
func blockTypes(catalog resource.Catalog) []string {
	var names []string
	for _, k := range catalog.Kinds {
		names = append(names, k.Name)
	}
	for _, c := range catalog.Composites {
		names = append(names, c.Name)
	}
	return names
}

// where writes a place for the text of a diagnostic.
func where(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }
