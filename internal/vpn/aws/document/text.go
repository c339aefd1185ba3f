package document

import (
	"fmt"
	"net/netip"
	"strings"
)

const tunnelHeading = "IPSec Tunnel #"

// A section is the part of the Generic text about one tunnel: its lines "- Key : value",
// by part, heading and key.
type section struct {
	name  string
	lines map[string]string
	twice string // a key that is there twice
	err   error
}

// readText reads the text that the console gives for vendor Generic.
func readText(text string) (*Connection, error) {
	c := &Connection{}
	parts := strings.Split(text, tunnelHeading)
	if len(parts) != 3 {
		return nil, wrong("", fmt.Sprintf("it has %d parts %q instead of two", len(parts)-1, tunnelHeading+"N"))
	}
	for line := range strings.Lines(parts[0]) {
		key, value := pair(line)
		switch {
		case strings.Contains(key, "vpn connection id"):
			c.ID = value
		case strings.Contains(key, "customer gateway id"):
			c.CustomerGateway = value
		case strings.Contains(key, "gateway id"):
			c.Gateway = value
		}
	}
	c.Static = true
	for i, part := range parts[1:] {
		s := sectionOf(part, fmt.Sprintf("%s%d", tunnelHeading, i+1))
		ours := s.tunnel(&c.Tunnels[i])
		if s.err != nil {
			return nil, s.err
		}
		if c.Tunnels[i].PeerASN != 0 {
			c.Static = false
		}
		if i > 0 && ours != c.Outside {
			return nil, wrong(s.name+", Outside IP Addresses, Customer Gateway", "it is another one than in the first tunnel")
		}
		c.Outside = ours
	}
	return complete(c)
}

// pair takes a line "  - Key   : value" apart, the key in lower case and with single
// spaces; nothing of any other line.
func pair(line string) (key, value string) {
	key, value, ok := strings.Cut(line, ":")
	if !ok {
		return "", ""
	}
	key = strings.TrimPrefix(strings.TrimSpace(key), "-")
	return strings.ToLower(strings.Join(strings.Fields(key), " ")), strings.TrimSpace(value)
}

// headings are what the keys of a section stand below, where they are not unique.
var headings = []string{"#1", "#2", "#3", "#4", "outside ip", "inside ip"}

// sectionOf gathers the lines of a tunnel.
func sectionOf(text, name string) *section {
	s := &section{name: name, lines: make(map[string]string)}
	below := ""
	for line := range strings.Lines(text) {
		trimmed := strings.ToLower(strings.TrimSpace(line))
		for _, h := range headings {
			if strings.HasPrefix(trimmed, h) {
				below = h
			}
		}
		key, value := pair(line)
		if !strings.HasPrefix(trimmed, "-") || key == "" {
			continue
		}
		full := below + "|" + key
		if below == "inside ip" && strings.Count(value, ":") > 1 {
			full += "|6"
		}
		if _, there := s.lines[full]; there && s.twice == "" {
			s.twice = strings.TrimPrefix(full, below+"|")
		}
		s.lines[full] = value
	}
	return s
}

// say takes the value of the first of these keys that is there as what read makes of it.
func say[T any](s *section, below string, keys []string, what string, read func(string) (T, bool), optional bool) T {
	var none T
	for _, key := range keys {
		text := s.lines[below+"|"+key]
		if text == "" || s.err != nil {
			continue
		}
		v, ok := read(text)
		if !ok {
			s.err = wrong(s.where(below, key), "it is not "+what)
		}
		return v
	}
	if s.err == nil && !optional {
		s.err = wrong(s.where(below, keys[0]), "it is missing; it says "+what)
	}
	return none
}

func (s *section) where(below, key string) string {
	if strings.HasPrefix(below, "#") {
		return fmt.Sprintf("%s, %s, %q", s.name, below, key)
	}
	return fmt.Sprintf("%s, %q, %q", s.name, below, key)
}

