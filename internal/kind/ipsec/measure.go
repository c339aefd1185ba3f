package ipsec

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/ipsec/reason"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// measure fills in what charon has, by the measure of the file.
func (v Verbs) measure(d *daemon, name string, c *Connection, changed time.Time) {
	c.Unloaded = v.unloaded(d, name, c, changed)
	c.Loaded = resource.Ptr(len(c.Unloaded) == 0)
	c.Current = resource.Ptr(!slices.ContainsFunc(d.sas[name], func(sa vici.SA) bool {
		return number(sa) <= d.record.Connections[name].Stale
	}))
	c.Started = resource.Ptr(len(c.Unloaded) > 0 || d.started(name, c))
	c.Amiss = c.amiss()
	c.Standing = resource.Ptr(d.standing(name, c))
}

// amiss says what is not as it shall be, whatever the wish.
func (c *Connection) amiss() []string {
	all := []string{}
	for _, one := range []struct {
		fine  *bool
		words string
	}{
		{c.Private, "others than root may read the file"},
		{c.Keyed, "the pre-shared key is not that of its file"},
		{c.Current, "its SAs were made with other settings"},
		{c.Started, "its SAs are not up"},
	} {
		if !*one.fine {
			all = append(all, one.words)
		}
	}
	for _, what := range c.Unloaded {
		all = append(all, "charon has not loaded "+what)
	}
	return all
}

// started says whether all that starts by itself is there, or about to be.
func (d *daemon) started(name string, c *Connection) bool {
	if d.down || d.underway(name) {
		return true
	}
	last, there := d.record.Connections[name], d.children(name)
	since := last.Tried
	if d.since.After(since) {
		since = d.since
	}
	return d.now.Sub(since) < last.wait() || !slices.ContainsFunc(c.Children, func(child Child) bool {
		_, up := there[child.Name]
		return starts(child) && !up
	})
}

// starts says whether charon establishes a child SA by itself.
func starts(c Child) bool { return strings.Contains(resource.Or(c.StartAction, ""), "start") }

// files are when those were changed last that charon was given, by their paths;
// changed is that of the connection's own.
func (v Verbs) files(name string, c *Connection, changed time.Time) map[string]time.Time {
	all := map[string]time.Time{fileOf(name): changed}
	for _, file := range v.From(Connection{Local: c.Local, Remote: c.Remote}) {
		info, err := atomic.Stat(v.Root, file)
		if err != nil {
			info.Changed = time.Time{} // it can't be loaded as it is
		}
		all[file] = info.Changed
	}
	return all
}

