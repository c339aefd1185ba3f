package tlscrypt

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// TLSCryptV2List is the list of the keys of tls-crypt-v2 with which a server of
// OpenVPN talks at all, for a program of tls-crypt-v2-verify: a line each, with the
// type and the metadata of the key in hexadecimal, and the name of its file. Its
// name is the absolute path.
type TLSCryptV2List struct {
	Server  *string        `vpnd:"server,hint,required" doc:"path of the server's key, which wrapped the others"`
	Keys    []string       `vpnd:"keys,hint" doc:"paths of the clients' keys that are good"`
	Mode    *resource.Mode `vpnd:"mode,meta" doc:"permissions; the user that the server runs as has to read it, and a client's key can't be told from its line" default:"0644"`
	Owner   *string        `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string        `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool          `vpnd:"current,computed" doc:"whether it lists these keys and no others; of one whose file is lost, what was listed stays"`
	Content *string        `vpnd:"content,computed" doc:"what it holds"`
}

// NewTLSCryptV2Lists returns the verbs of lists.
func NewTLSCryptV2Lists(h derived.Host) *derived.Verbs[TLSCryptV2List] {
	return &derived.Verbs[TLSCryptV2List]{Host: h, Nature: derived.Nature[TLSCryptV2List]{
		Access: func(l *TLSCryptV2List) derived.Access {
			return derived.Access{Mode: &l.Mode, Owner: &l.Owner, Group: &l.Group}
		},
		Kept:      func(l *TLSCryptV2List) *string { return l.Content },
		Settle:    func(_ *derived.Scene, _ string, l *TLSCryptV2List) error { l.Current = resource.Ptr(true); return nil },
		Waive:     func(l *TLSCryptV2List) { l.Current = nil },
		MadeFrom:  func(l *TLSCryptV2List) []string { return derived.Given(l.Server) },
		SourcesOf: func(_ string, l *TLSCryptV2List) []string { return append(derived.Given(l.Server), l.Keys...) },
		Read: func(s *derived.Scene, _ string, data []byte, want TLSCryptV2List) (*TLSCryptV2List, error) {
			made, err := list(s, data, want)
			if err := derived.Missing(err); err != nil {
				return nil, err
			}
			current := err == nil && bytes.Equal(made, data)
			return &TLSCryptV2List{Server: want.Server, Keys: want.Keys, Current: &current, Content: resource.Ptr(string(data))}, nil
		},
		Build: func(s *derived.Scene, _ string, data []byte, want TLSCryptV2List) (derived.Product, error) {
			made, err := list(s, data, want)
			return derived.Product{Data: made}, err
		},
	}}
}

const listHeader = "# Keys of tls-crypt-v2 that may come in. Made by vpnd; edits are undone.\n"

// list makes the list out of the keys, and of what stands where a key is lost: a file
// that is missing here is no reason to shut its owner out.
func list(s *derived.Scene, stands []byte, want TLSCryptV2List) ([]byte, error) {
	if want.Server == nil {
		return nil, errors.New("no server's key is given")
	}
	key, err := v2Server(s, *want.Server)
	if err != nil {
		return nil, fmt.Errorf("reading the server's key %s: %w", *want.Server, err)
	}
	before := listed(stands)
	lines := make([]string, 0, len(want.Keys))
	for _, file := range want.Keys {
		name := strings.TrimSuffix(path.Base(file), ".key")
		data, err := s.Follow(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			lines = append(lines, before[name]...)
		case err != nil:
			return nil, err
		default:
			if identity := key.identity(data); identity != "" {
				lines = append(lines, identity+" "+name)
			}
		}
	}
	slices.Sort(lines)
	return []byte(listHeader + strings.Join(append(slices.Compact(lines), ""), "\n")), nil
}

// listed returns the lines of a list by the name of the key.
func listed(data []byte) map[string][]string {
	all := make(map[string][]string)
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if _, name, ok := strings.Cut(lines.Text(), " "); ok && !strings.HasPrefix(lines.Text(), "#") {
			all[name] = append(all[name], lines.Text())
		}
	}
	return all
}

// identity is what OpenVPN tells tls-crypt-v2-verify of a client's key: type and
// metadata. It is empty of a key that the server does not open.
func (k v2Key) identity(client []byte) string {
	raw, err := policy.DecodePEM(client, v2ClientLabel)
	if err != nil || len(raw) < v2ClientBytes {
		return ""
	}
	inside, err := k.unwrap(raw[v2ClientBytes:])
	if err != nil || len(inside) <= v2ClientBytes {
		return ""
	}
	return fmt.Sprintf("%d:%s", inside[v2ClientBytes], hex.EncodeToString(inside[v2ClientBytes+1:]))
}

// Validate checks what needs no host.
func (l *TLSCryptV2List) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.OptionalPath("server", l.Server)
	for i, file := range l.Keys {
		m.Path(fmt.Sprintf("keys[%d]", i), file)
	}
	m.Access(derived.Access{Mode: &l.Mode, Owner: &l.Owner, Group: &l.Group}, false)
	return m
}
