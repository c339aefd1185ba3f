// Package document reads what Amazon hands out about a Site-to-Site VPN connection, in
// its three forms: the XML (CustomerGatewayConfiguration), the whole answer of
// aws ec2 describe-vpn-connections as JSON, and the Generic text of the console.
//
// All three hold pre-shared keys. No error of this package quotes a value: it names the
// element and the way out. What is read is bounded in size, in depth and in the
// number of its elements before anything is made of it, and an XML document type,
// with which entities come, is refused.
//
// What the forms know differs. The lists of the algorithms that a tunnel takes, its
// IKE versions and its replay window stand in the JSON alone ([Tunnel.Options]). The
// other two show one algorithm of each sort, the least that Amazon takes by default,
// and go on to show it when the lists are changed.
package document

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Largest is how many bytes a document may have. A connection takes about 12 KiB as
// JSON, so that this is some hundreds of them.
const Largest = 4 << 20

// A Connection is a Site-to-Site VPN connection as the customer's side has to know it.
type Connection struct {
	ID              string // vpn-…, empty where the document does not say
	CustomerGateway string // cgw-…
	Gateway         string // vgw-…, tgw-…; empty for a transit gateway in XML

	Static      bool       // routed by static routes, and not by BGP
	Accelerated bool       // reached by way of Global Accelerator, which wants NAT traversal
	Outside     netip.Addr // the customer gateway's, as Amazon sees it

	Routes []netip.Prefix // static routes, to the customer's side; JSON alone
	Local  netip.Prefix   // what Amazon takes as traffic selector of the customer's side; JSON alone, invalid where it takes any
	Remote netip.Prefix   // the same of its own side

	Tunnels [2]Tunnel // by Amazon's outside address
}

// A Tunnel is one of the two tunnels of a connection.
type Tunnel struct {
	Outside     netip.Addr   // Amazon's
	Inside      netip.Prefix // the customer's address in the tunnel
	PeerInside  netip.Prefix // Amazon's
	Inside6     netip.Prefix // the same of IPv6, invalid where there is none
	PeerInside6 netip.Prefix

	ASN, PeerASN uint32 // of BGP, 0 where routing is static
	HoldTime     time.Duration

	PSK         *resource.Secret // nil where the document holds none
	KeyARN      string           // where it is kept instead, in Secrets Manager
	Certificate bool             // the document says that certificates are used

	Sample  Sample   // one algorithm of each sort
	Options *Options // what the tunnel takes; nil in XML and text

	IKELifetime, ESPLifetime time.Duration
	DPDInterval              time.Duration // 0 where it is not said
}

// A Sample is the algorithms that the XML and the text show, in Amazon's words for
// the options of a tunnel: AES128, SHA1 …
type Sample struct{ IKE, ESP Suite }

// A Suite is a set of algorithms by which one SA is made.
type Suite struct {
	Encryption string // AES128, AES256, AES128-GCM-16, AES256-GCM-16
	Integrity  string // SHA1, SHA2-256, SHA2-384, SHA2-512
	Group      int    // of Diffie-Hellman, by its number in IKE
}

// Options are what a tunnel takes of each sort. An empty list is all that Amazon has.
type Options struct {
	IKE, ESP     Choice
	Versions     []int // of IKE
	ReplayWindow int   // packets, 0 where it is not said
	Starts       bool  // Amazon starts the tunnel by itself, and anew when it was closed
}

// A Choice is what may be chosen for one SA.
type Choice struct {
	Encryption, Integrity []string
	Groups                []int
}

// An Error is what is wrong with a document.
type Error struct {
	Where string // the element or line
	What  string
	Way   string // the way out
}

// Error says all of it, in one sentence.
func (e *Error) Error() string {
	if e.Where == "" {
		return e.What + "; " + e.Way
	}
	return e.Where + ": " + e.What + "; " + e.Way
}

const again = "download the configuration again, as it is, and give that"