// unloaded names what of a connection charon has not, or otherwise. What charon
// does not tell, proposals and keys above all, is judged by when files were changed:
// what was not since it was loaded, or since charon started and had swanctl load
// all, is loaded.
func (v Verbs) unloaded(d *daemon, name string, c *Connection, changed time.Time) []string {
	missing := []string{}
	if d.down {
		return missing
	}
	config, there := d.configs[name]
	if !there {
		return append(missing, "the connection")
	}
	missing = append(missing, differ(c, config)...)
	if psk := c.PSK.Reveal() != ""; psk != slices.Contains(d.shared, secretOf(name)) {
		missing = append(missing, "the pre-shared key")
	}
	known, recorded := d.record.Connections[name]
	for file, changed := range v.files(name, c, changed) {
		at, loaded := known.Files[file]
		if recorded && (!loaded || !at.Equal(changed)) || !recorded && changed.After(d.since) {
			missing = append(missing, file)
			if slices.Contains(c.Remote.CRLs, file) && !slices.Contains(missing, newlyRevoked) && more(v.revocations(c), known.Revoked) {
				missing = append(missing, newlyRevoked)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// differ names the attributes that charon has otherwise, as far as it tells.
func differ(c *Connection, config vici.Config) (names []string) {
	note := func(name string, same bool) {
		if !same {
			names = append(names, name)
		}
	}
	versions := map[int]string{0: "IKEv1/2", 1: "IKEv1", 2: "IKEv2"}
	note("version", versions[*c.Version] == config.Version)
	note("local_addrs", sameItems(c.LocalAddrs, config.LocalAddrs))
	note("remote_addrs", sameItems(c.RemoteAddrs, config.RemoteAddrs))
	note("rekey_time", int(c.RekeyTime.Seconds()) == config.RekeyTime)
	note("reauth_time", int(c.ReauthTime.Seconds()) == config.ReauthTime)
	note("dpd_delay", int(c.DPDDelay.Seconds()) == config.DPDDelay)
	note("unique", config.Unique == "" || "UNIQUE_"+strings.ToUpper(*c.Unique) == config.Unique)
	note("local", len(config.Local) == 1 && c.Local.is(config.Local[0]))
	note("remote", len(config.Remote) == 1 && c.Remote.is(config.Remote[0]))
	note("child", len(c.Children) == len(config.Children))
	for _, child := range c.Children {
		at := func(name string) string { return fmt.Sprintf("child[%q].%s", child.Name, name) }
		there, ok := config.Children[child.Name]
		if !ok {
			note(fmt.Sprintf("child[%q]", child.Name), false)
			continue
		}
		note(at("mode"), strings.EqualFold(*child.Mode, there.Mode))
		note(at("rekey_time"), int(child.RekeyTime.Seconds()) == there.RekeyTime)
		note(at("rekey_bytes"), *child.RekeyBytes == there.RekeyBytes)
		note(at("local_ts"), sameItems(child.LocalTS, there.LocalTS))
		note(at("remote_ts"), sameItems(child.RemoteTS, there.RemoteTS))
	}
	return names
}

// classes are the words that charon has for how a side authenticates.
var classes = map[string]string{"psk": "pre-shared key", "pubkey": "public key"}

func (e *End) is(a vici.Auth) bool {
	id := strings.TrimPrefix(*e.ID, "@")
	// Distinguished names and the like charon says in words of its own.
	told := strings.ContainsAny(id, "=#:*") || id == "" || id == "%any" || id == a.ID
	return told && cmp.Or(classes[*e.Auth], *e.Auth) == a.Class
}

// sameItems says whether charon's list is that of the file: networks are compared
// as such, and what has a protocol only by its network.
func sameItems(ours, theirs []string) bool {
	canonical := func(items []string) []string {
		all := make([]string, len(items))
		for i, item := range items {
			item, _, _ = strings.Cut(item, "[")
			if p, err := netip.ParsePrefix(item); err == nil {
				item = p.Masked().String()
			} else if a, err := netip.ParseAddr(item); err == nil {
				item = netip.PrefixFrom(a, a.BitLen()).String()
			}
			all[i] = item
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(canonical(ours), canonical(theirs))
}

// standing tells how the child SAs stand, or the connection where it has none.
func (d *daemon) standing(name string, c *Connection) States {
	states := States{}
	there := d.children(name)
	children := c.Children
	if len(children) == 0 {
		children = []Child{{}}
	}
	for _, child := range children {
		s := resource.TunnelState{Name: child.Name, Attached: d.has(name), Peer: strings.Join(c.RemoteAddrs, ", "), Local: child.LocalTS, Remote: child.RemoteTS}
		if e, up := there[child.Name]; up {
			s.Up, s.Peer, s.Local, s.Remote = true, e.sa.RemoteHost, e.child.LocalTS, e.child.RemoteTS
			// With new keys a child SA is another one, and the tunnel is not.
			s.Since, s.In, s.Out = d.at(-max(e.child.InstallTime, e.sa.Established)), e.child.BytesIn, e.child.BytesOut
			if e.child.RekeyTime > 0 {
				s.Rekey = d.at(e.child.RekeyTime)
			}
		} else {
			s.Why = d.why(name, c)
			s.OnDemand = (s.Why == idle || s.Why == standby) && !starts(child)
		}
		if len(c.Children) == 0 {
			d.alone(name, &s)
		}
		states = append(states, s)
	}
	return states
}

// alone tells of a connection without children, which is up with its IKE SA.
func (d *daemon) alone(name string, s *resource.TunnelState) {
	for _, sa := range d.sas[name] {
		if sa.State == "ESTABLISHED" {
			s.Up, s.Why, s.Peer, s.Since = true, "", sa.RemoteHost, d.at(-sa.Established)
		}
	}
}

// at is so many seconds from now.
func (d *daemon) at(seconds int) time.Time {
	return d.now.Add(time.Duration(seconds) * time.Second).UTC().Truncate(time.Second)
}

// idle and standby are why one is not up with which nothing is wrong.
const (
	idle    = "nothing was sent yet that belongs through it, and it does not start by itself"
	standby = "its IKE SA is up, and it stands by"
)

// why says why a connection is not up.
func (d *daemon) why(name string, c *Connection) string {
	switch {
	case d.down:
		return "charon is not running"
	case !d.has(name):
		return "charon has not loaded it"
	}
	told := ""
	if d.said != nil {
		told = d.said().Why(reason.Connection{
			Name: name, Peer: c.RemoteAddrs, LocalID: *c.Local.ID, RemoteID: *c.Remote.ID,
			Proposals: c.Proposals, ESP: c.esp(),
		})
	}
	switch {
	case told != "":
		return told
	case d.underway(name):
		return "it is being established"
	case slices.ContainsFunc(c.Children, starts):
		return "it was not begun yet, or came to nothing, and charon's journal does not say why"
	case slices.ContainsFunc(d.sas[name], func(sa vici.SA) bool { return sa.State == "ESTABLISHED" }):
		return standby
	default:
		return idle
	}
}

// esp are the proposals of all its child SAs.
func (c *Connection) esp() []string {
	var all []string
	for _, child := range c.Children {
		for _, p := range child.Proposals {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}
