// Package explain writes the reference of the language, for a terminal and as a part
// of the manual, from the same tables that decode it: what it does not know there is
// no such thing.
package explain

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/config/declare"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/settings"
	"vpnd/internal/config/shape"
	"vpnd/internal/resource"
)

// An entry is one type of block as [Text] sees it.
type entry struct {
	name   string
	doc    string
	label  string // what stands for the name, empty where the block has none
	fields []resource.Field
	metas  []string
}

// Text writes the reference of the language, from the tables that decode
// it. A path names a type of block, or an attribute or nested block in it:
// "openvpn_server.push.routes"; an empty path lists all types. The error is a
// sentence with a suggestion.
func Text(catalog resource.Catalog, path string) (string, error) {
	if path == "" {
		return overview(catalog), nil
	}
	words := strings.Split(path, ".")
	all := entries(catalog)
	var names []string
	for _, e := range all {
		names = append(names, e.name)
		if e.name == words[0] {
			return explainPath(e, words[1:])
		}
	}
	return "", fmt.Errorf("there is no block %q.%s", words[0], diag.Suggest(words[0], names))
}

// entries lists every type of block: those of the language, kinds, composites.
func entries(catalog resource.Catalog) []entry {
	all := languageEntries()
	for _, k := range catalog.Kinds {
		all = append(all, shapeEntry(k.Name, k.Doc, k.New()))
	}
	for _, c := range catalog.Composites {
		all = append(all, shapeEntry(c.Name, c.Doc, c.New()))
	}
	return all
}

func shapeEntry(name, doc string, empty any) entry {
	fields := resource.Fields(reflect.TypeOf(empty))
	return entry{name: name, doc: doc, label: "NAME", fields: fields, metas: shape.Metas(fields)}
}

// languageEntries are the blocks of the language itself. The settings are a
// shape; the others are read by hand, and so described by hand.
func languageEntries() []entry {
	text := reflect.TypeFor[string]()
	return []entry{
		{name: declare.TypeSettings, doc: "How vpnd itself works. There is at most one.", fields: resource.Fields(reflect.TypeFor[settings.Settings]())},
		{name: declare.TypeCheck, label: "NAME", doc: "What must hold after an apply, and is looked at from then on. An apply with --confirm or --rollback-on-failure is undone where it does not.", fields: resource.Fields(reflect.TypeFor[settings.Check]())},
		{name: declare.TypeVariable, label: "NAME", doc: "A value given from outside and used as var.NAME: by its default, VPND_VAR_NAME, --var-file or --var, the later over the earlier.", fields: []resource.Field{
			{Name: "type", Doc: "its type, as in string, number, list(string) or object({ port = number, host = optional(string) }); without quotes", Type: text},
			{Name: "default", Doc: "its value where none is given; left out, one has to be given", Type: text},
			{Name: "description", Doc: "what it is for", Type: text},
			{Name: "sensitive", Doc: "whether it must not be seen; it then goes into attributes for secrets only", Type: reflect.TypeFor[bool](), Default: "false"},
			{Name: "validation", Doc: "what its value has to meet", Block: true, Type: reflect.TypeFor[[]validation]()},
		}},
		{name: declare.TypeLocals, doc: "Values with a name, used as local.NAME. Every attribute is one."},
		{name: shape.Dynamic, label: "BLOCK", doc: "Makes one block of that type for each item of a collection, at the top level or inside of a block.", fields: []resource.Field{
			{Name: "for_each", Doc: "a list, a set or a map", Required: true, Type: reflect.TypeFor[[]string]()},
			{Name: "iterator", Doc: "what .key and .value of the item are found under, without quotes; left out, the type of the block", Type: text},
			{Name: "labels", Doc: "the name of each block, as a list of one; needed where the block has a name", Type: reflect.TypeFor[[]string]()},
			{Name: "content", Doc: "the body of each block", Block: true, Required: true, Type: reflect.TypeFor[struct{}]()},
		}},
	}
}

// validation is the block of that name in a variable, for Text.
type validation struct {
	Condition    string `vpnd:"condition,required" doc:"an expression that is true for a good value"`
	ErrorMessage string `vpnd:"error_message,required" doc:"what to say where it is not"`
}

func overview(catalog resource.Catalog) string {
	var b strings.Builder
	group := func(title string, list []entry) {
		fmt.Fprintf(&b, "%s\n\n", title)
		var rows [][2]string
		for _, e := range list {
			rows = append(rows, [2]string{e.name, firstSentence(e.doc)})
		}
		table(&b, rows)
		b.WriteByte('\n')
	}
	all := entries(catalog)
	language := len(languageEntries())
	group("Blocks that are one thing on the host", all[language:language+len(catalog.Kinds)])
	group("Blocks that stand for several", all[language+len(catalog.Kinds):])
	group("Settings and values", all[:language])
	b.WriteString("\"vpnd explain BLOCK\" tells what is in one.\n")
	return b.String()
}

