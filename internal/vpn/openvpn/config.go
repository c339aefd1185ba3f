package openvpn

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/script"
	"vpnd/internal/vpn/openvpn/subnet"
)

// serverConfig writes the configuration of the process.
func (i *instance) serverConfig() directives {
	var d directives
	i.writeNetwork(&d)
	i.writeKeys(&d)
	i.writeChannels(&d)
	i.writeClients(&d)
	i.writeProcess(&d)
	d.raw(i.options())
	return d
}

// options are the directives that the user wrote, as far as they are for this process.
func (i *instance) options() []string {
	return slices.DeleteFunc(slices.Clone(i.Options), func(line string) bool {
		words, err := openvpn.Directive(line)
		return err == nil && len(words) > 0 && words[0] == "port-share" && !i.takes("tcp")
	})
}

func (i *instance) writeNetwork(d *directives) {
	i.writeListeners(d)
	i.writeDevice(d)
	d.add("topology", i.topology())
	i.writePool(d)
	if i.persists() {
		d.add("ifconfig-pool-persist", i.leases())
	}
	for _, m := range i.members {
		for _, p := range i.behind(m) {
			suffix, args := route(p)
			d.add("route"+suffix, args...)
		}
	}
}

// writeListeners says where it listens.
func (i *instance) writeListeners(d *directives) {
	if i.shared() {
		for _, l := range i.listeners {
			d.add("local", l.Socket()...)
		}
		return
	}
	l := i.listeners[0]
	if l.Address.IsValid() {
		d.add("local", l.Address.String())
	}
	d.add("port", strconv.Itoa(int(l.Port)))
	// openvpn(8) lets server say that tcp is the side that is dialled, and nothing else does.
	if i.apart() && l.Transport() == "tcp" {
		d.add("proto", l.Protocol+"-server")
	} else {
		d.add("proto", l.Protocol)
	}
}

// writePool gives addresses to the server and to its clients. With a range of
// its own the IPv6 side has to be spelled out: server-ipv6 refuses nopool.
func (i *instance) writePool(d *directives) {
	if i.apart() {
		i.writeParts(d)
		return
	}
	if i.Network == nil {
		d.add("server-ipv6", i.network6.String())
		return
	}
	network := []string{i.network.Addr().String(), subnet.Mask(i.network)}
	pool := i.pool()
	if pool.Start == nil && pool.End == nil {
		d.add("server", network...)
		if i.network6 != nil {
			d.add("server-ipv6", i.network6.String())
		}
		return
	}
	first, last := pool.within(i.network)
	d.add("server", append(network, "nopool")...)
	d.add("ifconfig-pool", first.String(), last.String(), subnet.Mask(i.network))
	if i.network6 == nil {
		return
	}
	server := i.network6.Addr().Next()
	d.add("ifconfig-ipv6", netip.PrefixFrom(server, i.network6.Bits()).String(), server.Next().String())
	d.add("ifconfig-ipv6-pool", netip.PrefixFrom(pool6(*i.network6), i.network6.Bits()).String())
}

// writeParts is for a process that has a part of the network of the block. It is what
// server stands for, openvpn(8), but for the size that clients know: for them the VPN
// is one network, whichever way they came in.
func (i *instance) writeParts(d *directives) {
	d.add("mode", "server")
	d.add("tls-server")
	d.add("push", "topology subnet")
	if i.Network != nil {
		i.writePart(d, subnet.First(i.network), subnet.Mask(*i.Network))
	}
	i.writeShares(d)
	if i.network6 == nil {
		return
	}
	server6 := subnet.First(*i.network6)
	d.add("ifconfig-ipv6", netip.PrefixFrom(server6, i.network6.Bits()).String(), server6.Next().String())
	d.add("ifconfig-ipv6-pool", netip.PrefixFrom(pool6(*i.network6), i.network6.Bits()).String())
	if i.several() { // else it is the network that clients know
		d.add("push", "route-ipv6 "+i.Network6.String())
	}
}

// writePart is the IPv4 side of that.
func (i *instance) writePart(d *directives, server netip.Addr, whole string) {
	d.add("ifconfig", server.String(), subnet.Mask(i.network))
	first, last := i.dynamic(i.index)
	d.add("ifconfig-pool", first.String(), last.String(), whole)
	d.add("route-gateway", server.Next().String())
	d.add("push", "route-gateway "+server.String())
}

// writeShares has packets for members of groups come to the process that they may be
// connected to, where its own network does not hold them.
func (i *instance) writeShares(d *directives) {
	for _, g := range i.Groups {
		for _, own := range []struct {
			network *netip.Prefix
			six     bool
		}{{&i.network, false}, {i.network6, true}} {
			share := g.share(i.Server, i.index, own.six)
			if own.network == nil || resource.Within(share, *own.network) {
				continue
			}
			suffix, args := route(share)
			d.add("route"+suffix, args...)
		}
	}
}

// behind returns the networks behind a client, which are reached through the first
// process: a route of the host leads to one interface.
func (i *instance) behind(m member) []netip.Prefix {
	if i != i.instances[0] {
		return nil
	}
	return resource.Or(m.block, Client{}).Routes
}

