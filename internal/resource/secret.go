package resource

import (
	"fmt"
	"log/slog"
	"strings"
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

// veil returns text with every key in it [Masked]. What vpnd writes itself holds
// none, but a file that it takes over may: a server's configuration made by hand
// has its keys within.
func veil(text string) string {
	if !strings.Contains(text, "-----BEGIN ") && !strings.Contains(text, "</") {
		return text // nearly always
	}
	var b strings.Builder
	end := ""
	for line := range strings.Lines(text) {
		if end == "" {
			var head string
			if head, end = keyBegins(line); end == "" {
				b.WriteString(line)
				continue
			}
			b.WriteString(head + "\n" + Masked + "\n")
			line = line[len(head):]
		}
		if i := strings.Index(line, end); i >= 0 {
			b.WriteString(line[i:])
			end = ""
		}
	}
	return b.String()
}

// inlined are the files of secrets that may stand within a configuration of
// OpenVPN, between tags; openvpn(8), inline file support.
var inlined = []string{"key", "pkcs12", "secret", "tls-auth", "tls-crypt", "tls-crypt-v2", "auth-user-pass", "http-proxy-user-pass"}

// keyBegins returns what of the line may be shown where a key begins in it, and
// what the key ends with; nothing where none does.
func keyBegins(line string) (head, end string) {
	const begin, dashes = "-----BEGIN ", "-----"
	if at := strings.Index(line, begin); at >= 0 {
		label, _, _ := strings.Cut(line[at+len(begin):], dashes)
		if strings.HasSuffix(label, "PRIVATE KEY") || strings.HasPrefix(label, "OpenVPN ") {
			return line[:at] + begin + label + dashes, "-----END " + label
		}
	}
	for _, tag := range inlined {
		if strings.HasPrefix(strings.TrimSpace(line), "<"+tag+">") {
			return line[:strings.IndexByte(line, '>')+1], "</" + tag + ">"
		}
	}
	return "", ""
}
