// Package catalog lists every kind and composite that vpnd has, on the real
// host. It is the one place to add a new one.
package catalog

import (
	"cmp"
	"crypto/rand"
	"path/filepath"
	"time"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/kind/file"
	kindipsec "vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/ipsec/failover"
	"vpnd/internal/kind/ipsec/proof"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/kind/link"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/openvpn/connection"
	"vpnd/internal/kind/pkg"
	kindpki "vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/memo"
	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/kind/unit"
	"vpnd/internal/kind/user"
	kindwireguard "vpnd/internal/kind/wireguard"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/across"
	"vpnd/internal/vpn/aws"
	"vpnd/internal/vpn/dial"
	"vpnd/internal/vpn/firewall"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/ipsec"
	"vpnd/internal/vpn/openvpn"
	"vpnd/internal/vpn/pki"
	"vpnd/internal/vpn/ssh"
	"vpnd/internal/vpn/wireguard"
)

// Options say which host the kinds work on.
type Options struct {
	Root  string // "/" for this host; another directory is a root file system that does not run
	Cache string // directory for what can be found out again; empty for none

	Shared *notice.Shared // by all watchers of the process; nil is one for the kinds
	Looks  *xtables.Looks // at rules, of all catalogs of the process; nil is one for the kinds
}

// New returns the catalog.
func New(o Options) resource.Catalog {
	return resource.Catalog{Image: !runs(o.Root), Kinds: kinds(o), Composites: composites(), Review: across.Review}
}

func kinds(o Options) []resource.Kind {
	validators := map[string]file.Validator{"vpnd:openvpn": kindopenvpn.Validate, "vpnd:sshd": kindssh.Accept}
	early := map[string]file.Validator{"vpnd:openvpn": kindopenvpn.Foresee, "vpnd:sshd": kindssh.Foresee}
	shared := o.Shared
	if shared == nil {
		shared = new(notice.Shared)
	}
	connections := kindipsec.Verbs{Root: o.Root, Shared: shared, Proofs: new(proof.Cache)}
	keys, units := sysctl.Verbs{Root: o.Root, Shared: shared}, unit.Verbs{Root: o.Root, Shared: shared}
	running := runs(o.Root)
	if running {
		keys.Proc, units.Connect, units.Journal = "/proc/sys", unit.Connect, unit.Journal
		connections.Socket, connections.Record, connections.Journal = vici.Socket, kindipsec.Record, kindipsec.Journal
	}
	all := []resource.Kind{
		resource.Define("sysctl", "A kernel parameter, now and at boot. Its label is the key.", sysctl.Traits, keys),
		resource.Define("file", "A regular file. Its label is the path.", file.Traits, file.FileVerbs{Root: o.Root, Validators: validators, Early: early, Shared: shared}),
		resource.Define("secret_file", "A file whose content is never shown. Its label is the path.", file.Traits, file.SecretFileVerbs{Root: o.Root, Validators: validators, Early: early, Shared: shared}),
		resource.Define("directory", "A directory. Its label is the path.", file.DirectoryTraits, file.DirectoryVerbs{Root: o.Root, Shared: shared}),
		resource.Define("tun", "A persistent tun or tap interface. Its label is the name of the interface.", link.TunTraits, link.TunVerbs{}),
		resource.Define("xfrm_interface", "An interface whose packets come and go by IPsec. Its label is the name of the interface.", link.XFRMTraits, link.XFRMVerbs{}),
		resource.Define("wireguard_interface", "An interface of WireGuard, and its peers. Its label is the name of the interface.", kindwireguard.Traits, kindwireguard.Host()),
		resource.Define("route", "A route of the kernel. Its label is the destination.", link.RouteTraits, link.RouteVerbs{}),
		resource.Define("chain", "A chain of iptables or ip6tables. Its label is family/table/chain.", chain.Traits, chain.Verbs{Cache: o.Cache, Writers: new(xtables.Writers), Looks: cmp.Or(o.Looks, new(xtables.Looks))}),
		resource.Define("ipsec_connection", "A connection of strongSwan with its child SAs and its pre-shared key. Its label is the name of the connection.", kindipsec.Traits, connections),
		resource.Define("ipsec_failover", "Which of several connections of strongSwan to one place carries the traffic. Its label is a name of its own.", failover.Traits, failover.Verbs{Records: failover.Records, Memory: new(failover.Memory)}),
		resource.Define("package", "A package of the distribution. Its label is its name.", pkg.Traits, pkg.Verbs{Root: o.Root, Shared: shared}),
		resource.Define("openvpn_admission", "Who may be connected to an OpenVPN server now. Its label is the path of the management socket.", kindopenvpn.Traits, kindopenvpn.Admissions{}),
		resource.Define("openvpn_connection", "Whether an OpenVPN client is connected; openvpn_client makes it. Its label is the name of the client.", connection.Traits, connection.Verbs{Journal: connection.Journal}),
		resource.Define("ssh_admission", "What sshd makes of an account for tunnels; ssh_tunnel_account makes it. Its label is the account.", kindssh.AdmissionTraits, kindssh.Admissions{Shared: shared}),
		resource.Define("ssh_forward", "Whether what an SSH tunnel forwards answers; ssh_tunnel makes it. Its label is the name of the tunnel.", kindssh.Traits, kindssh.Verbs{Journal: kindssh.Journal, Probes: new(kindssh.Probes)}),
		resource.Define("system_user", "A system account of vpnd's own, with which nobody can log in. Its label is its name.", user.Traits, user.Verbs{Root: o.Root, Shared: shared}),
		resource.Define("unit", "A unit of systemd. Its label is its name, suffix included.", unit.Traits, units),
	}
	return append(all, kindpki.Kinds(kindpki.Host{Root: o.Root, Clock: time.Now, Rand: rand.Reader, Shared: shared, Synchronized: kindpki.Synchronized, Memo: memo.Open(o.Cache)})...)
}

// runs says whether a root file system is that of this host: only there a kernel
// and a systemd run.
func runs(root string) bool { return filepath.Clean(root) == "/" }

func composites() []resource.Composite {
	return []resource.Composite{
		resource.Compose[pki.PKI]("pki", "A certificate authority with its servers, clients and revocation list."),
		resource.Compose[openvpn.Server]("openvpn_server", "An OpenVPN server: package, configuration, keys, profiles of its clients, unit."),
		resource.Compose[dial.Client]("openvpn_client", "A host that dials in: OpenVPN from a profile or attributes, its keys, routes, rules and unit, and a connection that is watched."),
		resource.Compose[ipsec.Tunnel]("ipsec_tunnel", "A tunnel of strongSwan between the networks of two sites: connection, secret or certificates, rules, routes."),
		resource.Compose[aws.VPN]("aws_vpn", "Both tunnels of an AWS Site-to-Site VPN, from its downloaded configuration: connections, which of them carries, interfaces and BGP where they are routed, firewall."),
		resource.Compose[wireguard.WireGuard]("wireguard", "An interface of WireGuard with its peers: people and other sites, their keys, profiles, routes and rules. Its label is the name of the interface."),
		resource.Compose[gateway.Gateway]("gateway", "Forwarding, filter rules and NAT for networks behind this host."),
		resource.Compose[ssh.Account]("ssh_tunnel_account", "An account that SSH tunnels dial, good for the forwards that it names and for nothing else. Its label is its name."),
		resource.Compose[ssh.Tunnel]("ssh_tunnel", "An SSH tunnel that is kept up and watched: account, key, pinned host key, unit, forwarded ports."),
		resource.Compose[firewall.Firewall]("firewall", "Filter and NAT rules in words, for IPv4 and IPv6."),
	}
}
