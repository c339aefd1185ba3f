package dial

import (
	"encoding/pem"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// A kept is a file that OpenVPN reads, beside its configuration.
type kept struct {
	directive, path string
	rest            []string // arguments behind it
	content         string
	public          bool
}

// called are the names of the files, by their directives.
var called = map[string]string{
	"ca": "ca.crt", "cert": "client.crt", "key": "client.key", "extra-certs": "extra.crt", "crl-verify": "crl.pem",
	"tls-auth": "tls-auth.key", "tls-crypt": "tls-crypt.key", "tls-crypt-v2": "tls-crypt-v2.key",
	"auth-user-pass": "login", "askpass": "passphrase", "config": openvpn.Environment,
}

// files are those that OpenVPN reads.
func (s *settings) files() []kept {
	var all []kept
	add := func(directive, content string, public bool, rest ...string) {
		if content != "" && !strings.HasSuffix(content, "\n") {
			content += "\n"
		}
		all = append(all, kept{directive, s.place.Directory() + "/" + called[directive], rest, content, public})
	}
	for _, f := range s.Files {
		content := f.Document.Reveal()
		if f.Public {
			content = open(content)
		}
		add(f.Directive, content, f.Public, f.Rest...)
	}
	if len(s.Hidden) > 0 {
		add("config", strings.Join(s.Hidden, "\n"), false)
	}
	if login := s.login(); login != "" && !s.has("auth-user-pass") {
		add("auth-user-pass", login, false)
	}
	if s.Passphrase != nil && !s.has("askpass") {
		add("askpass", s.Passphrase.Reveal(), false)
	}
	return all
}

// open returns the certificates and lists of a text, which all may read. A key that stands
// beside them, as in a file with both, is for nobody to see.
func open(text string) string {
	var b strings.Builder
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return b.String()
		}
		if block.Type == "CERTIFICATE" || block.Type == "X509 CRL" {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		}
	}
}

// login is the name and the password of the block, a line each.
func (s *settings) login() string {
	switch {
	case s.AuthUserPass != nil:
		return s.AuthUserPass.Reveal()
	case s.Username != nil && s.Password != nil:
		return *s.Username + "\n" + s.Password.Reveal() + "\n"
	}
	return ""
}

// resource is the file as a resource: a secret one is root's alone from its first byte.
func (k kept) resource() (resource.ID, any) {
	if k.public {
		return id("file", k.path), file.OfRoot(k.content, 0o644)
	}
	return id("secret_file", k.path), &file.SecretFile{
		Content: resource.NewSecret(k.content), Mode: resource.Ptr(resource.Mode(0o600)), Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
	}
}

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }
