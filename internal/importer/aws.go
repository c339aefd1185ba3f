package importer

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"vpnd/internal/vpn/aws/document"
)

// AWS is a Site-to-Site VPN connection that becomes an aws_vpn block.
type AWS struct {
	Name        string // of the block, and of the files
	Directory   string // that the files go to
	Credentials string // directory for the keys as credentials of systemd; empty leaves them in the document

	Uplink       string
	Guess        bool       // nobody said which uplink
	LocalAddress netip.Addr // invalid for none
	Local        []netip.Prefix
	Remote       []netip.Prefix

	Connection *document.Connection
	text       string // the document, of one connection
}

// ReadAWS reads a document of Amazon's. Without an id there must be only one connection
// in it.
func ReadAWS(text, id string) (*AWS, error) {
	one, err := document.One(text, id)
	if err != nil {
		return nil, err
	}
	c, err := document.Read(one, id)
	if err != nil {
		return nil, err
	}
	a := &AWS{Connection: c, text: one, Local: c.Routes}
	if c.Local.IsValid() && len(a.Local) == 0 {
		a.Local = []netip.Prefix{c.Local}
	}
	if c.Remote.IsValid() {
		a.Remote = []netip.Prefix{c.Remote}
	}
	return a, nil
}

// isName is what a block and the files of it may be called.
var isName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,12}$`)

// isDevice is what an interface may be called.
var isDevice = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)

// Files returns what is to be written: the HCL, the document, and the keys where they go
// apart from that.
func (a *AWS) Files() ([]File, error) {
	if !isName.MatchString(a.Name) {
		return nil, fmt.Errorf("%q can't be the name of the block; write letters, digits, dashes and underscores, at most 13 of them", a.Name)
	}
	if !isDevice.MatchString(a.Uplink) {
		return nil, fmt.Errorf("%q is no name of an interface; write it as ip(8) lists it, for example eth0", a.Uplink)
	}
	files := []File{
		{Path: filepath.Join(a.Directory, a.Name+".hcl"), Text: a.hcl()},
		{Path: a.document(), Text: a.text, Secret: true},
	}
	if a.Credentials == "" {
		return files, nil
	}
	text, _, err := document.WithoutKeys(a.text)
	if err != nil {
		return nil, err
	}
	files[1].Text = text
	for i, t := range a.Connection.Tunnels {
		if t.PSK != nil {
			files = append(files, File{Path: filepath.Join(a.Credentials, a.Credential(i)), Text: t.PSK.Reveal(), Secret: true})
		}
	}
	return files, nil
}

func (a *AWS) document() string {
	extension := ".txt"
	switch a.text[0] {
	case '<':
		extension = ".xml"
	case '{', '[':
		extension = ".json"
	}
	return filepath.Join(a.Directory, a.Name+extension)
}

// Credential is the name of the credential with the key of a tunnel.
func (a *AWS) Credential(tunnel int) string { return fmt.Sprintf("vpnd-%s-%d", a.Name, tunnel+1) }

// Keyless says whether the document lacks a key, which has to come from elsewhere.
func (a *AWS) Keyless() bool {
	return a.Connection.Tunnels[0].PSK == nil || a.Connection.Tunnels[1].PSK == nil
}

// hcl is the block, with what a person may want to say besides.
func (a *AWS) hcl() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	c := a.Connection
	what := "Both tunnels of an AWS Site-to-Site VPN"
	if c.ID != "" {
		what += ", " + c.ID
	}
	line("# %s: from %s to %s and %s.", what, c.Outside, c.Tunnels[0].Outside, c.Tunnels[1].Outside)
	line("# Look at what it would change with `vpnd plan`, make it so with `vpnd apply`;\n# `vpnd explain aws_vpn` tells what else the block can say.")
	line("aws_vpn %q {", a.Name)
	line("  configuration = %q # for root alone to read%s", filepath.Base(a.document()), map[bool]string{true: ": it holds both keys"}[a.Credentials == "" && !a.Keyless()])
	line("  uplink = %q%s", a.Uplink, map[bool]string{true: " # the interface of the default route"}[a.Guess])
	if a.LocalAddress.IsValid() {
		line("  local_address = %q", a.LocalAddress)
	}
	line("  local_networks = %s\n  remote_networks = %s", list(a.Local), list(a.Remote))
	if !c.Static {
		line("  mode = \"route\" # the connection is routed by BGP, which FRRouting speaks")
	}
	line("\n  # prefer = %q # the tunnel that is used while both are well; left out, %s", c.Tunnels[1].Outside, c.Tunnels[0].Outside)
	if c.Static {
		line("  # probe = %q # a host in the VPC that answers pings: it proves a tunnel, and keeps it up", example(a.Remote))
	}
	for i, t := range c.Tunnels {
		if t.PSK == nil || a.Credentials != "" {
			line("\n  tunnel %q {\n    psk = credential(%q)\n  }", t.Outside, a.Credential(i))
		}
	}
	line("}")
	return string(hclwrite.Format([]byte(b.String())))
}

func list(networks []netip.Prefix) string {
	var quoted []string
	for _, n := range networks {
		quoted = append(quoted, strconv.Quote(n.String()))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// example is an address in the first of the networks.
func example(networks []netip.Prefix) netip.Addr {
	if len(networks) == 0 {
		return netip.Addr{}
	}
	a := networks[0].Addr()
	for range 10 {
		a = a.Next()
	}
	return a
}