// pool6 is where the IPv6 pool begins, as server-ipv6 would have it: 0x1000
// behind the network, or at once where that is too small.
func pool6(network netip.Prefix) netip.Addr {
	if network.Bits() >= 112 {
		return network.Addr().Next().Next()
	}
	bytes := network.Addr().As16()
	bytes[14] |= 0x10
	return netip.AddrFrom16(bytes)
}

// writeDevice says what kind of device it is where the name does not.
func (i *instance) writeDevice(d *directives) {
	d.add("dev", i.device)
	if !strings.HasPrefix(i.device, "tun") {
		d.add("dev-type", "tun")
	}
	if resource.Or(i.DCO, "auto") == "false" {
		d.add("disable-dco")
	}
	i.writeSizes(d)
}

// writeSizes is for both sides.
func (s *settings) writeSizes(d *directives) {
	for _, size := range []struct {
		name  string
		bytes *int
	}{{"tun-mtu", s.MTU}, {"fragment", s.Fragment}, {"mssfix", s.MSSFix}} {
		if size.bytes != nil {
			d.add(size.name, strconv.Itoa(*size.bytes))
		}
	}
}

func (s *settings) writeKeys(d *directives) {
	if s.fingerprints() {
		d.add("config", s.peers())
	} else {
		for _, ca := range s.trust().Directives() {
			d.add(ca[0], ca[1])
		}
	}
	d.add("cert", s.cert())
	d.add("key", s.key())
	if s.DH == nil {
		d.add("dh", "none") // has to be said up to OpenVPN 2.6
	} else {
		d.add("dh", s.dh())
	}
	switch s.tlsKey() {
	case tlsCryptV2, tlsCrypt:
		d.add(s.tlsKey(), s.shield())
	case tlsAuth:
		d.add(tlsAuth, s.shield(), "0")
	}
	if s.verifies() {
		d.add("tls-crypt-v2-verify", script.KnownKey.In(s.directory()))
	}
	if !s.fingerprints() {
		d.add("crl-verify", s.crl())
	}
	if !s.fingerprints() && s.trust().Narrow() {
		d.add("config", s.trust().Issuers().Path)
	}
	d.add("remote-cert-tls", "client")
}

// writeChannels is for the server; what both sides say is in writeShared.
func (s *settings) writeChannels(d *directives) {
	s.writeShared(d)
	if groups := s.tls().Groups; len(groups) > 0 {
		d.add("tls-groups", strings.Join(groups, ":"))
	}
	d.add("data-ciphers", strings.Join(s.dataCiphers(), ":"))
	if f := s.fallback(); f != nil {
		d.add("data-ciphers-fallback", *f)
	}
	if s.compression() == "migrate" {
		d.add("compress", "migrate")
	}
}

// writeShared is what both sides have to say alike.
func (s *settings) writeShared(d *directives) {
	t := s.tls()
	d.add("tls-version-min", resource.Or(t.MinVersion, "1.2"))
	d.add("tls-cert-profile", resource.Or(t.CertProfile, "preferred"))
	if len(t.Ciphers) > 0 {
		d.add("tls-cipher", strings.Join(t.Ciphers, ":"))
	}
	if len(t.Ciphersuites) > 0 {
		d.add("tls-ciphersuites", strings.Join(t.Ciphersuites, ":"))
	}
	d.add("auth", resource.Or(s.Digest, "SHA256"))
	if s.compression() == "lzo" {
		d.add("comp-lzo")
	}
	if s.RenegotiateAfter != nil {
		d.add("reneg-sec", strconv.FormatInt(s.RenegotiateAfter.Seconds(), 10))
	}
}

func (i *instance) writeClients(d *directives) {
	d.add("client-config-dir", i.ccd())
	for _, flag := range []struct {
		name string
		set  *bool
	}{{"ccd-exclusive", resource.Ptr(i.exclusive())}, {"client-to-client", i.ClientToClient}, {"duplicate-cn", i.DuplicateCN}} {
		if resource.Or(flag.set, false) {
			d.add(flag.name)
		}
	}
	if i.MaxClients != nil {
		d.add("max-clients", strconv.Itoa(*i.MaxClients))
	}
	ping, restart := i.keepalive()
	d.add("keepalive", strconv.FormatInt(ping.Seconds(), 10), strconv.FormatInt(restart.Seconds(), 10))
	i.writePush(d, i.push())
	if i.scripts() {
		d.add("script-security", "2")
	}
	d.addAll(i.auth().Directives())
}

func (i *instance) writeProcess(d *directives) {
	if user := resource.Or(i.User, "nobody"); user != "root" {
		d.add("user", user)
		d.add("group", resource.Or(i.Group, "nogroup"))
	}
	// The keys and the device are out of reach once privileges are dropped.
	d.add("persist-key")
	d.add("persist-tun")
	if i.exitNotify() {
		d.add("explicit-exit-notify", "1")
	}
	if resource.Or(i.Management, true) {
		d.add("management", i.management(), "unix")
	}
	if status := i.status(); status != nil {
		d.add("status", *status)
	}
	if log := i.log(); log != nil {
		d.add("log-append", *log)
	}
	d.add("verb", strconv.Itoa(resource.Or(i.Verb, 3)))
}

// within returns the first and the last address of the pool in a network.
func (p Pool) within(network netip.Prefix) (first, last netip.Addr) {
	return resource.Or(p.Start, subnet.First(network).Next()), resource.Or(p.End, subnet.Last(network).Prev())
}