func firstSentence(doc string) string {
	doc, _, _ = strings.Cut(doc, "\n")
	if first, _, more := strings.Cut(doc, ". "); more {
		return first + "."
	}
	return doc
}

func explainPath(e entry, path []string) (string, error) {
	fields, at := e.fields, e.name
	for i, word := range path {
		var called []resource.Field // an attribute, a block, or one of each
		var names []string
		for _, f := range fields {
			names = append(names, f.Name)
			if f.Name == word {
				called = append(called, f)
			}
		}
		if len(called) == 0 {
			return "", fmt.Errorf("%s has no attribute and no block %q.%s", at, word, diag.Suggest(word, names))
		}
		at += "." + word
		if i == len(path)-1 {
			return explainFields(at, called), nil
		}
		block := slices.IndexFunc(called, func(f resource.Field) bool { return f.Block })
		if block < 0 {
			return "", fmt.Errorf("%s is an attribute, so there is nothing below it", at)
		}
		fields = resource.Fields(shape.Element(called[block]))
	}
	return explainEntry(e), nil
}

// explainFields explains all that goes by one name.
func explainFields(at string, called []resource.Field) string {
	var all []string
	for _, f := range called {
		all = append(all, explainField(at, f))
	}
	return strings.Join(all, "\n")
}

func explainEntry(e entry) string {
	var b strings.Builder
	header := e.name
	if e.label != "" {
		header += fmt.Sprintf(" %q", e.label)
	}
	fmt.Fprintf(&b, "%s { }\n", header)
	if e.doc != "" {
		fmt.Fprintf(&b, "\n  %s\n", strings.ReplaceAll(e.doc, "\n", "\n  "))
	}
	body(&b, e.fields)
	if len(e.metas) > 0 {
		section(&b, "As in every block", [][2]string{
			{shape.DependsOn, "list of blocks that are applied before this one, as in depends_on = [tun.tun0]"},
			{shape.OnChange, "list of units that a change here reloads or restarts, as in on_change = [unit[\"ssh.service\"]]"},
		}[:len(e.metas)])
	}
	return b.String()
}

func explainField(at string, f resource.Field) string {
	var b strings.Builder
	if !f.Block {
		fmt.Fprintf(&b, "%s\n\n  %s\n", at, attributeLine(f))
		if !f.Computed {
			fmt.Fprintf(&b, "\n  %s = %s\n", f.Name, shape.Example(f))
		}
		return b.String()
	}
	fmt.Fprintf(&b, "%s { }\n\n  %s\n", at, blockLine(f))
	body(&b, resource.Fields(shape.Element(f)))
	return b.String()
}

// body writes the attributes and blocks of a shape by what a user has to do
// about them.
func body(b *strings.Builder, fields []resource.Field) {
	var required, optional, blocks, told [][2]string
	for _, f := range fields {
		row := [2]string{f.Name, attributeLine(f)}
		switch {
		case f.Label:
		case f.Computed:
			told = append(told, row)
		case f.Block:
			blocks = append(blocks, [2]string{f.Name, blockLine(f)})
		case f.Required:
			required = append(required, row)
		default:
			optional = append(optional, row)
		}
	}
	section(b, "Required", required)
	section(b, "Optional", optional)
	section(b, "Blocks", blocks)
	section(b, "Told by vpnd, not written", told)
}

func attributeLine(f resource.Field) string {
	words := []string{strings.TrimPrefix(shape.FormOf(f.Type).One, "a ")}
	if f.Exports {
		words[0] = "reference to a block, as in " + f.Name + " = " + f.Name + ".office"
	}
	if f.Doc != "" {
		words = append(words, f.Doc)
	}
	if f.Default != "" {
		words = append(words, "default "+shape.Written(f))
	}
	return strings.Join(words, "; ")
}

func blockLine(f resource.Field) string {
	count := "at most one"
	if f.Type.Kind() == reflect.Slice {
		count = "any number"
	}
	if f.Required {
		count = strings.Replace(strings.Replace(count, "at most one", "one", 1), "any number", "one or more", 1)
	}
	if label := shape.LabelNames(f); label != nil {
		count += fmt.Sprintf(", each with a name: %s %q { }", f.Name, strings.ToUpper(label[0]))
	}
	if f.Doc != "" {
		return f.Doc + "; " + count
	}
	return count
}

func section(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s\n\n", title)
		table(b, rows)
	}
}

func table(b *strings.Builder, rows [][2]string) {
	wide := 0
	for _, row := range rows {
		wide = max(wide, len(row[0]))
	}
	for _, row := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", wide, row[0], row[1])
	}
}
