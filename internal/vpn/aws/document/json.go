package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// answer is what aws ec2 describe-vpn-connections says, and create-vpn-connection.
type answer struct {
	VpnConnections []described
	VpnConnection  *described
}

type described struct {
	VpnConnectionID              string `json:"VpnConnectionId"`
	State                        string
	CustomerGatewayConfiguration string
	CustomerGatewayID            string `json:"CustomerGatewayId"`
	VpnGatewayID                 string `json:"VpnGatewayId"`
	TransitGatewayID             string `json:"TransitGatewayId"`
	PreSharedKeyArn              string
	Options                      struct {
		EnableAcceleration    bool
		StaticRoutesOnly      *bool
		LocalIpv4NetworkCidr  string
		RemoteIpv4NetworkCidr string
		TunnelOptions         []tunnelOptions
	}
	Routes []struct{ DestinationCidrBlock, State string }
}

type tunnelOptions struct {
	OutsideIPAddress           string `json:"OutsideIpAddress"`
	PreSharedKey               string
	Phase1LifetimeSeconds      int
	Phase2LifetimeSeconds      int
	ReplayWindowSize           int
	StartupAction              string
	Phase1EncryptionAlgorithms []struct{ Value string }
	Phase2EncryptionAlgorithms []struct{ Value string }
	Phase1IntegrityAlgorithms  []struct{ Value string }
	Phase2IntegrityAlgorithms  []struct{ Value string }
	Phase1DHGroupNumbers       []struct{ Value int }
	Phase2DHGroupNumbers       []struct{ Value int }
	IKEVersions                []struct{ Value string } `json:"IkeVersions"`
}

// readJSON reads one connection of an answer, whichever of them are beside it.
func readJSON(text, id string) (*Connection, error) {
	all, err := connections(text)
	if err != nil {
		return nil, err
	}
	d, err := choose(all, id)
	if err != nil {
		return nil, err
	}
	c, err := d.connection()
	var e *Error
	if errors.As(err, &e) {
		e.Where = strings.TrimSuffix(d.VpnConnectionID+", "+e.Where, ", ")
	}
	return c, err
}

// connections reads an answer, and what a --query may have made of it: a list of
// connections, or one.
func connections(text string) ([]described, error) {
	var all []described
	if strings.HasPrefix(text, "[") {
		return all, decode(text, &all)
	}
	var a answer
	if err := decode(text, &a); err != nil {
		return nil, err
	}
	if a.VpnConnection != nil {
		a.VpnConnections = append(a.VpnConnections, *a.VpnConnection)
	}
	if a.VpnConnections == nil {
		var one described
		if err := decode(text, &one); err != nil || one.VpnConnectionID == "" {
			return nil, &Error{What: "the JSON has no VpnConnections", Way: "save what aws ec2 describe-vpn-connections says"}
		}
		return []described{one}, nil
	}
	return a.VpnConnections, nil
}

// decode reads JSON. What the decoder says of what is wrong could quote a key.
func decode(text string, to any) error {
	err := json.Unmarshal([]byte(text), to)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	at := func(offset int64) string {
		return fmt.Sprintf("line %d", 1+bytes.Count([]byte(text)[:min(int(offset), len(text))], []byte("\n")))
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return wrong(at(kind.Offset), kind.Field+" is of another type than Amazon writes it")
	case errors.As(err, &syntax) && int(syntax.Offset) >= len(text):
		return wrong(at(syntax.Offset), "it ends before its objects do, as a download does that broke off")
	case errors.As(err, &syntax):
		return wrong(at(syntax.Offset), "this is no well-formed JSON")
	}
	return wrong("", "this is no JSON that could be read")
}

// gone are the states in which a connection has no configuration.
func (d *described) gone() bool { return d.State == "deleted" || d.State == "deleting" }

// IDs returns the ids of the connections in a document that are not deleted; nil of a
// form in which there is one alone.
func IDs(text string) []string {
	text, err := tidy(text)
	if err != nil || !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil
	}
	all, err := connections(text)
	if err != nil {
		return nil
	}
	return ids(all)
}

