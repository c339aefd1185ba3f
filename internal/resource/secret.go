package resource

import (
	"fmt"
	"log/slog"
)

// Masked is what stands in the place of a secret wherever one would be shown.
const Masked = "(sensitive)"

// A Secret is text that must not be seen. It can be neither printed nor
// formatted, logged nor marshalled: every such way yields [Masked]. Reveal is
// the one way out, and for the hands of a kind's verbs only.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) *Secret { return &Secret{text: text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// String returns [Masked].
func (Secret) String() string { return Masked }

// GoString returns [Masked].
func (Secret) GoString() string { return Masked }

// Format writes [Masked], whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Masked)) }

// LogValue returns [Masked].
func (Secret) LogValue() slog.Value { return slog.StringValue(Masked) }

// MarshalText returns [Masked].
func (Secret) MarshalText() ([]byte, error) { return []byte(Masked), nil }

// MarshalJSON returns [Masked] as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Masked + `"`), nil }
