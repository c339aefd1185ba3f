package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
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
	case len(left) > 0 && !isID.MatchString(left[0].VpnConnectionID):
		return nil, wrong("VpnConnectionId", "it is no id of Amazon")
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
