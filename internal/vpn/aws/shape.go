package aws

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/credentials"
)

// VPN is both tunnels of an AWS Site-to-Site VPN connection.
type VPN struct {
	Configuration  *resource.Document `vpnd:"configuration,required" doc:"the configuration as downloaded: the XML, what aws ec2 describe-vpn-connections says (which knows most), or the Generic text"`
	Connection     *string            `vpnd:"connection" doc:"id of the VPN connection, as in vpn-0a1b2c3d4e5f60718; needed where the document has several"`
	Uplink         *string            `vpnd:"uplink,required" doc:"the interface to the internet, by which both tunnels come in"`
	LocalAddress   *netip.Addr        `vpnd:"local_address" doc:"the address of this host that it binds to; left out, the one that the route to Amazon has. Behind NAT it is the private one: who this side is, the document says"`
	LocalNetworks  []netip.Prefix     `vpnd:"local_networks,required" doc:"the networks on this side"`
	RemoteNetworks []netip.Prefix     `vpnd:"remote_networks" doc:"those of the VPC, or what may be learned of them by BGP, as in [\"172.31.0.0/16\"]; no document says them, unless the connection is made for one"`

	Prefer *netip.Addr        `vpnd:"prefer" doc:"outside address of the tunnel that is used while both are well; left out, the first one by address"`
	Probe  *netip.Addr        `vpnd:"probe" doc:"an address in the VPC that answers pings: it proves a tunnel, and keeps it up; left out, what strongSwan knows of the peer has to do"`
	Settle *resource.Duration `vpnd:"settle" doc:"how long a tunnel that failed has to be well before traffic goes back to it" default:"60s"`
	Mode   *string            `vpnd:"mode" doc:"policy, where one tunnel at a time has what goes through; or route, where each has an interface, and a route or BGP decides" default:"policy"`
	IfID   *int               `vpnd:"if_id" doc:"in mode route, number of the interface of the first tunnel; the second has the next one; left out, one is made of the name"`
	Metric *int               `vpnd:"metric" doc:"in mode route, of the routes by the tunnel that is used; those by the other one have the next" default:"100"`

	Certificate *credentials.Pair `vpnd:"certificate,exports" doc:"this side's certificate and key, where the customer gateway has a certificate, as in { certificate = \"/etc/ssl/cgw.pem\", key = \"/etc/ssl/cgw.key\" }; the keys of the document are not used then"`
	ID          *string           `vpnd:"id" doc:"who this side is, where it has a certificate; left out, its subject"`
	CA          *string           `vpnd:"ca" doc:"absolute path of the CA that Amazon's certificates must come from"`
	CRL         *string           `vpnd:"crl" doc:"absolute path of the revocation list of that CA"`
	Revocation  *string           `vpnd:"revocation" doc:"how revocation is judged: relaxed, ifuri or strict, which lets nobody in where no list is at hand" default:"relaxed"`

	Tunnels []Tunnel `vpnd:"tunnel,block" doc:"what one tunnel shall have instead of what the document says"`
	BGP     *BGP     `vpnd:"bgp,block" doc:"in mode route, of a connection that is routed by BGP: how FRRouting speaks it"`

	PathMTU   *int     `vpnd:"path_mtu" doc:"largest packet on the way to Amazon, in bytes; 1492 behind PPPoE" default:"1500"`
	MSSClamp  *bool    `vpnd:"mss_clamp" doc:"fit the segments of TCP to the tunnel" default:"true"`
	NATExempt *bool    `vpnd:"nat_exempt" doc:"translate no address of what goes through, whatever a gateway block does" default:"true"`
	Firewall  *bool    `vpnd:"firewall" doc:"let in what makes the tunnels, and through what goes by them" default:"true"`
	Guard     *bool    `vpnd:"guard" doc:"drop what the networks send each other in clear" default:"true"`
	Packages  []string `vpnd:"packages" doc:"packages of strongSwan with charon-systemd; [\"strongswan\"] on Fedora and its kin, [] for none" default:"[\"charon-systemd\", \"libstrongswan-standard-plugins\"]"`

	reading *reading
}

// Tunnel overrides what the document says of one tunnel.
type Tunnel struct {
	Outside string           `vpnd:"outside,label" doc:"Amazon's outside address of the tunnel"`
	PSK     *resource.Secret `vpnd:"psk" doc:"the pre-shared key, where it is kept apart from the document, as in credential(\"vpc-1\")"`
	ID      *string          `vpnd:"id" doc:"who Amazon's side of it is, as its certificate says; left out, anybody with a certificate of the CA"`
	IKE     []string         `vpnd:"ike" doc:"proposals of IKE, the best one first; left out, the strongest that the tunnel takes, as far as the document says"`
	ESP     []string         `vpnd:"esp" doc:"the same of ESP"`
}

// BGP is how routes are learned from Amazon and announced to it.
type BGP struct {
	Configure *bool              `vpnd:"configure" doc:"write /etc/frr/frr.conf and /etc/frr/daemons, which is refused where somebody else has a configuration there; with false it is exported as frr, for that one" default:"true"`
	Announce  []netip.Prefix     `vpnd:"announce" doc:"networks that are announced; left out, local_networks"`
	HoldTime  *resource.Duration `vpnd:"hold_time" doc:"time of silence after which a tunnel is taken for dead; left out, what the document says"`
	Packages  []string           `vpnd:"packages" doc:"packages of FRRouting; [] for none" default:"[\"frr\", \"frr-pythontools\"]"`
}

// Modes.
const (
	policy = "policy"
	route  = "route"
)

// reading is a document that was read, once for all that is asked of it.
type reading struct {
	connection *document.Connection
	err        error
}

// read reads the document.
func (v *VPN) read() (*document.Connection, error) {
	if v.reading == nil {
		c, err := document.Read(v.Configuration.Reveal(), resource.Or(v.Connection, ""))
		v.reading = &reading{c, err}
	}
	return v.reading.connection, v.reading.err
}
