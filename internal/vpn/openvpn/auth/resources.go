package auth

import (
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/script"
)

// Needs is what the block stands for, besides directives.
type Needs struct {
	Resources []resource.Resource
	Read      []resource.Trigger // what the server reads of it, and what a change costs
	Copies    map[string]resource.ID
}

// Needs returns what server and PAM read. The directories of the server and of the
// vault are there before.
func (s Server) Needs() Needs {
	n := &Needs{Copies: make(map[string]resource.ID)}
	if s.Auth == nil {
		return *n
	}
	if program, needed := s.doorman(); needed {
		n.script(s, program)
	}
	if len(s.Command) > 0 {
		n.script(s, script.CheckPassword)
	}
	if s.token() != nil {
		key := resource.ID{Kind: pki.KindAuthTokenKey, Name: s.Vault + "/auth-token.key"}
		n.add(key, &pki.AuthTokenKey{Mode: mode(0o600), Owner: root(), Group: root()}, directory(s.Vault))
		n.Copies[s.tokenKey()] = key
	}
	if s.TOTP != nil {
		n.seeds(s)
	}
	if s.makesService() {
		service := resource.ID{Kind: "file", Name: services + s.service()}
		n.add(service, file.OfRoot(s.stack(), 0o644))
		n.Read = append(n.Read, resource.Trigger{On: service, Do: resource.None})
	}
	return *n
}

func (n *Needs) add(id resource.ID, want any, after ...resource.ID) {
	n.Resources = append(n.Resources, resource.Resource{ID: id, Want: want, After: after})
}

func (n *Needs) script(s Server, program script.Script) {
	id := resource.ID{Kind: "file", Name: program.In(s.Directory)}
	n.add(id, program.File(), directory(s.Directory))
	n.Read = append(n.Read, resource.Trigger{On: id, Do: resource.None})
}

// seeds adds that of each person, and the module that reads them. A seed is of whoever
// has a certificate, and does not come back where that is void; what renews one
// changes nothing of the other.
func (n *Needs) seeds(s Server) {
	if name := resource.Or(s.TOTP.Package, defaultPackage); name != "" && s.Install {
		n.add(resource.ID{Kind: "package", Name: name}, &pkg.Package{Installed: resource.Ptr(true)})
	}
	n.add(directory(s.seeds()), file.DirectoryOfRoot(0o700), directory(s.Vault))
	since := &pki.AssembledFile{Mode: mode(0o644), Owner: root(), Group: root()}
	list := resource.Resource{ID: resource.ID{Kind: pki.KindAssembledFile, Name: s.since()}, Want: since, After: []resource.ID{directory(s.Directory)}}
	for _, person := range s.People {
		seed := resource.ID{Kind: pki.KindTOTPSecret, Name: s.seeds() + "/" + person.CommonName}
		n.add(seed, &pki.TOTPSecret{
			Holder: resource.Ptr(person.CommonName), Issuer: resource.Ptr(resource.Or(s.TOTP.Issuer, s.Name)),
			Mode: mode(0o600), Owner: root(), Group: root(),
		}, directory(s.seeds()))
		of := resource.ID{Kind: pki.KindCertificate, Name: person.Certificate}
		n.Resources[len(n.Resources)-1].Triggers = []resource.Trigger{{On: of, Do: resource.None}}
		n.Read = append(n.Read, resource.Trigger{On: seed, Do: resource.None})
		since.Parts = append(since.Parts, pki.Part{Text: resource.Ptr(person.CommonName + " ")}, pki.Part{Codes: &seed.Name})
		list.Follow(seed)
	}
	if len(s.People) == 0 {
		since.Parts = []pki.Part{{Text: resource.Ptr("\n")}}
	}
	n.Resources = append(n.Resources, list)
	n.Read = append(n.Read, resource.Trigger{On: list.ID, Do: resource.None})
}

const (
	services       = "/etc/pam.d/"
	defaultPackage = "libpam-google-authenticator"
	defaultInclude = "common-auth"
)

// stack is the service of PAM. The code is asked for first, and nothing is good
// without it: in a stack that is included a module may be sufficient for all that
// follows. Passwords are a stack of their own for the same reason.
func (s Server) stack() string {
	text := "# Made by vpnd for openvpn_server." + s.Name + "; edits are undone. Change /etc/vpnd instead.\n"
	if s.TOTP != nil {
		text += "auth requisite pam_google_authenticator.so secret=" + s.seeds() + "/${USER} user=root\n"
	}
	if s.PAM == nil { // who has a code need not be known to the host
		return text + "account required pam_permit.so\n"
	}
	include := resource.Or(s.pam().Include, defaultInclude)
	account := include
	if kind, ok := strings.CutSuffix(include, "-auth"); ok && kind == "common" {
		account = "common-account" // Debian has a file for each
	}
	return text + "auth substack " + include + "\naccount substack " + account + "\n"
}

func directory(path string) resource.ID   { return resource.ID{Kind: "directory", Name: path} }
func mode(m resource.Mode) *resource.Mode { return &m }
func root() *string                       { return resource.Ptr("root") }
