package resource

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
)

// A Document is a file that a block names by its path, and that is read together
// with the configuration: so a composite, which knows no host, can be made from what
// is in it. Its content is secret. Whatever prints it gets the path, and [Document.Reveal]
// is the one way to the content.
//
// Only the shapes of composites have documents. What these come to is what is kept in
// force, so that neither the file nor its path is asked for again until the next
// vpnd apply or reload.
//
// One that has no path was given as it is: by a sensitive value, as credential() has
// them, or by text of several lines.
type Document struct{ path, content string }

// NewDocument returns a document that was read, or, without a path, was given as it is.
func NewDocument(path, content string) *Document { return &Document{path: path, content: content} }

// A Referrer is the shape of a composite whose documents name other files that belong
// to them, as a profile does its keys. They are read beside the document, and like it.
type Referrer interface {
	// Refers returns what is to be read, once the documents are; nothing twice.
	Refers() []Reference
}

// A Reference is a file that a document names.
type Reference struct {
	Document *Document // gets the content; its path is as the document has it
	Beside   Document  // the document that names it: paths are counted from where that is
	Public   bool      // all may read it, as a certificate
	Path     string    // the attribute of the document, where mistakes are told
}

// inline is what is said in the place of a path.
const inline = "(sensitive)"

// Path returns the path as it was written, empty where there is none.
func (d Document) Path() string { return d.path }

// Reveal returns the content, empty where nobody read it.
func (d Document) Reveal() string { return d.content }

// String returns the path, and of one that has none that it is not shown.
func (d Document) String() string {
	if d.path == "" {
		return inline
	}
	return d.path
}

// GoString returns what String does.
func (d Document) GoString() string { return d.String() }

// Format writes what String returns, whatever the verb.
func (d Document) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.String())) }

// LogValue returns what String does.
func (d Document) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText returns what String does.
func (d Document) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText takes a path; the content is nobody's until it is read. What has several
// lines is no path but the content.
func (d *Document) UnmarshalText(text []byte) error {
	switch {
	case len(text) == 0:
		return errors.New("it is empty")
	case bytes.ContainsRune(text, '\n'):
		*d = Document{content: string(text)}
	default:
		*d = Document{path: string(text)}
	}
	return nil
}
