package document

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// readXML reads a CustomerGatewayConfiguration.
func readXML(text string) (*Connection, error) {
	root, err := tree(text)
	if err != nil {
		return nil, err
	}
	if root.name != "vpn_connection" {
		return nil, wrong("", "its outermost element is not vpn_connection")
	}
	tunnels := root.all("ipsec_tunnel")
	if len(tunnels) != 2 {
		return nil, wrong("vpn_connection", fmt.Sprintf("it has %d elements ipsec_tunnel instead of two", len(tunnels)))
	}
	c := &Connection{
		ID: root.attrs["id"], CustomerGateway: root.value("customer_gateway_id"), Gateway: root.value("vpn_gateway_id"),
		Static: root.value("vpn_connection_attributes") == "NoBGPVPNConnection",
	}
	for i, t := range tunnels {
		e := element{node: t, path: fmt.Sprintf("vpn_connection/ipsec_tunnel[%d]", i+1)}
		ours := e.tunnel(&c.Tunnels[i])
		if e.err != nil {
			return nil, e.err
		}
		if i > 0 && ours != c.Outside {
			return nil, wrong(e.path+"/customer_gateway/tunnel_outside_address/ip_address", "it is another one than in the first tunnel")
		}
		c.Outside = ours
	}
	return complete(c)
}

// An element is read piece by piece; the first thing that is wrong stays.
type element struct {
	*node
	path string
	err  error
}

// want takes the value at a path as what read makes of it. It is an error where that
// fails, and where there is none unless it is optional.
func want[T any](e *element, path string, what string, read func(string) (T, bool), optional bool) T {
	var v T
	found, text, ok := len(e.find(path)), e.value(path), true
	if text != "" {
		v, ok = read(text)
	}
	switch {
	case e.err != nil:
	case found > 1:
		e.err = wrong(e.path+"/"+path, fmt.Sprintf("it is there %d times", found))
	case !ok:
		e.err = wrong(e.path+"/"+path, "it is not "+what)
	case text == "" && !optional:
		e.err = wrong(e.path+"/"+path, "it is missing or empty; it says "+what)
	}
	return v
}

// tunnel reads a tunnel and returns the customer's outside address.
func (e *element) tunnel(t *Tunnel) netip.Addr {
	ours := want(e, "customer_gateway/tunnel_outside_address/ip_address", "an IP address", address, false)
	t.Outside = want(e, "vpn_gateway/tunnel_outside_address/ip_address", "an IP address", address, false)
	t.Inside, t.PeerInside = e.inside("customer_gateway"), e.inside("vpn_gateway")
	t.Inside6, t.PeerInside6 = e.inside6("customer_gateway"), e.inside6("vpn_gateway")
	if e.err == nil && !facing(t.Inside, t.PeerInside) {
		e.err = wrong(e.path+"/vpn_gateway/tunnel_inside_address", "it is not in the network of that of customer_gateway, or the same")
	}
	if e.err == nil && t.Inside6.IsValid() != t.PeerInside6.IsValid() || t.Inside6.IsValid() && !facing(t.Inside6, t.PeerInside6) {
		e.err = wrong(e.path+"/vpn_gateway/tunnel_inside_ipv6_address", "it is not in the network of that of customer_gateway, or the same")
	}
	t.ASN = want(e, "customer_gateway/bgp/asn", "a number of an autonomous system", asn, true)
	t.PeerASN = want(e, "vpn_gateway/bgp/asn", "a number of an autonomous system", asn, true)
	t.HoldTime = want(e, "vpn_gateway/bgp/hold_time", "seconds", seconds, true)
	e.security(t)
	return ours
}

// inside reads an address of IPv4 in the tunnel, which has its prefix twice.
func (e *element) inside(side string) netip.Prefix {
	bits := want(e, side+"/tunnel_inside_address/network_cidr", "the length of a prefix", prefixLength, false)
	return want(e, side+"/tunnel_inside_address/ip_address", "an address in a /30 of 169.254.0.0/16", func(text string) (netip.Prefix, bool) { return inside(text, bits) }, false)
}

func (e *element) inside6(side string) netip.Prefix {
	bits := want(e, side+"/tunnel_inside_ipv6_address/prefix_length", "the length of a prefix", prefixLength, true)
	return want(e, side+"/tunnel_inside_ipv6_address/ip_address", "an address in a /126 of fd00::/8", func(text string) (netip.Prefix, bool) { return inside(text, bits) }, true)
}

func prefixLength(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && n <= 128
}

// security reads the keys and algorithms of a tunnel.
func (e *element) security(t *Tunnel) {
	for _, part := range []struct {
		path string
		to   *Suite
		life *time.Duration
	}{{"ike", &t.Sample.IKE, &t.IKELifetime}, {"ipsec", &t.Sample.ESP, &t.ESPLifetime}} {
		part.to.Encryption = want(e, part.path+"/encryption_protocol", "a cipher that Amazon has", encryption, false)
		part.to.Integrity = want(e, part.path+"/authentication_protocol", "a hash function that Amazon has", integrity, aead(part.to.Encryption))
		part.to.Group = want(e, part.path+"/perfect_forward_secrecy", "a group of Diffie-Hellman that Amazon has", group, false)
		*part.life = want(e, part.path+"/lifetime", "seconds, 900 at least and a day at most", life, false)
	}
	t.DPDInterval = want(e, "ipsec/dead_peer_detection/interval", "seconds", seconds, true)
	key := want(e, "ike/pre_shared_key", "a key", func(text string) (string, bool) { return text, true }, true)
	if e.err == nil {
		e.err = keyed(t, e.path+"/ike/pre_shared_key", key)
	}
	for _, name := range []string{"ike/pre_shared_key_arn", "ike/PreSharedKeyArn"} {
		if arn := e.value(name); arn != "" && t.PSK == nil {
			t.KeyARN = arn
		}
	}
}