func wrong(where, what string) *Error { return &Error{Where: where, What: what, Way: again} }

// Read reads the connection of that id out of a document; without an id there must be
// only one in it. The error is an [*Error].
func Read(text, id string) (*Connection, error) {
	text, err := tidy(text)
	if err != nil {
		return nil, err
	}
	var c *Connection
	switch {
	case strings.HasPrefix(text, "<"):
		c, err = readXML(text)
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return readJSON(text, id)
	case strings.Contains(text, tunnelHeading):
		c, err = readText(text)
	default:
		return nil, &Error{What: "it is neither the XML nor the JSON nor the Generic text of a Site-to-Site VPN connection", Way: "download it with vendor and platform Generic, or save what aws ec2 describe-vpn-connections says"}
	}
	if err == nil && id != "" && c.ID != id {
		return nil, &Error{What: fmt.Sprintf("it is of another connection than %s", id), Way: "leave connection out, or give the file of that connection"}
	}
	return c, err
}

// tidy refuses what is no document, and takes off what may stand around one.
func tidy(text string) (string, error) {
	if len(text) > Largest {
		return "", &Error{What: fmt.Sprintf("it is larger than %d MiB", Largest>>20), Way: "ask for one connection: aws ec2 describe-vpn-connections --vpn-connection-ids …"}
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\uFEFF"))
	switch {
	case text == "":
		return "", wrong("", "it is empty")
	case strings.HasPrefix(text, "\xFF\xFE"), strings.HasPrefix(text, "\xFE\xFF"):
		return "", &Error{What: "it is in UTF-16, as PowerShell writes what is sent to a file", Way: "write it in UTF-8, as with | Out-File -Encoding utf8, or iconv -f UTF-16 -t UTF-8"}
	}
	return text, nil
}

// complete checks what no form may lack, and brings the tunnels in their order, which
// is that of Amazon's outside addresses: the order in a document is not stable.
func complete(c *Connection) (*Connection, error) {
	if c.ID != "" && !isID.MatchString(c.ID) {
		return nil, wrong("the id of the VPN connection", "it is no id of Amazon")
	}
	resource.Sort(c.Tunnels[:], func(a, b Tunnel) int { return a.Outside.Compare(b.Outside) })
	a, b := c.Tunnels[0], c.Tunnels[1]
	switch {
	case a.Outside == b.Outside:
		return nil, wrong("the outside addresses of the two tunnels", "both are "+a.Outside.String())
	case a.Inside.Overlaps(b.Inside):
		return nil, wrong("the inside networks of the two tunnels", fmt.Sprintf("%s and %s overlap", a.Inside.Masked(), b.Inside.Masked()))
	case a.ASN != b.ASN:
		return nil, wrong("the ASN of the customer gateway", fmt.Sprintf("it is %d in one tunnel and %d in the other", a.ASN, b.ASN))
	case !c.Static && (a.ASN == 0 || b.ASN == 0 || a.PeerASN == 0 || b.PeerASN == 0):
		return nil, wrong("the ASN of BGP", "a side of a tunnel has none, and routing is not static either")
	}
	return c, nil
}

var isID = regexp.MustCompile(`^vpn-[0-9a-z]{1,40}$`)

// keyed checks the pre-shared key of a tunnel, where it has one: see the options of a
// tunnel in Amazon's documentation.
func keyed(t *Tunnel, where, key string) error {
	switch {
	case key == "":
	case strings.HasPrefix(key, "arn:"):
		t.KeyARN = key
	case !IsKey(key):
		return wrong(where, "it is not 8 to 64 letters, digits, dots and underscores")
	default:
		t.PSK = resource.NewSecret(key)
	}
	return nil
}

// IsKey says whether a text can be a pre-shared key of Amazon's.
func IsKey(text string) bool { return isKey.MatchString(text) }

var isKey = regexp.MustCompile(`^[A-Za-z0-9._]{8,64}$`)
