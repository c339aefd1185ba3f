// Package configtest is a small catalog for the tests of config: shapes like the real
// ones, each with what some room of config has to deal with.
package configtest

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// A Tun is an interface; it finds fault with its own mode, name and addresses.
type Tun struct {
	Mode      *string        `vpnd:"mode" doc:"tun or tap" default:"tun"`
	Addresses []netip.Prefix `vpnd:"addresses" doc:"addresses with their prefix lengths"`
	MTU       *int           `vpnd:"mtu" doc:"largest packet, in bytes"`
	Up        *bool          `vpnd:"up" doc:"whether it is on" default:"true"`
}

// Validate says what is wrong with it.
func (s *Tun) Validate(name string) []resource.Mistake {
	var mistakes []resource.Mistake
	if *s.Mode != "tun" && *s.Mode != "tap" {
		mistakes = append(mistakes, resource.Mistake{Path: "mode", Summary: *s.Mode + " is no mode", Hint: "Write tun or tap."})
	}
	if len(name) > 15 {
		mistakes = append(mistakes, resource.Mistake{Summary: "the name is too long", Hint: "The kernel takes 15 bytes."})
	}
	for i, a := range s.Addresses {
		if a.Addr().IsLoopback() {
			mistakes = append(mistakes, resource.Mistake{Path: "addresses[" + string(rune('0'+i)) + "]", Summary: "a loopback address", Hint: "Take another.", Warning: true})
		}
	}
	return mistakes
}

// A File has a content, or the name of a file to take it from.
type File struct {
	Content *string        `vpnd:"content,text" doc:"what the file holds"`
	Source  *string        `vpnd:"source,hint" doc:"a file to take the content from"`
	Mode    *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
}

// A SecretFile is a file whose content nobody sees.
type SecretFile struct {
	Content *resource.Secret `vpnd:"content" doc:"what the file holds"`
	Source  *string          `vpnd:"source,hint" doc:"a file to take the content from"`
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions" default:"0600"`
	Digest  *string          `vpnd:"digest,computed" doc:"of what it holds"`
}

// Validate says what is wrong with it.
func (s *SecretFile) Validate(string) []resource.Mistake {
	if s.Content != nil && len(s.Content.Reveal()) < 4 {
		return []resource.Mistake{{Path: "content", Summary: "the secret is too short", Hint: "Four characters are the least."}}
	}
	return nil
}

// A Directory is what other paths lie in.
type Directory struct {
	Mode *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0755"`
}

// A Unit is refreshed when what it reads changes, and has nested blocks with labels.
type Unit struct {
	Active   *bool    `vpnd:"active" doc:"whether it runs"`
	OnChange *string  `vpnd:"on_change,hint" doc:"reload, restart or none" default:"restart"`
	Dropins  []Dropin `vpnd:"dropin,block" doc:"a drop-in of the unit"`
}

// A Dropin is one of the nested blocks of a [Unit].
type Dropin struct {
	Name    string  `vpnd:"name,label"`
	Content *string `vpnd:"content,text,required" doc:"what it holds"`
}

// A Sysctl has an attribute that is required.
type Sysctl struct {
	Value *string `vpnd:"value,required" doc:"what the kernel shall hold"`
}

// A Package is what several blocks want.
type Package struct {
	Installed *bool `vpnd:"installed" default:"true"`
}

// A Program is like the program of a server, with what it runs and writes.
type Program struct {
	Run *string `vpnd:"run" doc:"what is run as root"`
	Log *string `vpnd:"log" doc:"where it writes, as root"`
}

// Runs is the program.
func (s *Program) Runs() []resource.Claim {
	if s.Run == nil {
		return nil
	}
	return []resource.Claim{{Sort: "program", Value: *s.Run, Path: "run"}}
}

// Writes is the file that it writes.
func (s *Program) Writes() []resource.Claim {
	if s.Log == nil {
		return nil
	}
	return []resource.Claim{{Sort: "file", Value: *s.Log, Path: "log"}}
}

// A Switch is like sysctl, of which some have two names.
type Switch struct {
	On *bool `vpnd:"on,required" doc:"whether it is"`
}

// Aliases is its other name.
func (s *Switch) Aliases(name string) []string {
	if other, ok := strings.CutSuffix(name, ".alias"); ok {
		return []string{other}
	}
	return []string{name + ".alias"}
}

