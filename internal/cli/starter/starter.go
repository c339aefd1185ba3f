// Package starter is the configuration that vpnd init begins with: a commented one
// that fits the host it is written on.
package starter

import (
	"crypto/rand"
	"embed"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

//go:embed *.hcl
var starters embed.FS

// Kinds are those that there is a starter of, the usual one first.
func Kinds() []string {
	kinds := []string{"openvpn"}
	files, _ := starters.ReadDir(".")
	for _, f := range files {
		if kind := strings.TrimSuffix(f.Name(), ".hcl"); kind != kinds[0] {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Here returns the facts of the host that runs. Where its routes can't be read they
// are a guess, which they say.
func Here() Facts {
	s, err := look()
	f := choose(s)
	if err != nil {
		f.Says = append([]string{fmt.Sprintf("this host's routes can't be read (%v), so the uplink in the file is a guess", err)}, f.Says...)
	}
	return f
}

// Uplink returns the interface of the default route, empty where there is none.
func (f Facts) Uplink() string {
	if !f.routed {
		return ""
	}
	return f.uplink
}

// Elsewhere returns examples, for a host that does not run.
func Elsewhere() Facts {
	f := choose(surroundings{})
	f.Says = []string{"the uplink and the address in the file are examples; write those of your host"}
	return f
}

// Fill returns the starter of a kind with the facts where it names them. It does
// without text/template, which would keep every exported method in the binary.
func (f Facts) Fill(kind string) ([]byte, error) {
	starter, err := starters.ReadFile(kind + ".hcl")
	if err != nil {
		return nil, err
	}
	six := f.address.Is6()
	listen, network6, networks, address := "udp/1194", "", "openvpn_server.office.network", "vpn.example.com"
	if f.address.IsValid() {
		address = f.address.String()
	}
	if six {
		listen, networks = "udp6/1194", networks+", openvpn_server.office.network6"
		networks += fmt.Sprintf("]\n  accept_ra = %t # whether the kernel learns the uplink's route from router advertisements", f.ra)
		network6 = fmt.Sprintf("\n  network6 = %q # unique local, RFC 4193", unique())
	}
	if !six {
		networks += "]"
	}
	text := strings.NewReplacer(
		"{{.Listen}}", listen, "{{.Network}}", f.network.String(), "{{.Network6}}", network6, "{{.Address}}", address,
		"{{.Push}}", f.push(six), "{{.Uplink}}", f.uplink, "{{.Networks}}", networks,
		"{{.Behind}}", f.inside(), "{{.Bound}}", f.bound(), "{{.Peer}}", f.peer(),
		"{{.Host}}", netip.PrefixFrom(f.nth(1), f.network.Bits()).String(), "{{.First}}", f.nth(2).String(), "{{.Reach}}", f.reach(),
	).Replace(string(starter))
	return hclwrite.Format([]byte(text)), nil
}

// push is what clients are told: the networks that this host is in, or to send
// everything here, which needs somebody to ask for names.
func (f Facts) push(six bool) string {
	if len(f.behind) > 0 && !six {
		var quoted []string
		for _, n := range f.behind {
			quoted = append(quoted, strconv.Quote(n.String()))
		}
		return "    routes = [" + strings.Join(quoted, ", ") + "] # what clients reach; redirect_gateway = true is for everything"
	}
	return fmt.Sprintf("    redirect_gateway = true # all that clients send; or routes, as in [\"10.0.0.0/16\"]\n"+
		"    dns              = [%q] # whom they ask for names", resolver("/etc/resolv.conf", six))
}

// reach are the lines that say what peers of WireGuard reach: the networks that this
// host is in, or everything, which needs somebody to ask for names.
func (f Facts) reach() string {
	if len(f.behind) > 0 {
		return "  reach = [" + f.inside() + "] # what peers reach; 0.0.0.0/0 and ::/0 are for everything\n"
	}
	return fmt.Sprintf("  reach = [\"0.0.0.0/0\", \"::/0\"] # all that people send; or networks, as in 10.0.0.0/16\n"+
		"  dns   = [%q] # whom they ask for names\n", resolver("/etc/resolv.conf", false))
}

// nth is an address in the network of the VPN.
func (f Facts) nth(n int) netip.Addr {
	a := f.network.Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// bound is the line that says which address a tunnel has on this side; none where that
// is not known.
func (f Facts) bound() string {
	if !f.address.IsValid() {
		return ""
	}
	return fmt.Sprintf("    address = %q # of this host, by which the tunnel leaves\n", f.address)
}

// peer is an example of another side, in the family of this one; RFC 5737 and 3849.
func (f Facts) peer() string {
	if f.address.Is6() {
		return "2001:db8:ffff::7"
	}
	return "198.51.100.7"
}

// inside are the networks of this side of a tunnel between sites, or an example.
func (f Facts) inside() string {
	if len(f.behind) == 0 {
		return `"192.168.40.0/24"`
	}
	var quoted []string
	for _, n := range f.behind {
		quoted = append(quoted, strconv.Quote(n.String()))
	}
	return strings.Join(quoted, ", ")
}

// unique is a unique local network by chance, as RFC 4193 wants it.
func unique() netip.Prefix {
	id := [16]byte{0xfd}
	rand.Read(id[1:6])
	return netip.PrefixFrom(netip.AddrFrom16(id), 64)
}

// resolver is whom clients ask for names where all that they send comes through
// here: whom this host asks, unless that is itself.
func resolver(resolvConf string, six bool) netip.Addr {
	data, _ := os.ReadFile(resolvConf)
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil && addr.IsGlobalUnicast() && addr.Is6() == six && addr.Zone() == "" {
			return addr
		}
	}
	if six {
		return netip.MustParseAddr("2620:fe::fe")
	}
	return netip.MustParseAddr("9.9.9.9")
}
