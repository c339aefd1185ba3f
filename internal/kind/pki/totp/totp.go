// Package totp converges the seeds of the codes that an app on a phone shows (RFC
// 6238), in the files that the PAM module google-authenticator reads and writes.
package totp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// Secret is the seed of the codes that one person shows. Its name is the absolute
// path of the file of pam_google_authenticator(8), in which that keeps when somebody
// tried, the codes that were used, and how far the clock of the phone is off.
type Secret struct {
	Holder  *string          `vpnd:"holder,hint" doc:"who has the app; it shows that name"`
	Issuer  *string          `vpnd:"issuer,hint" doc:"whom the code is for; the app shows that too"`
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none. PAM's module makes 0400 of 0600, which is the same to it and to vpnd" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool            `vpnd:"current,computed" doc:"whether it holds a seed, and the rules that a code is good once and that guesses are few"`
	Content *resource.Secret `vpnd:"content,computed" doc:"what it holds"`
}

// rules are what PAM's module goes by: three attempts in half a minute, the code
// before and after the present one as good as that, each once. What the module
// notes down, it writes behind them.
var rules = []string{"RATE_LIMIT 3 30", "WINDOW_SIZE 3", "DISALLOW_REUSE", "TOTP_AUTH"}

// since is said where a seed took the place of another one: what that one let in is no
// more good then. It is nothing to PAM's module, which leaves it where it is.
const since = "VPND_SINCE"

// Lost is what a file holds of which the phone was lost: no code is good, and the seed
// that takes its place says since when it does.
const Lost = "lost\n"

// Since says, in seconds since 1970, since when there is a seed that took the place of
// another one: 0 of a first one, and "-" where the file holds none.
func Since(data []byte) string {
	_, at, said := strings.Cut(ruleIn(data, since), " ")
	_, err := strconv.ParseInt(at, 10, 64)
	switch {
	case seedOf(data) == "" || said && err != nil:
		return "-"
	case !said:
		return "0"
	}
	return at
}

// seedBytes is how long a seed is, RFC 4226, section 4.
const seedBytes = 20

// Secrets are the verbs of seeds.
type Secrets struct{ derived.Verbs[Secret] }

// NewSecrets returns the verbs of seeds.
func NewSecrets(h derived.Host) *Secrets {
	return &Secrets{derived.Verbs[Secret]{Host: h, Nature: derived.Nature[Secret]{
		Access: func(s *Secret) derived.Access {
			return derived.Access{Mode: &s.Mode, Owner: &s.Owner, Group: &s.Group}
		},
		Kept:   func(s *Secret) *string { return derived.Revealed(s.Content) },
		Settle: func(_ *derived.Scene, _ string, s *Secret) error { s.Current = resource.Ptr(true); return nil },
		Waive:  func(s *Secret) { s.Current = nil },
		Voids: func(got, _ *Secret) string {
			if got != nil && seedOf([]byte(got.Content.Reveal())) != "" {
				return ""
			}
			return "the app that shows its codes"
		},
		Read: func(_ *derived.Scene, _ string, data []byte, want Secret) (*Secret, error) {
			return &Secret{Holder: want.Holder, Issuer: want.Issuer, Current: resource.Ptr(complete(data)), Content: resource.NewSecret(string(data))}, nil
		},
		Build: func(s *derived.Scene, _ string, data []byte, _ Secret) (derived.Product, error) {
			made, err := build(s.Rand, s.Now, data)
			return derived.Product{Data: made}, err
		},
	}}}
}

// Observe looks at seeds. A file that PAM's module has written is its owner's to read
// alone, and so as good as one that vpnd wrote.
func (v *Secrets) Observe(ctx context.Context, wants map[string]*Secret) (map[string]*Secret, error) {
	seen, err := v.Verbs.Observe(ctx, wants)
	for _, got := range seen {
		if *got.Mode == 0o400 {
			got.Mode = resource.Ptr(resource.Mode(0o600))
		}
	}
	return seen, err
}

// seedOf returns the seed in a file, in base32, and nothing where there is none.
func seedOf(data []byte) string {
	line, _, _ := strings.Cut(string(data), "\n")
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.TrimSpace(line), "="))
	if err != nil || len(raw) < 10 {
		return ""
	}
	return strings.TrimSpace(line)
}

// complete says whether a file holds a seed and all rules.
func complete(data []byte) bool {
	for _, rule := range rules {
		if ruleIn(data, rule) == "" {
			return false
		}
	}
	return seedOf(data) != ""
}

// ruleIn returns the line of a rule with what PAM's module wrote behind it, empty
// where it is not there.
func ruleIn(data []byte, rule string) string {
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if said, ok := strings.CutPrefix(lines.Text(), `" `); ok && (said == rule || strings.HasPrefix(said, rule+" ")) {
			return said
		}
	}
	return ""
}

// build makes a file with the seed that is there, or a new one, and with all rules.
// What PAM's module noted down of rules that stand stays, so that no code is good
// twice.
func build(rand io.Reader, now time.Time, data []byte) ([]byte, error) {
	seed, note := seedOf(data), ruleIn(data, since)
	if seed == "" && data != nil {
		note = fmt.Sprintf("%s %d", since, now.Unix())
	}
	if seed == "" {
		raw := make([]byte, seedBytes)
		if _, err := io.ReadFull(rand, raw); err != nil {
			return nil, fmt.Errorf("drawing the seed: %w", err)
		}
		seed = base32.StdEncoding.EncodeToString(raw)
	}
	var made bytes.Buffer
	made.WriteString(seed + "\n")
	for _, rule := range rules {
		if stands := ruleIn(data, rule); stands != "" {
			rule = stands
		}
		made.WriteString(`" ` + rule + "\n")
	}
	if note != "" {
		made.WriteString(`" ` + note + "\n")
	}
	return made.Bytes(), nil
}

// App returns who has the app.
func (s *Secret) App() resource.App {
	return resource.App{Holder: resource.Or(s.Holder, ""), Issuer: resource.Or(s.Issuer, "")}
}

// URI returns what an app reads out of a QR code, made of what the file of a seed
// holds: Key-Uri-Format of google-authenticator.
func URI(a resource.App, content []byte) (string, error) {
	seed := seedOf(content)
	if seed == "" {
		return "", errors.New("it holds no seed that can be read")
	}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + a.Issuer + ":" + a.Holder, RawQuery: "secret=" + seed + "&issuer=" + url.QueryEscape(a.Issuer)}
	return strings.ReplaceAll(u.String(), "+", "%20"), nil
}

// Validate checks what needs no host.
func (s *Secret) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	for where, text := range map[string]*string{"holder": s.Holder, "issuer": s.Issuer} {
		if text != nil && strings.ContainsAny(*text, ":\n\x00") {
			m.Add(where, fmt.Sprintf("%q can't be shown by an app", *text), "write it without a colon and on one line")
		}
	}
	m.Access(derived.Access{Mode: &s.Mode, Owner: &s.Owner, Group: &s.Group}, true)
	return m
}