// Contradicts says whether it is on under one name and off under the other.
func (s *Switch) Contradicts(_, _ string, other any) bool {
	return *s.On != *other.(*Switch).On
}

// A Queue is like chain: its things stand in a queue.
type Queue struct {
	Hook  *string  `vpnd:"hook" doc:"the queue"`
	Rank  *int     `vpnd:"rank" doc:"its place there" default:"0"`
	Names []string `vpnd:"queue,computed" doc:"all that stand there"`
	After []string `vpnd:"behind,computed" doc:"what comes before it"`
}

// Queue is its hook and its rank there.
func (s *Queue) Queue(string) (string, int) {
	if s.Hook == nil {
		return "", 0
	}
	return *s.Hook, *s.Rank
}

// Stands keeps who stands in the queue.
func (s *Queue) Stands(names []string) { s.Names = names }

// Joins shares what another one in the queue keeps.
func (s *Queue) Joins(other any) { s.Names = other.(*Queue).Names }

// ComesAfter keeps what comes before it.
func (s *Queue) ComesAfter(_ string, before []resource.ID, _ func(string) resource.Traits) {
	s.After = []string{}
	for _, id := range before {
		s.After = append(s.After, id.String())
	}
}

// A Broken is a composite that can't be expanded.
type Broken struct{}

// Expand returns what it stands for.
func (*Broken) Expand(string) ([]resource.Resource, error) {
	return nil, errors.New("there is no room for it")
}

// Verbs has a host on which nothing is.
type Verbs[T any] struct{}

// Observe finds nothing.
func (Verbs[T]) Observe(context.Context, map[string]*T) (map[string]*T, error) { return nil, nil }

// Apply does nothing.
func (Verbs[T]) Apply(context.Context, []resource.Item[T]) error { return nil }

// Remove does nothing.
func (Verbs[T]) Remove(context.Context, []string) error { return nil }

func kindOf[T any](name, doc string) resource.Kind {
	return resource.Define(name, doc, resource.Traits{}, Verbs[T]{})
}
func tunnel(k resource.Kind) resource.Kind      { k.View = resource.Tunnels; return k }
func atPath(k resource.Kind) resource.Kind      { k.Path = true; return k }
func pointers(ids ...resource.ID) []resource.ID { return ids }
func (s *Authority) path(name, file string) string {
	return "/var/lib/vpnd/pki/" + name + "/" + file
}

func (s *Server) file(name string) resource.ID {
	return resource.ID{Kind: "file", Name: "/etc/openvpn/" + name + ".conf"}
}

// An Authority is like pki.
type Authority struct {
	Subject  *Subject           `vpnd:"subject,block,required" doc:"distinguished name"`
	Validity *resource.Duration `vpnd:"validity" doc:"how long it is good for" default:"3650d"`
	Clients  []Client           `vpnd:"client,block" doc:"a user"`
}

// A Subject is the nested block of an [Authority] that is required.
type Subject struct {
	CommonName   string `vpnd:"common_name,required" doc:"CN"`
	Organization string `vpnd:"organization" doc:"O"`
}

// A Client is a nested block of an [Authority] with a label.
type Client struct {
	Name    string      `vpnd:"name,label"`
	Revoked *bool       `vpnd:"revoked" doc:"whether it is refused" default:"false"`
	Address *netip.Addr `vpnd:"address" doc:"its address"`
}

// AuthorityExports is what an [Authority] tells besides its attributes.
type AuthorityExports struct {
	Name        string            `vpnd:"name"`
	Certificate string            `vpnd:"ca_certificate"`
	Keys        map[string]string `vpnd:"keys"`
}

// Validate says what is wrong with it.
func (s *Authority) Validate(string) []resource.Mistake {
	for _, c := range s.Clients {
		if c.Address != nil && c.Address.IsMulticast() {
			return []resource.Mistake{{Path: "client." + c.Name + ".address", Summary: "a multicast address", Hint: "Take one of a host."}}
		}
	}
	return nil
}

// Exports returns what it tells besides its attributes.
func (s *Authority) Exports(name string) any {
	keys := make(map[string]string)
	for _, c := range s.Clients {
		keys[c.Name] = s.path(name, c.Name+".key")
	}
	return AuthorityExports{Name: name, Certificate: s.path(name, "ca.crt"), Keys: keys}
}

