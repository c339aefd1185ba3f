package ipsec

import (
	"time"

	"vpnd/internal/resource"
)

const minute = resource.Duration(time.Minute)

func (t *Tunnel) checkVersion(c *check) {
	aggressive := resource.Or(t.Aggressive, false)
	switch version := resource.Or(t.Version, 2); {
	case version != 1 && version != 2:
		c.Add("version", "write 2, or leave it out", "there is no version %d of IKE", version)
	case version == 1:
		c.Warn("version", "leave it out unless the peer has no other", "version 1 of IKE was given up by its makers in 2023 (RFC 9395)")
	case aggressive:
		c.Add("aggressive", "leave it out", "only version 1 of IKE has an aggressive mode")
	}
	if aggressive && t.Certificate == nil {
		c.Warn("aggressive", "leave it out, and give both sides an address or a certificate", "in aggressive mode everybody who asks gets a hash to guess the secret by")
	}
	c.oneOf("fragmentation", t.Fragmentation, "yes", "accept", "force", "no")
}

// checkDeath checks how a tunnel begins and ends.
func (t *Tunnel) checkDeath(c *check) {
	c.oneOf("start", t.Start, starts...)
	c.oneOf("close", t.Close, "none", "trap", "start")
	c.oneOf("dpd_action", t.DPDAction, "clear", "trap", "restart")
	if t.answers() {
		t.checkWaiting(c)
	}
	if resource.Or(t.Close, "none") == "start" {
		c.Warn("close", "write trap, and start = \"trap|start\"; or see that the other side has none", "where both sides start what the other one closes, they make SAs without end")
	}
	if t.DPDAction != nil && !t.asks() {
		c.Add("dpd_action", "give dpd_delay a time, or leave dpd_action out", "nobody finds out that the peer is dead")
	}
	if t.DPDTimeout != nil && resource.Or(t.Version, 2) != 1 {
		c.Add("dpd_timeout", "leave it out; in version 2 of IKE, retransmission settings of charon count", "dpd_timeout counts in version 1 of IKE alone")
	}
	if t.DPDTimeout != nil && !t.asks() {
		c.Add("dpd_timeout", "give dpd_delay a time, or leave dpd_timeout out", "nobody asks the peer anything that it could leave unanswered")
	}
}

// checkWaiting checks a tunnel that only the peer can start.
func (t *Tunnel) checkWaiting(c *check) {
	for _, given := range []attribute{{"start", t.Start}, {"close", t.Close}, {"dpd_action", t.DPDAction}} {
		if w := resource.Or(given.word, "none"); w != "none" && w != "clear" {
			c.Add(given.path, "leave it out, or write the peer's address", "a peer whose address is not known can't be called")
		}
	}
	for _, child := range t.Children {
		if w := resource.Or(child.Start, "none"); w != "none" {
			c.Add("child."+child.Name+".start", "leave it out, or write the peer's address", "a peer whose address is not known can't be called")
		}
	}
}

// A period is a time that the block gives, nil where it is left out.
type period struct {
	path   string
	length *resource.Duration
}

func (t *Tunnel) checkTimes(c *check) {
	for _, given := range []period{{"ike_rekey_time", t.IKERekeyTime}, {"rekey_time", t.RekeyTime}} {
		if d := given.length; d != nil && *d < minute {
			c.Add(given.path, "write 4h for IKE and 1h for ESP, for example", "%s is less than it takes to agree on new keys", d)
		}
	}
	if d := t.ReauthTime; d != nil && *d > 0 && *d < minute {
		c.Add("reauth_time", "write 0s for never", "%s is less than it takes to prove who one is", d)
	}
	if d := t.DPDDelay; d != nil && *d < 0 {
		c.Add("dpd_delay", "write 0s for never", "%s is in the past", d)
	}
	if w := t.ReplayWindow; w != nil && (*w < 0 || *w > 4096) {
		c.Add("replay_window", "write 32 to 4096", "a window of %d packets can't be had", *w)
	} else if w != nil && *w == 0 {
		c.Warn("replay_window", "write 32 to 4096", "without a window, packets that were recorded can be sent again")
	}
	if m := t.PathMTU; m != nil && (*m < 576 || *m > 9000) {
		c.Add("path_mtu", "write what the way takes, 1500 or 1492 for example", "%d bytes is no largest packet of a way through the internet", *m)
	}
	if m := t.Metric; m != nil && (*m < 1 || *m > 1<<31) {
		c.Add("metric", "the lower wins; write 100, for example", "a metric of %d is out of range", *m)
	}
}
