package resource

import (
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
type Document struct{ path, content string }

// NewDocument returns a document that was read.
func NewDocument(path, content string) *Document { return &Document{path: path, content: content} }

// Path returns the path as it was written.
func (d Document) Path() string { return d.path }

// Reveal returns the content, empty where nobody read it.
func (d Document) Reveal() string { return d.content }

// String returns the path.
func (d Document) String() string { return d.path }

// GoString returns the path.
func (d Document) GoString() string { return d.path }

// Format writes the path, whatever the verb.
func (d Document) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(d.path)) }

// LogValue returns the path.
func (d Document) LogValue() slog.Value { return slog.StringValue(d.path) }

// MarshalText returns the path.
func (d Document) MarshalText() ([]byte, error) { return []byte(d.path), nil }

// UnmarshalText takes a path; the content is nobody's until it is read.
func (d *Document) UnmarshalText(path []byte) error {
	if len(path) == 0 {
		return errors.New("it is empty")
	}
	*d = Document{path: string(path)}
	return nil
}