func (s *section) tunnel(t *Tunnel) netip.Addr {
	if s.twice != "" {
		s.err = wrong(fmt.Sprintf("%s, %q", s.name, s.twice), "it is there twice")
	}
	peer := []string{"virtual private gateway", "transit gateway", "aws"}
	us := []string{"customer gateway"}
	within := func(text string) (netip.Prefix, bool) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return p, false
		}
		return inside(p.Addr().String(), p.Bits())
	}
	ours := say(s, "outside ip", us, "an IP address", address, false)
	t.Outside = say(s, "outside ip", peer, "an IP address", address, false)
	t.Inside = say(s, "inside ip", us, "an address in a /30 of 169.254.0.0/16", within, false)
	t.PeerInside = say(s, "inside ip", peer, "an address in a /30 of 169.254.0.0/16", within, false)
	t.Inside6 = say(s, "inside ip", []string{us[0] + "|6"}, "an address in a /126 of fd00::/8", within, true)
	t.PeerInside6 = say(s, "inside ip", []string{peer[0] + "|6", peer[1] + "|6", peer[2] + "|6"}, "an address in a /126 of fd00::/8", within, true)
	if s.err == nil && (!facing(t.Inside, t.PeerInside) || t.Inside6.IsValid() != t.PeerInside6.IsValid() || t.Inside6.IsValid() && !facing(t.Inside6, t.PeerInside6)) {
		s.err = wrong(s.name+", Inside IP Addresses", "the two are not different addresses in one network")
	}
	t.ASN = say(s, "#4", []string{"customer gateway asn"}, "a number of an autonomous system", asn, true)
	t.PeerASN = say(s, "#4", []string{"virtual private gateway asn", "transit gateway asn"}, "a number of an autonomous system", asn, true)
	t.HoldTime = say(s, "#4", []string{"neighbor hold time"}, "seconds", seconds, true)
	if next := s.lines["#4|next hop"]; s.err == nil && next == "" && t.PeerASN == 0 {
		s.err = wrong(s.name+", #4", "it has neither a next hop nor an ASN, as of a text that was cut off")
	}
	s.security(t)
	return ours
}

func (s *section) security(t *Tunnel) {
	t.Sample.IKE.Encryption = say(s, "#1", []string{"encryption algorithm"}, "a cipher that Amazon has", encryption, false)
	t.Sample.IKE.Integrity = say(s, "#1", []string{"authentication algorithm"}, "a hash function that Amazon has", integrity, aead(t.Sample.IKE.Encryption))
	t.Sample.IKE.Group = say(s, "#1", []string{"diffie-hellman", "perfect forward secrecy"}, "a group of Diffie-Hellman that Amazon has", group, false)
	t.IKELifetime = say(s, "#1", []string{"lifetime"}, "seconds, 900 at least and a day at most", life, false)
	t.Sample.ESP.Encryption = say(s, "#2", []string{"encryption algorithm"}, "a cipher that Amazon has", encryption, false)
	t.Sample.ESP.Integrity = say(s, "#2", []string{"authentication algorithm"}, "a hash function that Amazon has", integrity, aead(t.Sample.ESP.Encryption))
	t.Sample.ESP.Group = say(s, "#2", []string{"perfect forward secrecy", "diffie-hellman"}, "a group of Diffie-Hellman that Amazon has", group, false)
	t.ESPLifetime = say(s, "#2", []string{"lifetime"}, "seconds, 900 at least and a day at most", life, false)
	t.DPDInterval = say(s, "#2", []string{"dpd interval"}, "seconds", seconds, true)
	method := strings.ToLower(s.lines["#1|authentication method"])
	t.Certificate = strings.Contains(method, "certificate") || strings.Contains(method, "signature")
	if s.err == nil {
		s.err = keyed(t, s.where("#1", "pre-shared key"), s.lines["#1|pre-shared key"])
	}
}
