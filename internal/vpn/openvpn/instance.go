package openvpn

import (
	"net/netip"

	"vpnd/internal/resource"
)

// instance is a process of OpenVPN, which listens at one place. What it shares with
// the other processes of its block stands in the settings; what it has for itself
// is named after its label.
type instance struct {
	*settings
	label    string // of its unit, configuration and sockets
	suffix   string // what the names of its own files in directories of the block end with
	listener listener
	network  netip.Prefix
	network6 *netip.Prefix
	device   string
}

// cut returns the processes that a block stands for. The first one goes by the name
// of the block.
func (s *settings) cut() ([]*instance, error) {
	l, err := parseListener(s.listeners()[0])
	if err != nil {
		return nil, err
	}
	return []*instance{{
		settings: s, label: s.name, listener: l,
		network: resource.Or(s.Network, netip.Prefix{}), network6: s.Network6, device: s.dev(),
	}}, nil
}

func (i *instance) config() string       { return root + "/" + i.label + ".conf" }
func (i *instance) ccd() string          { return i.directory() + "/ccd" + i.suffix }
func (i *instance) unit() string         { return "openvpn-server@" + i.label + ".service" }
func (i *instance) runDirectory() string { return "/run/openvpn-server/" + i.label }
func (i *instance) leases() string       { return poolRoot + "/" + i.label + "/pool" }

// management is in a directory only root may enter: OpenVPN makes the socket 0777.
func (i *instance) management() string { return i.runDirectory() + "/management.sock" }

// exitNotify says whether peers tell each other that they go; TCP does itself.
func (i *instance) exitNotify() bool {
	return resource.Or(i.ExplicitExitNotify, i.listener.transport() == "udp")
}
