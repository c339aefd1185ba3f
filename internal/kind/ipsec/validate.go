package ipsec

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/resource"
)

// choices are the values of attributes that have but a few: swanctl.conf(5) of all
// releases from 5.9.6 on. What a release takes in silence and another one refuses is
// not among them.
var choices = map[string][]string{
	"version":       {"2", "1"},
	"fragmentation": {"yes", "accept", "force", "no"},
	"unique":        {"no", "never", "keep", "replace"},
	"send_cert":     {"ifasked", "always", "never"},
	"auth":          {"psk", "pubkey"},
	"revocation":    {"relaxed", "ifuri", "strict"},
	"mode":          {"tunnel", "transport"},
	"start_action":  {"none", "trap", "start", "trap|start"},
	"dpd_action":    {"clear", "trap", "restart"},
	"close_action":  {"none", "trap", "start"},
}

// Validate says what is wrong with the block.
func (c *Connection) Validate(name string) []resource.Mistake {
	m := &mistakes{}
	if !swanctl.IsName(name) || len(name) > longest {
		m.add("", fmt.Sprintf("%q can't name a connection", name), fmt.Sprintf("Use letters, digits, _ and -, at most %d of them.", longest))
	}
	m.settings("", c)
	m.proposals("proposals", proposal.IKE, c.Proposals)
	m.addresses(c)
	m.old(c)
	m.secret(c)
	if c.Local != nil {
		m.end("local", c.Local)
		m.own(c.Local)
	}
	if c.Remote != nil {
		m.end("remote", c.Remote)
		m.other(c.Remote)
	}
	m.children(c)
	m.lives(c)
	return m.all
}

// longest is how long a name may be: with what stands around it it is one of a file.
const longest = 64

// shortest is how long a pre-shared key should be: whoever has seen one handshake may
// try keys out at leisure.
const shortest = 20

type mistakes struct{ all []resource.Mistake }

func (m *mistakes) add(path, summary, hint string) {
	m.all = append(m.all, resource.Mistake{Path: path, Summary: summary, Hint: hint})
}

// settings judges every attribute that is one setting by what it may hold.
func (m *mistakes) settings(at string, shape any) {
	v := reflect.ValueOf(shape).Elem()
	for _, f := range settings(shape) {
		value, there := written(v.Field(f.Index))
		if !there {
			continue
		}
		here := at + f.Name
		if all, few := choices[f.Name]; few && !slices.Contains(all, value) {
			m.add(here, fmt.Sprintf("%s is no value of %s", value, f.Name), "Write one of "+strings.Join(all, ", ")+".")
		}
		m.text(here, v.Field(f.Index), value)
		m.number(here, v.Field(f.Index))
	}
}

// text refuses what would be another value, or more than one, for charon.
func (m *mistakes) text(at string, v reflect.Value, value string) {
	if !swanctl.IsValue(value) {
		m.add(at, "a control character stands in it", "Write it on one line.")
	}
	items, isList := v.Interface().([]string)
	for i, item := range items {
		if isList && (strings.ContainsAny(item, ",\"") || strings.TrimSpace(item) != item || item == "") {
			m.add(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%q can't be an item of the list", item), "Write each item by itself, without blanks around it.")
		}
	}
}

func (m *mistakes) number(at string, v reflect.Value) {
	switch n := v.Interface().(type) {
	case *int:
		if *n < 0 || *n > 1<<32-1 {
			m.add(at, fmt.Sprintf("%d is out of range", *n), "Write a number from 0 to 4294967295.")
		}
	case *resource.Duration:
		if seconds := n.Seconds(); seconds < 0 || seconds > 1<<30 {
			m.add(at, "it is too long", "Write at most 12427d.")
		}
	}
}

func (m *mistakes) proposals(at string, use proposal.Use, all []string) {
	for i, text := range all {
		if p, err := proposal.Parse(use, text); err != nil {
			m.add(fmt.Sprintf("%s[%d]", at, i), err.Error(), "See the proposals of swanctl.conf(5).")
		} else if p.String() != text {
			m.add(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%q is no proposal as strongSwan writes it", text), "Write "+p.String()+".")
		} else {
			m.weak(fmt.Sprintf("%s[%d]", at, i), p)
		}
	}
	if all != nil && len(all) == 0 {
		m.add(at, "no proposal is left", "Write one, such as aes256gcm16-prfsha384-ecp384 for IKE and aes256gcm16-ecp384 for ESP.")
	}
}

// weak warns of what nobody should offer any more, and refuses what protects nothing.
func (m *mistakes) weak(at string, p proposal.Proposal) {
	for _, w := range p.Weak() {
		m.all = append(m.all, resource.Mistake{
			Path: at, Summary: fmt.Sprintf("%s is weak: %s", w.Word, w.Why), Warning: !w.Broken,
			Hint: "Agree with the other side on aes256gcm16-prfsha384-ecp384 for IKE, or aes256gcm16-ecp384 for ESP.",
		})
	}
}

func (m *mistakes) warn(at, summary, hint string) {
	m.all = append(m.all, resource.Mistake{Path: at, Summary: summary, Hint: hint, Warning: true})
}

// old warns of IKE version 1.
func (m *mistakes) old(c *Connection) {
	if resource.Or(c.Version, 2) != 1 {
		if resource.Or(c.Aggressive, false) {
			m.add("aggressive", "only IKE version 1 has an aggressive mode", "Leave aggressive out.")
		}
		return
	}
	m.warn("version", "IKE version 1 is obsolete, RFC 9395", "Use version 2 where the other side can.")
	if resource.Or(c.Aggressive, false) && c.Local != nil && resource.Or(c.Local.Auth, "psk") == "psk" {
		m.warn("aggressive", "in aggressive mode anybody may try out pre-shared keys", "Leave aggressive out, or use certificates.")
	}
}

func (m *mistakes) addresses(c *Connection) {
	for at, all := range map[string][]string{"local_addrs": c.LocalAddrs, "remote_addrs": c.RemoteAddrs} {
		for i, a := range all {
			if !isAddress(a) {
				m.add(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%q is neither an address nor a name", a), "Write an address, a network as CIDR, a range, a name, or %any.")
			}
		}
	}
}

// isAddress says whether charon may take a text for where a peer is; swanctl.conf(5),
// remote_addrs.
func isAddress(text string) bool {
	if strings.HasPrefix(text, "%any") {
		return slices.Contains([]string{"%any", "%any4", "%any6"}, text)
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Zone() == "" // which may be any text, a list too
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	return text != "" && len(text) < 254 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
}
