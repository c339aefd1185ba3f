package aws

import (
	"context"
	"time"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

// addConnection comes behind all that makes a tunnel: loading it may start it.
func (e *expansion) addConnection(t tunnel) error {
	want, err := e.connection(t)
	if err != nil {
		return err
	}
	after := append([]resource.ID{service}, e.chains...)
	if e.mode() == route {
		after = append(after, id(kindInterface, t.name))
	}
	r := e.add(id(kindConnection, t.name), want, after...)
	if e.LocalAddress != nil {
		addr := *e.LocalAddress
		r.Requires = append(r.Requires, resource.Requirement{
			Path: "local_address",
			Met:  func(_ context.Context, plan resource.Prospect) *resource.Mistake { return link.Local(addr, plan) },
		})
	}
	return nil
}

// connection is a tunnel as strongSwan shall have it, with the values that Amazon's
// guide to customer gateways recommends. Each side would have its SAs live as long as the
// other; this one makes new ones at nine tenths of that.
func (e *expansion) connection(t tunnel) (*ipsec.Connection, error) {
	ike, err := canonical(proposal.IKE, t.ike)
	if err != nil {
		return nil, err
	}
	ikeRekey, ikeOver := lives(t.IKELifetime)
	c := &ipsec.Connection{
		Version: resource.Ptr(version(&t.Tunnel)), Proposals: ike,
		RemoteAddrs: []string{t.Outside.String()},
		Encap:       resource.Ptr(e.c.Accelerated),
		MOBIKE:      resource.Ptr(false),
		Fragment:    resource.Ptr("yes"),
		Unique:      resource.Ptr("never"),
		DPDDelay:    resource.Ptr(dpd(t)),
		KeyingTries: resource.Ptr(0),
		RekeyTime:   ikeRekey, OverTime: ikeOver, ReauthTime: resource.Ptr(resource.Duration(0)),
	}
	local, remote := e.identities(e.c, t)
	c.Local, c.Remote = e.credentials(e.name).Local(local), e.credentials(e.name).Remote(remote)
	if e.Certificate == nil {
		c.PSK = t.PSK
	}
	if version(&t.Tunnel) == 1 {
		c.DPDTimeout = resource.Ptr(3 * dpd(t))
	}
	if e.LocalAddress != nil {
		c.LocalAddrs = []string{e.LocalAddress.String()}
	}
	child, err := e.child(t)
	c.Children = []ipsec.Child{child}
	return c, err
}

// child is the one pair of SAs that a tunnel may have. With policies the failover begins
// and ends it, so that one tunnel at a time carries; that of the preferred one is a trap,
// so that traffic brings it up where no agent runs. Else it is up whatever comes, and
// begun anew where Amazon closed it, unless Amazon does that itself.
func (e *expansion) child(t tunnel) (ipsec.Child, error) {
	esp, err := canonical(proposal.ESP, t.esp)
	rekey, _ := lives(t.ESPLifetime)
	local, remote := e.selectors(e.c)
	child := ipsec.Child{
		Name: t.name, Mode: resource.Ptr("tunnel"), LocalTS: local, RemoteTS: remote, Proposals: esp,
		StartAction: resource.Ptr("none"), DPDAction: resource.Ptr("clear"), CloseAction: resource.Ptr("none"),
		RekeyTime: rekey, LifeTime: resource.Ptr(resource.Duration(t.ESPLifetime)),
		ReplayWindow: resource.Ptr(replay(t)), CopyDF: resource.Ptr(false),
	}
	switch {
	case e.mode() == policy && t.name == e.ordered(e.both)[0].name:
		child.StartAction = resource.Ptr("trap")
	case e.mode() == route:
		child.StartAction, child.DPDAction, child.IfID = resource.Ptr("start"), resource.Ptr("restart"), resource.Ptr(t.ifID)
		if t.Options == nil || !t.Options.Starts {
			child.CloseAction = resource.Ptr("start")
		}
	}
	return child, err
}

func canonical(use proposal.Use, texts []string) ([]string, error) {
	var all []string
	for _, text := range texts {
		p, err := proposal.Parse(use, text)
		if err != nil {
			return nil, err
		}
		all = append(all, p.String())
	}
	return all, nil
}

// lives returns when new keys are made of a lifetime, and what is left of it then.
func lives(d time.Duration) (rekey, over *resource.Duration) {
	at := (d * 9 / 10).Truncate(time.Second)
	return resource.Ptr(resource.Duration(at)), resource.Ptr(resource.Duration(d - at))
}

func dpd(t tunnel) resource.Duration {
	if t.DPDInterval > 0 {
		return resource.Duration(t.DPDInterval)
	}
	return resource.Duration(10 * time.Second)
}

func replay(t tunnel) int {
	if t.Options != nil && t.Options.ReplayWindow > 0 {
		return t.Options.ReplayWindow
	}
	return 1024
}
