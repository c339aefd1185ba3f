package openvpn

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

// Exports is what other blocks may know of a server.
type Exports struct {
	Name       string        `vpnd:"name"`
	Network    *netip.Prefix `vpnd:"network" doc:"the IPv4 network of the VPN"`
	Network6   *netip.Prefix `vpnd:"network6" doc:"the IPv6 network of the VPN"`
	Dev        string        `vpnd:"dev" doc:"its interface, that of the first listener"`
	Devs       []string      `vpnd:"devs" doc:"the interfaces of all listeners"`
	Protocol   string        `vpnd:"protocol" doc:"udp or tcp, of the first listener"`
	Port       int           `vpnd:"port" doc:"the port of the first listener"`
	Unit       string        `vpnd:"unit" doc:"its unit of systemd, that of the first listener"`
	Units      []string      `vpnd:"units" doc:"the units of all listeners"`
	Config     string        `vpnd:"config" doc:"path of its configuration, for the first listener"`
	Profiles   string        `vpnd:"profiles" doc:"directory of the profiles, empty where there are none"`
	Management string        `vpnd:"management" doc:"path of its management socket, empty where it has none; of the first listener"`
	Status     string        `vpnd:"status" doc:"path of its list of clients, of the first listener"`
}

// Exports tells other blocks where things are.
func (s *Server) Exports(name string) any {
	all, err := s.settings(name)
	if err != nil {
		return &Exports{Name: name}
	}
	first := all.instances[0]
	e := &Exports{
		Name: name, Network: s.Network, Network6: s.Network6, Dev: first.device,
		Protocol: first.listeners[0].Transport(), Port: int(first.listeners[0].Port),
		Units: all.units(), Unit: first.unit(), Config: first.config(), Profiles: all.profiles(),
		Status: resource.Or(s.Status, "/run/openvpn-server/status-"+name+".log"),
	}
	for _, i := range all.instances {
		e.Devs = append(e.Devs, i.device)
	}
	if resource.Or(s.Management, true) {
		e.Management = first.management()
	}
	return e
}

// A Port is where a server listens.
type Port struct {
	Protocol string // udp or tcp
	Port     int
}

// Ports returns where the server listens.
func (s *Server) Ports() []Port {
	var all []Port
	for _, one := range s.listeners() {
		if l, err := endpoint.ParseListener(one); err == nil {
			all = append(all, Port{l.Transport(), int(l.Port)})
		}
	}
	return all
}

// Moves tells where OpenVPN remembers who had which address.
func (s *Server) Moves(name string) resource.Luggage {
	all, err := (&settings{Server: s, name: name}).cut()
	if err != nil || !s.persists() {
		return resource.Luggage{}
	}
	var files resource.Luggage
	for _, i := range all {
		files.Loose = append(files.Loose, i.leases())
	}
	return files
}

// Writes tells which files the server opens before it drops its privileges.
func (s *Server) Writes() []resource.Claim {
	all, err := (&settings{Server: s}).cut()
	if err != nil {
		return nil
	}
	var files []resource.Claim
	for _, i := range all {
		for _, file := range []struct {
			attribute string
			path      *string
		}{{"log", i.log()}, {"status", i.status()}} {
			if file.path != nil {
				files = append(files, resource.Claim{Sort: "file", Value: *file.path, Path: file.attribute})
			}
		}
	}
	return files
}

// Claims tells what no other block may have: the socket, the device, the
// networks of the VPN and those behind its clients.
func (s *Server) Claims(name string) []resource.Claim {
	all, err := s.settings(name)
	if err != nil {
		return nil
	}
	var claims []resource.Claim
	for _, i := range all.instances {
		for _, l := range i.listeners {
			claims = append(claims, resource.Claim{Sort: "listener", Value: l.Claim(), Path: "listen"})
		}
		claims = append(claims, resource.Claim{Sort: "device", Value: i.device, Path: "dev"})
	}
	if s.Network != nil {
		claims = append(claims, resource.Claim{Sort: "network", Value: s.Network.String(), Path: "network"})
	}
	if s.Network6 != nil {
		claims = append(claims, resource.Claim{Sort: "network", Value: s.Network6.String(), Path: "network6"})
	}
	for _, m := range all.members {
		for _, p := range resource.Or(m.block, Client{}).Routes {
			claims = append(claims, resource.Claim{Sort: "network", Value: p.String(), Path: "client." + m.block.Name + ".routes"})
		}
	}
	return claims
}