func ids(all []described) []string {
	var list []string
	for _, d := range all {
		if !d.gone() && isID.MatchString(d.VpnConnectionID) {
			list = append(list, d.VpnConnectionID)
		}
	}
	return list
}

// choose returns the connection of that id, or without one the only one there is.
func choose(all []described, id string) (*described, error) {
	var left []*described
	for i := range all {
		if d := &all[i]; id == "" && !d.gone() || id != "" && d.VpnConnectionID == id {
			left = append(left, d)
		}
	}
	there := "the JSON has no connection that is not deleted"
	if list := ids(all); len(list) > 0 {
		there = "the JSON has " + strings.Join(list, ", ")
	}
	switch {
	case len(left) == 1 && left[0].gone():
		return nil, &Error{Where: id, What: "it is deleted", Way: "take the block away, or name another connection"}
	case len(left) == 1:
		return left[0], nil
	case id == "" && len(left) > 1:
		return nil, &Error{What: there, Way: "say which of them with connection = \"" + left[0].VpnConnectionID + "\""}
	case len(left) > 1:
		return nil, wrong(id, "it is there more than once")
	case id == "":
		return nil, wrong("", there)
	}
	return nil, &Error{What: there + ", and not " + id, Way: "name one that is there, or download the configuration again"}
}

// connection is the one that the XML tells of, with the options, which go first: the
// XML is not written anew when they are changed.
func (d *described) connection() (*Connection, error) {
	text, err := tidy(d.CustomerGatewayConfiguration)
	if err != nil {
		return nil, wrong("CustomerGatewayConfiguration", "it is missing or empty, or too large: Amazon tells it of a connection that is available, to whoever may read it")
	}
	c, err := readXML(text)
	var e *Error
	if errors.As(err, &e) {
		e.Where = strings.TrimSuffix("CustomerGatewayConfiguration, "+e.Where, ", ")
		return nil, e
	}
	if c.ID != "" && c.ID != d.VpnConnectionID {
		return nil, wrong("CustomerGatewayConfiguration", "it is of another connection than VpnConnectionId")
	}
	c.ID, c.Accelerated = d.VpnConnectionID, d.Options.EnableAcceleration
	if c.Gateway == "" {
		c.Gateway = d.VpnGatewayID + d.TransitGatewayID
	}
	if d.Options.StaticRoutesOnly != nil && *d.Options.StaticRoutesOnly != c.Static {
		return nil, wrong("Options.StaticRoutesOnly", "it says otherwise than CustomerGatewayConfiguration")
	}
	if err := d.networks(c); err != nil {
		return nil, err
	}
	return c, d.options(c)
}

// networks reads the routes and selectors of a connection.
func (d *described) networks(c *Connection) error {
	for _, sel := range []struct {
		name, text string
		to         *netip.Prefix
	}{{"Options.LocalIpv4NetworkCidr", d.Options.LocalIpv4NetworkCidr, &c.Local}, {"Options.RemoteIpv4NetworkCidr", d.Options.RemoteIpv4NetworkCidr, &c.Remote}} {
		p, err := netip.ParsePrefix(sel.text)
		switch {
		case sel.text == "":
		case err != nil:
			return wrong(sel.name, "it is no network")
		case p.Bits() > 0:
			*sel.to = p.Masked()
		}
	}
	for i, r := range d.Routes {
		p, err := netip.ParsePrefix(r.DestinationCidrBlock)
		switch {
		case r.State == "deleted" || r.State == "deleting":
		case err != nil:
			return wrong(fmt.Sprintf("Routes[%d].DestinationCidrBlock", i), "it is no network")
		default:
			c.Routes = append(c.Routes, p.Masked())
		}
	}
	return nil
}

