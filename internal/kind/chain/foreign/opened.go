package foreign

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// An Opening is something that vpnd's chains accept: a port of this host, or
// what a network sends through it.
type Opening struct {
	protocol string // tcp or udp
	port     uint16
	network  netip.Prefix
}

// Openings returns what rules of vpnd's chains accept in a hook of the filter
// table.
func Openings(hook string, rules []string) []Opening {
	var all []Opening
	known := make(map[Opening]bool)
	for _, rule := range rules {
		if o, ok := openingOf(hook, rule); ok && !known[o] {
			all, known[o] = append(all, o), true
		}
	}
	return all
}

// openingOf reads an opening from a rule. Rules about single states of a
// connection open nothing by themselves.
func openingOf(hook, rule string) (o Opening, ok bool) {
	list, err := syntax.Words(rule)
	if err != nil || syntax.Target(rule) != "ACCEPT" || slices.Contains(list, "--ctstate") {
		return o, false
	}
	for i, word := range list[:max(0, len(list)-1)] {
		value := list[i+1]
		switch {
		case i > 0 && list[i-1] == "!":
		case hook == "INPUT" && word == "-p":
			o.protocol = value
		case hook == "INPUT" && word == "--dport":
			port, err := strconv.ParseUint(value, 10, 16)
			o.port, ok = uint16(port), err == nil
		case hook == "FORWARD" && word == "-s":
			network, err := netip.ParsePrefix(value)
			o.network, ok = network, err == nil
		}
	}
	return o, ok
}

// passes says whether a rule of the table lets the opening through, as far as
// rules tell one by one: it names the port and accepts, or names the network, or
// the interface that it is behind, and goes on from there.
func (o Opening) passes(b Base) bool {
	link := o.link()
	return slices.ContainsFunc(b.rules, func(r nftRule) bool {
		accepts := r.decides && r.verdict == 1 // NF_ACCEPT
		leads := r.decides && (r.verdict == unix.NFT_GOTO || r.verdict == unix.NFT_JUMP)
		return slices.ContainsFunc(r.values, func(value []byte) bool {
			if o.port != 0 {
				return accepts && bytes.Equal(value, binary.BigEndian.AppendUint16(nil, o.port))
			}
			address := o.network.Addr().AsSlice()
			named := len(value) <= len(address) && 8*len(value) >= o.network.Bits() && bytes.Equal(value, address[:len(value)])
			behind := link != "" && unix.ByteSliceToString(value) == link
			return (accepts || leads) && (named || behind)
		})
	})
}

// link returns the interface that a network is behind: that of the narrowest
// route to all of it, the default aside.
func (o Opening) link() string {
	if !o.network.IsValid() {
		return ""
	}
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return ""
	}
	index, narrowest := 0, 0
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		if bits, _ := r.Dst.Mask.Size(); bits > narrowest && bits <= o.network.Bits() && r.Dst.Contains(o.network.Addr().AsSlice()) {
			index, narrowest = r.LinkIndex, bits
		}
	}
	l, err := netlink.LinkByIndex(index)
	if err != nil {
		return ""
	}
	return l.Attrs().Name
}

// String is the opening as people are told of it.
func (o Opening) String() string {
	if o.port != 0 {
		return fmt.Sprintf("%s port %d", o.protocol, o.port)
	}
	return "packets from " + o.network.String()
}

// command returns what opens it in a base chain of somebody else.
func (o Opening) command(b Base) string {
	switch {
	case b.isFirewalld() && o.port != 0:
		return fmt.Sprintf("firewall-cmd --permanent --add-port=%d/%s", o.port, o.protocol)
	case b.isFirewalld():
		return "firewall-cmd --permanent --zone=trusted --add-source=" + o.network.String()
	case o.port != 0:
		return fmt.Sprintf("nft insert rule %s %s dport %d accept", syntax.Paste(b.familyName(), b.table, b.name), o.protocol, o.port)
	}
	ip := "ip"
	if o.network.Addr().Is6() {
		ip = "ip6"
	}
	rule := "nft insert rule " + syntax.Paste(b.familyName(), b.table, b.name, ip)
	return rule + " saddr " + o.network.String() + " accept; " + rule + " daddr " + o.network.String() + " accept"
}

func (b Base) isFirewalld() bool { return b.table == "firewalld" && b.family == unix.NFPROTO_INET }

func (b Base) familyName() string {
	return map[uint8]string{unix.NFPROTO_INET: "inet", unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6"}[b.family]
}

// Concerns says whether packets of a family of iptables come to the chain.
func (b Base) Concerns(family string) bool {
	return b.family == unix.NFPROTO_INET || kernel.Families[b.family] == family
}

// Shut tells what vpnd accepts and a chain of others drops all the same, with the
// commands that open it there; nothing where that is nothing.
func (b Base) Shut(openings []Opening) string {
	var what, how []string
	for _, o := range openings {
		if text := o.String(); !o.passes(b) && !slices.Contains(what, text) {
			what, how = append(what, text), append(how, o.command(b))
		}
	}
	if len(what) == 0 {
		return ""
	}
	who := fmt.Sprintf("the chain %s of the nftables table %s %s", b.name, b.familyName(), b.table)
	if b.isFirewalld() {
		who, how = "firewalld", append(how, "firewall-cmd --reload")
	}
	return fmt.Sprintf("%s drops in %s what it does not know, also what vpnd accepts: %s; open it there as well: %s",
		who, b.Hook, strings.Join(what, ", "), strings.Join(how, "; "))
}