// Expand returns what it stands for.
func (s *Authority) Expand(name string) ([]resource.Resource, error) {
	return []resource.Resource{
		{ID: resource.ID{Kind: "directory", Name: "/var/lib/vpnd/pki/" + name}, Want: &Directory{Mode: resource.Ptr(resource.Mode(0o700))}},
		{ID: resource.ID{Kind: "file", Name: s.path(name, "ca.crt")}, Want: &File{Content: &s.Subject.CommonName}},
	}, nil
}

// A Server is like openvpn_server.
type Server struct {
	Listen    []string          `vpnd:"listen" doc:"protocol and port" default:"[\"udp/1194\"]"`
	Network   *netip.Prefix     `vpnd:"network,required" doc:"addresses of clients"`
	PKI       *AuthorityExports `vpnd:"pki,exports" doc:"who is let in"`
	PSK       *resource.Secret  `vpnd:"psk" doc:"a secret"`
	Keepalive *Keepalive        `vpnd:"keepalive,block" doc:"pings"`
	Routes    []Route           `vpnd:"route,block" doc:"what is behind"`
	Labels    map[string]string `vpnd:"labels" doc:"anything"`
}

// A Keepalive is the nested block of a [Server] of which there is at most one.
type Keepalive struct {
	Ping    *resource.Duration `vpnd:"ping" doc:"how often" default:"10s"`
	Restart *resource.Duration `vpnd:"restart" doc:"when to give up" default:"120s"`
}

// A Route is a nested block of a [Server] of which there are many.
type Route struct {
	To     netip.Prefix `vpnd:"to,required" doc:"the network"`
	Metric int          `vpnd:"metric" doc:"the lower wins"`
}

// Validate says what is wrong with it.
func (s *Server) Validate(string) []resource.Mistake {
	if k := s.Keepalive; k != nil && *k.Restart <= *k.Ping {
		return []resource.Mistake{{Path: "keepalive.restart", Summary: "shorter than ping", Hint: "Make it twice as long."}}
	}
	return nil
}

// Claims is what it needs for itself alone.
func (s *Server) Claims(string) []resource.Claim {
	claims := []resource.Claim{{Sort: "network", Value: s.Network.String(), Path: "network"}}
	for _, l := range s.Listen {
		claims = append(claims, resource.Claim{Sort: "listener", Value: l, Path: "listen"})
	}
	return claims
}

// Expand returns what it stands for.
func (s *Server) Expand(name string) ([]resource.Resource, error) {
	lines := []string{"server " + s.Network.String()}
	if s.PKI != nil {
		lines = append(lines, "ca "+s.PKI.Certificate)
	}
	for _, r := range s.Routes {
		lines = append(lines, "push route "+r.To.String())
	}
	pkg := resource.ID{Kind: "package", Name: "openvpn"}
	return []resource.Resource{
		{ID: pkg, Want: &Package{Installed: resource.Ptr(true)}},
		{ID: s.file(name), Want: &File{Content: resource.Ptr(strings.Join(lines, "\n"))}, After: pointers(pkg)},
	}, nil
}

// A Dial is like openvpn_client: it is made from documents.
type Dial struct {
	Profile *resource.Document  `vpnd:"profile,required" doc:"what it is told"`
	Keys    []Key               `vpnd:"key,block" doc:"a key"`
	Key     *string             `vpnd:"key" doc:"which of them is used"`
	More    []resource.Document `vpnd:"more" doc:"what else"`
	CA      *resource.Document  `vpnd:"ca,public" doc:"what all may read"`

	named []*resource.Document // by the profile
}

// Refers returns the files that the profile names.
func (s *Dial) Refers() []resource.Reference {
	var all []resource.Reference
	for line := range strings.Lines(s.Profile.Reveal()) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "see "); ok {
			s.named = append(s.named, resource.NewDocument(name, ""))
			all = append(all, resource.Reference{Document: s.named[len(s.named)-1], Beside: *s.Profile, Path: "profile", Public: strings.HasSuffix(name, ".pub")})
		}
	}
	return all
}

// A Site is like ipsec_tunnel: it tells which of its resources is the tunnel.
type Site struct {
	PSK *resource.Secret `vpnd:"psk" doc:"a secret"`
}