// options reads the options of each tunnel. Without any, it is the XML that counts.
func (d *described) options(c *Connection) error {
	if len(d.Options.TunnelOptions) == 0 {
		return d.keptElsewhere(c)
	}
	for i := range c.Tunnels {
		t := &c.Tunnels[i]
		at := slices.IndexFunc(d.Options.TunnelOptions, func(o tunnelOptions) bool { return o.OutsideIPAddress == t.Outside.String() })
		if at < 0 {
			return wrong("Options.TunnelOptions", "none has the OutsideIpAddress "+t.Outside.String()+", as CustomerGatewayConfiguration has it")
		}
		if err := d.Options.TunnelOptions[at].read(t, fmt.Sprintf("Options.TunnelOptions[%d].", at)); err != nil {
			return err
		}
	}
	return d.keptElsewhere(c)
}

// keptElsewhere names the secret of Secrets Manager for tunnels without a key.
func (d *described) keptElsewhere(c *Connection) error {
	for i := range c.Tunnels {
		if t := &c.Tunnels[i]; t.PSK == nil && d.PreSharedKeyArn != "" {
			t.KeyARN = d.PreSharedKeyArn
		}
	}
	return nil
}

func (o *tunnelOptions) read(t *Tunnel, where string) error {
	if o.PreSharedKey != "" {
		if err := keyed(t, where+"PreSharedKey", o.PreSharedKey); err != nil {
			return err
		}
	}
	options := &Options{ReplayWindow: o.ReplayWindowSize, Starts: o.StartupAction == "start"}
	if n := o.ReplayWindowSize; n < 0 || n > 4096 {
		return wrong(where+"ReplayWindowSize", "it is not 64 to 2048")
	}
	for _, life := range []struct {
		name    string
		seconds int
		to      *time.Duration
	}{{"Phase1LifetimeSeconds", o.Phase1LifetimeSeconds, &t.IKELifetime}, {"Phase2LifetimeSeconds", o.Phase2LifetimeSeconds, &t.ESPLifetime}} {
		switch {
		case life.seconds < 0 || life.seconds > 24*60*60:
			return wrong(where+life.name, "it is not a day at most")
		case life.seconds > 0:
			*life.to = time.Duration(life.seconds) * time.Second
		}
	}
	for _, list := range []struct {
		name string
		of   []struct{ Value string }
		to   *[]string
		ours func(string) bool
	}{
		{"Phase1EncryptionAlgorithms", o.Phase1EncryptionAlgorithms, &options.IKE.Encryption, isEncryption},
		{"Phase2EncryptionAlgorithms", o.Phase2EncryptionAlgorithms, &options.ESP.Encryption, isEncryption},
		{"Phase1IntegrityAlgorithms", o.Phase1IntegrityAlgorithms, &options.IKE.Integrity, isIntegrity},
		{"Phase2IntegrityAlgorithms", o.Phase2IntegrityAlgorithms, &options.ESP.Integrity, isIntegrity},
	} {
		for _, v := range list.of {
			if list.ours(v.Value) { // what is newer than this program is not chosen
				*list.to = append(*list.to, v.Value)
			}
		}
		if len(list.of) > 0 && len(*list.to) == 0 {
			return unknown(where + list.name)
		}
	}
	for _, list := range []struct {
		name string
		of   []struct{ Value int }
		to   *[]int
	}{{"Phase1DHGroupNumbers", o.Phase1DHGroupNumbers, &options.IKE.Groups}, {"Phase2DHGroupNumbers", o.Phase2DHGroupNumbers, &options.ESP.Groups}} {
		for _, v := range list.of {
			if isGroup(v.Value) {
				*list.to = append(*list.to, v.Value)
			}
		}
		if len(list.of) > 0 && len(*list.to) == 0 {
			return unknown(where + list.name)
		}
	}
	for _, v := range o.IKEVersions {
		if n, ok := map[string]int{"ikev1": 1, "ikev2": 2}[strings.ToLower(v.Value)]; ok {
			options.Versions = append(options.Versions, n)
		}
	}
	if len(o.IKEVersions) > 0 && len(options.Versions) == 0 {
		return unknown(where + "IkeVersions")
	}
	t.Options = options
	return nil
}

func unknown(where string) *Error {
	return &Error{Where: where, What: "it has nothing that vpnd knows", Way: "add one of the values of Amazon's documentation, by aws ec2 modify-vpn-tunnel-options"}
}
