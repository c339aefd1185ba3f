package config

import (
	"context"
	"net/netip"
	"strings"

	"vpnd/internal/resource"
)

// The catalog of the tests has shapes like the real ones, but small.

type tunShape struct {
	Mode      *string        `vpnd:"mode" doc:"tun or tap" default:"tun"`
	Addresses []netip.Prefix `vpnd:"addresses" doc:"addresses with their prefix lengths"`
	MTU       *int           `vpnd:"mtu" doc:"largest packet, in bytes"`
	Up        *bool          `vpnd:"up" doc:"whether it is on" default:"true"`
}

func (s *tunShape) Validate(name string) []resource.Mistake {
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

type fileShape struct {
	Content *string        `vpnd:"content,text" doc:"what the file holds"`
	Source  *string        `vpnd:"source,hint" doc:"a file to take the content from"`
	Mode    *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
}

type secretShape struct {
	Content *resource.Secret `vpnd:"content" doc:"what the file holds"`
	Source  *string          `vpnd:"source,hint" doc:"a file to take the content from"`
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions" default:"0600"`
	Digest  *string          `vpnd:"digest,computed" doc:"of what it holds"`
}

func (s *secretShape) Validate(string) []resource.Mistake {
	if s.Content != nil && len(s.Content.Reveal()) < 4 {
		return []resource.Mistake{{Path: "content", Summary: "the secret is too short", Hint: "Four characters are the least."}}
	}
	return nil
}

type directoryShape struct {
	Mode *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0755"`
}

type unitShape struct {
	Active   *bool         `vpnd:"active" doc:"whether it runs"`
	OnChange *string       `vpnd:"on_change,hint" doc:"reload, restart or none" default:"restart"`
	Dropins  []dropinShape `vpnd:"dropin,block" doc:"a drop-in of the unit"`
}

type dropinShape struct {
	Name    string  `vpnd:"name,label"`
	Content *string `vpnd:"content,text,required" doc:"what it holds"`
}

type sysctlShape struct {
	Value *string `vpnd:"value,required" doc:"what the kernel shall hold"`
}

type packageShape struct {
	Installed *bool `vpnd:"installed" default:"true"`
}

// fakeVerbs has a host on which nothing is.
type fakeVerbs[T any] struct{}

func (fakeVerbs[T]) Observe(context.Context, string) (*T, error) { return nil, nil }
func (fakeVerbs[T]) Apply(context.Context, string, *T, T) error  { return nil }
func (fakeVerbs[T]) Remove(context.Context, string) error        { return nil }
func kindOf[T any](name, doc string) resource.Kind {
	return resource.Define(name, doc, resource.Traits{}, fakeVerbs[T]{})
}
func atPath(k resource.Kind) resource.Kind      { k.Path = true; return k }
func pointers(ids ...resource.ID) []resource.ID { return ids }
func (s *authorityShape) path(name, file string) string {
	return "/var/lib/vpnd/pki/" + name + "/" + file
}

func (s *serverShape) file(name string) resource.ID {
	return resource.ID{Kind: "file", Name: "/etc/openvpn/" + name + ".conf"}
}

// authorityShape is like pki.
type authorityShape struct {
	Subject  *subjectShape      `vpnd:"subject,block,required" doc:"distinguished name"`
	Validity *resource.Duration `vpnd:"validity" doc:"how long it is good for" default:"3650d"`
	Clients  []clientShape      `vpnd:"client,block" doc:"a user"`
}

type subjectShape struct {
	CommonName   string `vpnd:"common_name,required" doc:"CN"`
	Organization string `vpnd:"organization" doc:"O"`
}

type clientShape struct {
	Name    string      `vpnd:"name,label"`
	Revoked *bool       `vpnd:"revoked" doc:"whether it is refused" default:"false"`
	Address *netip.Addr `vpnd:"address" doc:"its address"`
}

type authorityExports struct {
	Name        string            `vpnd:"name"`
	Certificate string            `vpnd:"ca_certificate"`
	Keys        map[string]string `vpnd:"keys"`
}

func (s *authorityShape) Validate(string) []resource.Mistake {
	for _, c := range s.Clients {
		if c.Address != nil && c.Address.IsMulticast() {
			return []resource.Mistake{{Path: "client." + c.Name + ".address", Summary: "a multicast address", Hint: "Take one of a host."}}
		}
	}
	return nil
}

func (s *authorityShape) Exports(name string) any {
	keys := make(map[string]string)
	for _, c := range s.Clients {
		keys[c.Name] = s.path(name, c.Name+".key")
	}
	return authorityExports{Name: name, Certificate: s.path(name, "ca.crt"), Keys: keys}
}

func (s *authorityShape) Expand(name string) ([]resource.Resource, error) {
	return []resource.Resource{
		{ID: resource.ID{Kind: "directory", Name: "/var/lib/vpnd/pki/" + name}, Want: &directoryShape{Mode: resource.Ptr(resource.Mode(0o700))}},
		{ID: resource.ID{Kind: "file", Name: s.path(name, "ca.crt")}, Want: &fileShape{Content: &s.Subject.CommonName}},
	}, nil
}

// serverShape is like openvpn_server.
type serverShape struct {
	Listen    []string          `vpnd:"listen" doc:"protocol and port" default:"[\"udp/1194\"]"`
	Network   *netip.Prefix     `vpnd:"network,required" doc:"addresses of clients"`
	PKI       *authorityExports `vpnd:"pki,exports" doc:"who is let in"`
	PSK       *resource.Secret  `vpnd:"psk" doc:"a secret"`
	Keepalive *keepaliveShape   `vpnd:"keepalive,block" doc:"pings"`
	Routes    []routeShape      `vpnd:"route,block" doc:"what is behind"`
	Labels    map[string]string `vpnd:"labels" doc:"anything"`
}

type keepaliveShape struct {
	Ping    *resource.Duration `vpnd:"ping" doc:"how often" default:"10s"`
	Restart *resource.Duration `vpnd:"restart" doc:"when to give up" default:"120s"`
}

type routeShape struct {
	To     netip.Prefix `vpnd:"to,required" doc:"the network"`
	Metric int          `vpnd:"metric" doc:"the lower wins"`
}

func (s *serverShape) Validate(string) []resource.Mistake {
	if k := s.Keepalive; k != nil && *k.Restart <= *k.Ping {
		return []resource.Mistake{{Path: "keepalive.restart", Summary: "shorter than ping", Hint: "Make it twice as long."}}
	}
	return nil
}

func (s *serverShape) Claims(string) []resource.Claim {
	claims := []resource.Claim{{Sort: "network", Value: s.Network.String(), Path: "network"}}
	for _, l := range s.Listen {
		claims = append(claims, resource.Claim{Sort: "listener", Value: l, Path: "listen"})
	}
	return claims
}

func (s *serverShape) Expand(name string) ([]resource.Resource, error) {
	lines := []string{"server " + s.Network.String()}
	if s.PKI != nil {
		lines = append(lines, "ca "+s.PKI.Certificate)
	}
	for _, r := range s.Routes {
		lines = append(lines, "push route "+r.To.String())
	}
	pkg := resource.ID{Kind: "package", Name: "openvpn"}
	return []resource.Resource{
		{ID: pkg, Want: &packageShape{Installed: resource.Ptr(true)}},
		{ID: s.file(name), Want: &fileShape{Content: resource.Ptr(strings.Join(lines, "\n"))}, After: pointers(pkg)},
	}, nil
}

func fakeCatalog() resource.Catalog {
	return resource.Catalog{
		Kinds: []resource.Kind{
			kindOf[sysctlShape]("sysctl", "A kernel parameter. It is set now and at boot."),
			atPath(kindOf[fileShape]("file", "A file.")),
			atPath(kindOf[secretShape]("secret_file", "A file that nobody sees.")),
			atPath(kindOf[directoryShape]("directory", "A folder.")),
			kindOf[tunShape]("tun", "A tun or tap interface."),
			kindOf[unitShape]("unit", "A unit of systemd."),
			kindOf[packageShape]("package", "A package."),
		},
		Composites: []resource.Composite{
			resource.Compose[authorityShape]("pki", "A CA."),
			resource.Compose[serverShape]("server", "An OpenVPN server."),
		},
	}
}
