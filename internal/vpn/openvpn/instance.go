package openvpn

import (
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

// Listener is what one of several listeners has for itself.
type Listener struct {
	Name     string        `vpnd:"name,label" doc:"the listener as listen has it, such as tcp/443"`
	Network  *netip.Prefix `vpnd:"network" doc:"its part of network; left out, parts of one size in the order of listen"`
	Network6 *netip.Prefix `vpnd:"network6" doc:"its part of network6; left out, parts of one size in the order of listen"`
	Dev      *string       `vpnd:"dev" doc:"its tun interface; left out, dev with a number that counts on"`
}

// instance is a process of OpenVPN, which listens at one place, or at all of its block.
// What it shares with the other processes of its block stands in the settings; what it has
// for itself is named after its label.
type instance struct {
	*settings
	index     int    // among the processes
	label     string // of its unit, configuration and sockets
	suffix    string // what the names of its own files in directories of the block end with
	listeners []endpoint.Listener
	network   netip.Prefix
	network6  *netip.Prefix
	device    string
}

// cut returns the processes that a block stands for. The first one goes by the name
// of the block, so that another listener behind it costs it nothing; the others by
// that of their listener.
func (s *settings) cut() ([]*instance, error) {
	var all []*instance
	networks, networks6 := s.networks(false), s.networks(true)
	for n, texts := range s.processes() {
		i := &instance{
			settings: s, index: n, label: s.name, network: networks[n],
			device: resource.Or(s.listenerBlock(texts[0]).Dev, s.device(n)),
		}
		for _, text := range texts {
			l, err := endpoint.ParseListener(text)
			if err != nil {
				return nil, err
			}
			i.listeners = append(i.listeners, l)
		}
		if n > 0 {
			i.suffix = "-" + i.listeners[0].Name()
			i.label += i.suffix
		}
		if s.Network6 != nil {
			i.network6 = &networks6[n]
		}
		all = append(all, i)
	}
	return all, nil
}

// processes are the listeners of each process, as listen has them.
func (s *Server) processes() [][]string {
	if s.shared() {
		return [][]string{s.listeners()}
	}
	var all [][]string
	for _, one := range s.listeners() {
		all = append(all, []string{one})
	}
	return all
}

// shared says whether one process has several listeners.
func (s *Server) shared() bool {
	return len(s.listeners()) > 1 && resource.Or(s.Processes, "each") == "one"
}

// device is the interface of the n-th process: dev, and then those that count on
// from it.
func (s *Server) device(n int) string {
	dev := s.dev()
	if n == 0 {
		return dev
	}
	stem := strings.TrimRight(dev, "0123456789")
	first, _ := strconv.Atoi(dev[len(stem):])
	return stem + strconv.Itoa(first+n)
}

// several says whether there is more than one process.
func (s *Server) several() bool { return len(s.processes()) > 1 }

// apart says whether a process has less than the network of the block for its pool, so
// that it has to be spelled out.
func (s *Server) apart() bool { return s.several() || len(s.Groups) > 0 }

func (i *instance) config() string       { return root + "/" + i.label + ".conf" }
func (i *instance) ccd() string          { return i.directory() + "/ccd" + i.suffix }
func (i *instance) unit() string         { return "openvpn-server@" + i.label + ".service" }
func (i *instance) runDirectory() string { return "/run/openvpn-server/" + i.label }
func (i *instance) leases() string       { return poolRoot + "/" + i.label + "/pool" }

// management is in a directory only root may enter: OpenVPN makes the socket 0777.
func (i *instance) management() string { return i.runDirectory() + "/management.sock" }

// log and status are files of its own: what two processes write into one tells
// nobody which of them did.
func (i *instance) log() *string    { return i.beside(i.Log) }
func (i *instance) status() *string { return i.beside(i.Status) }

// beside is a file of this process, named after the one of the first.
func (i *instance) beside(file *string) *string {
	if file == nil || i.suffix == "" {
		return file
	}
	end := path.Ext(*file)
	return resource.Ptr(strings.TrimSuffix(*file, end) + i.suffix + end)
}

// units are those of all processes of the block.
func (s *settings) units() []string {
	var all []string
	for _, i := range s.instances {
		all = append(all, i.unit())
	}
	return all
}

// everywhere are the listeners of all processes, in the order of listen.
func (s *settings) everywhere() []endpoint.Listener {
	var all []endpoint.Listener
	for _, i := range s.instances {
		all = append(all, i.listeners...)
	}
	return all
}

// takes says whether somebody comes in by a transport, which is udp or tcp.
func (i *instance) takes(transport string) bool {
	return slices.ContainsFunc(i.listeners, func(l endpoint.Listener) bool { return l.Transport() == transport })
}

// exitNotify says whether peers tell each other that they go; TCP does itself.
func (i *instance) exitNotify() bool {
	return i.takes("udp") && resource.Or(i.ExplicitExitNotify, true)
}
