package settings

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// A Check is what must hold after an apply, and from then on. All that it names
// must; it changes nothing itself.
type Check struct {
	Name  string
	Range hcl.Range

	TCP      *string            `vpnd:"tcp" doc:"address and port that must accept a connection, as in 127.0.0.1:1194"`
	Ping     *netip.Addr        `vpnd:"ping" doc:"address that must answer pings, as one on the far side of a tunnel"`
	Resolve  *string            `vpnd:"resolve" doc:"name that must resolve"`
	Tunnel   *Tunnel            `vpnd:"tunnel" doc:"tunnel that must be up: a block, as in ipsec_tunnel.dc, its address, or the name of its interface, as in tun0, which a program must have in use"`
	Unit     *string            `vpnd:"unit" doc:"unit of systemd that must be active, as in openvpn-server@office.service"`
	Command  []string           `vpnd:"command" doc:"command and its arguments that must end with status 0; what it says about a failure is shown on a terminal only, since it may be secret"`
	Timeout  *resource.Duration `vpnd:"timeout" doc:"how long one try may take" default:"5s"`
	Retries  *int               `vpnd:"retries" doc:"how often to try again before it has failed" default:"3"`
	Interval *resource.Duration `vpnd:"interval" doc:"pause between two tries" default:"1s"`
}

// The bounds of a check, so that an apply with failing ones ends.
const (
	maxTimeout  = resource.Duration(time.Minute)
	maxRetries  = 60
	maxInterval = resource.Duration(time.Minute)
)

// Validate says what is wrong with the check.
func (c *Check) Validate(string) []resource.Mistake {
	var mistakes []resource.Mistake
	wrong := func(path, summary, hint string) {
		mistakes = append(mistakes, resource.Mistake{Path: path, Summary: summary, Hint: hint})
	}
	if c.TCP == nil && c.Ping == nil && c.Resolve == nil && c.Tunnel == nil && c.Unit == nil && c.Command == nil {
		wrong("", "nothing to check", "Give tcp, ping, resolve, tunnel, unit or command.")
	}
	if c.TCP != nil && !isEndpoint(*c.TCP) {
		wrong("tcp", quote(*c.TCP)+" is no address with a port", `Write it as in "127.0.0.1:1194" or "[::1]:1194".`)
	}
	if c.Resolve != nil && (*c.Resolve == "" || strings.ContainsAny(*c.Resolve, " /:")) {
		wrong("resolve", quote(*c.Resolve)+" is no name of a host", `Write it as in "vpn.example.com".`)
	}
	if c.Tunnel != nil {
		if _, address := c.Tunnel.Address(); !address && !c.Tunnel.IsInterface() {
			wrong("tunnel", quote(string(*c.Tunnel))+" is no name of an interface", noInterface)
		}
	}
	if c.Unit != nil && (path.Ext(*c.Unit) == "" || strings.ContainsAny(*c.Unit, " /")) {
		wrong("unit", quote(*c.Unit)+" is no unit", `Write it with its type, as in "openvpn-server@office.service".`)
	}
	if c.Command != nil && (len(c.Command) == 0 || !path.IsAbs(c.Command[0])) {
		wrong("command", "the command is no absolute path", `Write a list that begins with one, as in ["/usr/bin/test", "-S", "/run/charon.vici"].`)
	}
	if t := c.Timeout; t != nil && (*t <= 0 || *t > maxTimeout) {
		wrong("timeout", "one try is to take "+t.String(), "Write a duration of up to "+maxTimeout.String()+".")
	}
	if r := c.Retries; r != nil && (*r < 0 || *r > maxRetries) {
		wrong("retries", fmt.Sprintf("it is to be tried again %d times", *r), fmt.Sprintf("Write a number of up to %d.", maxRetries))
	}
	if t := c.Interval; t != nil && *t > maxInterval {
		wrong("interval", "the pause is "+t.String(), "Write a duration of up to "+maxInterval.String()+".")
	}
	return mistakes
}

// A Tunnel names what is a tunnel: an interface, or by its address a resource that is
// one. A block stands for the one that it has.
type Tunnel string

const noInterface = `Write it as ip(8) lists it, as in "tun0", or a block that stands for a tunnel, as in ipsec_tunnel.dc.`

// UnmarshalText reads a tunnel.
func (t *Tunnel) UnmarshalText(text []byte) error {
	*t = Tunnel(text)
	return nil
}

// Points names what a block tells of its tunnel.
func (*Tunnel) Points() []string { return []string{"tunnel", "dev", "id"} }

// Address is that of a resource. Names of interfaces may look like one.
func (t Tunnel) Address() (id resource.ID, ok bool) {
	id, err := resource.ParseID(string(t))
	return id, err == nil
}

// IsInterface says whether an interface may have that name.
func (t Tunnel) IsInterface() bool {
	return t != "" && len(t) <= 15 && !strings.ContainsAny(string(t), " /:[")
}

// Mistake says why this is no tunnel of a configuration, nil where it is one: known tells
// which types of blocks there are, is what kinds of things are, and has which there are.
func (t Tunnel) Mistake(known func(blockType string) bool, is func(kind string) resource.Traits, has func(resource.ID) bool) *resource.Mistake {
	id, ok := t.Address()
	switch {
	case !ok, !known(id.Kind) && t.IsInterface():
		return nil
	case is(id.Kind).View != resource.Tunnels:
		return &resource.Mistake{Path: "tunnel", Summary: id.String() + " is no tunnel", Hint: noInterface}
	case !has(id):
		return &resource.Mistake{Path: "tunnel", Summary: "there is no " + id.String() + " in this configuration", Hint: "Write the block that stands for it, as in ipsec_tunnel.dc."}
	}
	return nil
}

func isEndpoint(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && host != "" && bad == nil && n > 0
}
