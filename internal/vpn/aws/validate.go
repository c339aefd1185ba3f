package aws

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/walls"
	"vpnd/internal/vpn/mistakes"
)

var (
	isName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)
)

// maxName keeps NAME-1 within the 15 bytes of an interface, and VPND-IPSEC-NAME-O within
// those of a chain.
const maxName = min(15-len("-1"), walls.MaxName)

type check struct{ mistakes.Check }

// Validate returns everything that is wrong with the block and with what it names.
func (v *VPN) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > maxName {
		c.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them", maxName),
			"%q can't be part of the name of a chain and of an interface", name)
	}
	if uplink := resource.Or(v.Uplink, "eth0"); !isDevice.MatchString(uplink) {
		c.Add("uplink", "write it as ip(8) lists it, for example eth0", "%q is no name of an interface", uplink)
	}
	if v.mode() != policy && v.mode() != route {
		c.Add("mode", `write "policy" or "route"`, "there is no mode %q", v.mode())
	}
	v.checkNumbers(c)
	written := len(c.Found)
	c.networks("local_networks", v.LocalNetworks)
	c.networks("remote_networks", v.RemoteNetworks)
	sound := len(c.Found) == written
	if v.Configuration == nil {
		return c.Found // which was told
	}
	d, err := v.read()
	var wrong *document.Error
	if errors.As(err, &wrong) {
		path := "configuration"
		if strings.Contains(wrong.Way, "connection = ") || v.Connection != nil && strings.Contains(wrong.What, *v.Connection) {
			path = "connection"
		}
		c.Add(path, wrong.Way, "%s", strings.TrimSuffix(wrong.Error(), "; "+wrong.Way))
		return c.Found
	}
	v.checkRouting(c, d)
	if sound {
		v.checkNetworks(c, d)
	}
	v.checkTunnels(c, d)
	both := v.tunnels(name, d)
	if v.checkCertificate(c, both) {
		v.checkKeys(c, both)
	}
	v.checkStrength(c, d, both)
	v.checkStart(c, d, both)
	return c.Found
}

func (v *VPN) checkNumbers(c *check) {
	if s := v.Settle; s != nil && *s < resource.Duration(time.Second) {
		c.Add("settle", "write at least 1s; a minute is good", "traffic that goes back at once goes back and forth")
	}
	if n := v.IfID; n != nil && (*n < 1 || *n > 1<<31-2) {
		c.Add("if_id", "write a number from 1 on, or leave it out", "%d is no number of an interface", *n)
	}
	if n := v.Metric; n != nil && (*n < 1 || *n > 1<<31-2) {
		c.Add("metric", "the lower wins; write 100, for example", "a metric of %d is out of range", *n)
	}
	if n := v.PathMTU; n != nil && (*n < 1280 || *n > 9000) {
		c.Add("path_mtu", "write what the way takes, 1500 or 1492 for example", "%d bytes is no largest packet of a way through the internet", *n)
	}
	if v.mode() == policy {
		for _, given := range []struct {
			path  string
			there bool
		}{{"if_id", v.IfID != nil}, {"metric", v.Metric != nil && *v.Metric != 100}} {
			if given.there {
				c.Add(given.path, `write mode = "route", or leave it out`, "with policies there are no interfaces and no routes")
			}
		}
	}
}

// checkStart warns where Amazon begins tunnels that are to wait: with policies one carries
// alone, and what is ended here it begins anew.
func (v *VPN) checkStart(c *check, d *document.Connection, both [2]tunnel) {
	starts := slices.DeleteFunc(both[:], func(t tunnel) bool { return t.Options == nil || !t.Options.Starts })
	if v.mode() == policy && len(starts) > 0 {
		c.Warn("configuration", fmt.Sprintf("set StartupAction=add there, by aws ec2 modify-vpn-tunnel-options --vpn-connection-id %s --vpn-tunnel-outside-ip-address %s --tunnel-options StartupAction=add; or write mode = \"route\", with which both are up", d.ID, starts[0].Outside),
			"Amazon begins %s by itself (StartupAction), and with policies one alone shall carry: what is ended here comes back", called(starts))
	}
}

// checkTunnels wants what is said of a tunnel to be about one of the two.
func (v *VPN) checkTunnels(c *check, d *document.Connection) {
	outside := []netip.Addr{d.Tunnels[0].Outside, d.Tunnels[1].Outside}
	there := fmt.Sprintf("write %s or %s", outside[0], outside[1])
	if v.Prefer != nil && !slices.Contains(outside, *v.Prefer) {
		c.Add("prefer", there, "%s is the outside address of neither tunnel", *v.Prefer)
	}
	if v.LocalAddress != nil && v.LocalAddress.Is6() != outside[0].Is6() {
		c.Add("local_address", "write an address of the family of "+outside[0].String(), "%s is of another family than Amazon's outside addresses", *v.LocalAddress)
	}
	if p := v.Probe; p != nil && v.remotes(d) != nil && !slices.ContainsFunc(v.remotes(d), func(n netip.Prefix) bool { return n.Contains(*p) }) {
		c.Add("probe", "write the address of a host there", "%s is in none of the networks of Amazon's side, so that no tunnel leads to it", *p)
	}
	for _, t := range v.Tunnels {
		path := "tunnel." + t.Outside
		if a, err := netip.ParseAddr(t.Outside); err != nil || !slices.Contains(outside, a) {
			c.Add(path, there, "%q is the outside address of neither tunnel", t.Outside)
		}
		c.proposals(path+".ike", proposal.IKE, t.IKE)
		c.proposals(path+".esp", proposal.ESP, t.ESP)
		if t.PSK != nil && !document.IsKey(t.PSK.Reveal()) {
			c.Add(path+".psk", "give it as Amazon has it, without the end of the line: trimspace(…)", "it is not 8 to 64 letters, digits, dots and underscores, which Amazon's keys are")
		}
	}
}

func (c *check) proposals(path string, use proposal.Use, texts []string) {
	if texts != nil && len(texts) == 0 {
		c.Add(path, "leave it out for what the document says", "without a proposal there is nothing to agree on")
	}
	for i, text := range texts {
		if _, err := proposal.Parse(use, text); err != nil {
			summary, hint, _ := strings.Cut(err.Error(), "; ")
			c.Add(fmt.Sprintf("%s[%d]", path, i), hint, "%q is no proposal of %s: %s", text, use, summary)
		}
	}
}