// Exports returns what it tells besides its attributes.
func (s *Site) Exports(name string) any {
	return struct {
		Tunnel string `vpnd:"tunnel"`
	}{resource.ID{Kind: "tun", Name: name + "-link"}.String()}
}

// Expand returns what it stands for.
func (s *Site) Expand(name string) ([]resource.Resource, error) {
	return []resource.Resource{{ID: resource.ID{Kind: "tun", Name: name + "-link"}, Want: &Tun{Mode: resource.Ptr("tun")}}}, nil
}

// A Key is a nested block of a [Dial] with a document.
type Key struct {
	Name string             `vpnd:"name,label"`
	File *resource.Document `vpnd:"file" doc:"where it is"`
}

// Validate says what is wrong with it.
func (s *Dial) Validate(string) []resource.Mistake {
	var mistakes []resource.Mistake
	wrong := func(path string, d *resource.Document) {
		if d != nil && !strings.HasPrefix(d.Reveal(), "good") {
			mistakes = append(mistakes, resource.Mistake{Path: path, Summary: d.Path() + " is not good", Hint: "Make it so."})
		}
	}
	wrong("profile", s.Profile)
	for _, k := range s.Keys {
		wrong("key."+k.Name+".file", k.File)
	}
	for i := range s.More {
		wrong("more["+string(rune('0'+i))+"]", &s.More[i])
	}
	return mistakes
}

// Expand returns what it stands for.
func (s *Dial) Expand(name string) ([]resource.Resource, error) {
	secret := SecretFile{Content: resource.NewSecret(s.Profile.Reveal())}
	all := []resource.Resource{{ID: resource.ID{Kind: "secret_file", Name: "/etc/dial/" + name}, Want: &secret}}
	for _, d := range s.named {
		all = append(all, resource.Resource{ID: resource.ID{Kind: "file", Name: "/etc/dial/" + name + "/" + d.Path()}, Want: &File{Content: resource.Ptr(d.Reveal())}})
	}
	if s.CA != nil {
		all = append(all, resource.Resource{ID: resource.ID{Kind: "file", Name: "/etc/dial/" + name + ".ca"}, Want: &File{Content: resource.Ptr(s.CA.Reveal())}})
	}
	for _, k := range s.Keys {
		all = append(all, resource.Resource{ID: resource.ID{Kind: "secret_file", Name: "/etc/dial/" + name + "." + k.Name}, Want: &SecretFile{Content: resource.NewSecret(k.File.Reveal())}})
	}
	return all, nil
}

// Catalog returns all of them.
func Catalog() resource.Catalog {
	return resource.Catalog{
		Kinds: []resource.Kind{
			kindOf[Sysctl]("sysctl", "A kernel parameter. It is set now and at boot."),
			atPath(kindOf[File]("file", "A file.")),
			atPath(kindOf[SecretFile]("secret_file", "A file that nobody sees.")),
			atPath(kindOf[Directory]("directory", "A directory.")),
			tunnel(kindOf[Tun]("tun", "A tun or tap interface.")),
			kindOf[Unit]("unit", "A unit of systemd."),
			kindOf[Package]("package", "A package."),
			kindOf[Program]("program", "A program that runs as root."),
			kindOf[Switch]("switch", "A switch of the kernel."),
			kindOf[Queue]("queue", "What stands in a queue."),
			resource.Define("part", "A part.", resource.Traits{}, parts{}),
		},
		Composites: []resource.Composite{
			resource.Compose[Authority]("pki", "A CA."),
			resource.Compose[Server]("server", "An OpenVPN server."),
			resource.Compose[Dial]("dial", "A host that dials in."),
			resource.Compose[Site]("site", "A tunnel to a site."),
			resource.Compose[Stage]("stage", "What comes on by stages."),
			resource.Compose[Broken]("broken", "What can't be made."),
		},
		Review: review,
	}
}

// review finds fault with packages beside a switch of their name.
func review(blocks []resource.Block) []resource.Finding {
	var found []resource.Finding
	for _, b := range blocks {
		if b.ID.Kind == "package" && slices.ContainsFunc(blocks, func(o resource.Block) bool { return o.ID == resource.ID{Kind: "switch", Name: b.ID.Name} }) {
			found = append(found, resource.Finding{Block: b.ID, Mistake: resource.Mistake{Path: "installed", Summary: "the switch does that already", Hint: "take one of them out", Warning: true}})
		}
	}
	return found
}
