package document

import (
	"fmt"
	"slices"
	"time"
)

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

// options reads the options of each tunnel. Without any, it is the XML that counts.
func (d *described) options(c *Connection) error {
	if len(d.Options.TunnelOptions) == 0 {
		d.keptElsewhere(c)
		return nil
	}
	for i := range c.Tunnels {
		t := &c.Tunnels[i]
		its := func(o tunnelOptions) bool { return o.OutsideIPAddress == t.Outside.String() }
		at := slices.IndexFunc(d.Options.TunnelOptions, its)
		if at < 0 {
			return wrong("Options.TunnelOptions", "none has the OutsideIpAddress "+t.Outside.String()+", as CustomerGatewayConfiguration has it")
		}
		if slices.ContainsFunc(d.Options.TunnelOptions[at+1:], its) {
			return wrong("Options.TunnelOptions", "more than one has the OutsideIpAddress "+t.Outside.String())
		}
		if err := d.Options.TunnelOptions[at].read(t, fmt.Sprintf("Options.TunnelOptions[%d].", at)); err != nil {
			return err
		}
	}
	d.keptElsewhere(c)
	return nil
}

// keptElsewhere names the secret of Secrets Manager for tunnels without a key.
func (d *described) keptElsewhere(c *Connection) {
	for i := range c.Tunnels {
		if t := &c.Tunnels[i]; t.PSK == nil && d.PreSharedKeyArn != "" {
			t.KeyARN = d.PreSharedKeyArn
		}
	}
}

// read takes what a tunnel says of itself, which goes before what the XML says.
func (o *tunnelOptions) read(t *Tunnel, where string) error {
	if o.PreSharedKey != "" {
		if err := keyed(t, where+"PreSharedKey", o.PreSharedKey); err != nil {
			return err
		}
	}
	for _, life := range []struct {
		name    string
		seconds int
		to      *time.Duration
	}{{"Phase1LifetimeSeconds", o.Phase1LifetimeSeconds, &t.IKELifetime}, {"Phase2LifetimeSeconds", o.Phase2LifetimeSeconds, &t.ESPLifetime}} {
		switch {
		case life.seconds == 0:
		case life.seconds < int(shortestLife/time.Second) || life.seconds > 24*60*60:
			return wrong(where+life.name, "it is not 900 seconds at least and a day at most")
		default:
			*life.to = time.Duration(life.seconds) * time.Second
		}
	}
	if n := o.ReplayWindowSize; n != 0 && (n < 64 || n > 2048) {
		return wrong(where+"ReplayWindowSize", "it is not 64 to 2048")
	}
	var err error
	t.Options, err = o.choices(where)
	return err
}

// choices are the lists of what the tunnel takes.
func (o *tunnelOptions) choices(where string) (*Options, error) {
	c := &Options{ReplayWindow: o.ReplayWindowSize, Starts: o.StartupAction == "start"}
	for _, err := range []error{
		pick(where+"Phase1EncryptionAlgorithms", o.Phase1EncryptionAlgorithms, isEncryption, &c.IKE.Encryption),
		pick(where+"Phase2EncryptionAlgorithms", o.Phase2EncryptionAlgorithms, isEncryption, &c.ESP.Encryption),
		pick(where+"Phase1IntegrityAlgorithms", o.Phase1IntegrityAlgorithms, isIntegrity, &c.IKE.Integrity),
		pick(where+"Phase2IntegrityAlgorithms", o.Phase2IntegrityAlgorithms, isIntegrity, &c.ESP.Integrity),
		pick(where+"Phase1DHGroupNumbers", o.Phase1DHGroupNumbers, isGroup, &c.IKE.Groups),
		pick(where+"Phase2DHGroupNumbers", o.Phase2DHGroupNumbers, isGroup, &c.ESP.Groups),
		pick(where+"IkeVersions", o.IKEVersions, isVersion, &c.Versions),
	} {
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// pick takes what is known of a list. What is newer than this program is not chosen, but
// a list of nothing else is an error: an empty one would stand for all.
func pick[V any, T any](where string, of []struct{ Value V }, known func(V) (T, bool), to *[]T) error {
	for _, v := range of {
		if k, ok := known(v.Value); ok {
			*to = append(*to, k)
		}
	}
	if len(of) > 0 && len(*to) == 0 {
		return &Error{Where: where, What: "it has nothing that vpnd knows", Way: "add one of the values of Amazon's documentation, by aws ec2 modify-vpn-tunnel-options"}
	}
	return nil
}
