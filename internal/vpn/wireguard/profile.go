package wireguard

import (
	"fmt"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// header is the first line of every file made for a block.
func header(name string) string {
	return fmt.Sprintf("# Made by vpnd for wireguard.%s; edits are undone. Change /etc/vpnd instead.\n", name)
}

// addProfiles writes a profile for every peer that is not revoked, once the interface
// stands that it leads to.
func (e *expansion) addProfiles() {
	path := e.profiles()
	if path == "" || e.dial() == "" {
		return
	}
	if strings.HasPrefix(path, profileRoot+"/") {
		e.add(id("directory", profileRoot), file.DirectoryOfRoot(0o700))
	}
	parent, profiles := id("directory", path), file.DirectoryOfRoot(0o700)
	profiles.Alone = resource.Ptr(true)
	e.add(parent, profiles, id("directory", profileRoot))
	for _, p := range e.Peers {
		if p.revoked() {
			continue
		}
		want := &pki.AssembledFile{
			Parts: e.profile(p), Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
			Holder: resource.Ptr(p.Name), Terms: e.terms(p),
		}
		e.add(id(pki.KindAssembledFile, path+"/"+p.Name+".conf"), want, parent, e.device()).Follow(e.keysOf(p)...)
	}
}

// keysOf are the keys in the profile of a peer.
func (e *expansion) keysOf(p Peer) []resource.ID {
	keys := []resource.ID{id(pki.KindWireGuardKey, e.key())}
	if p.madeHere() {
		keys = append(keys, id(pki.KindWireGuardKey, e.peerKey(p)))
	}
	switch psk := e.psk(p); {
	case e.sharesOurs(p):
		keys = append(keys, id(pki.KindWireGuardPSK, *psk))
	case psk != nil:
		keys = append(keys, id("secret_file", *psk))
	}
	return keys
}

// profile returns what the profile of a peer is made of, as wg-quick(8) and the
// programs of phones read it. That of another site lacks its private key, which
// nobody here has.
func (e *expansion) profile(p Peer) []pki.Part {
	var parts []pki.Part
	var text strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%s = %s\n", key, value)
		}
	}
	take := func(key, file string) {
		fmt.Fprintf(&text, "%s = ", key)
		parts = append(parts, pki.Part{Text: resource.Ptr(text.String())}, pki.Part{File: &file})
		text.Reset()
	}
	text.WriteString(header(e.name) + "[Interface]\n")
	if p.madeHere() {
		take("PrivateKey", e.peerKey(p))
	} else {
		fmt.Fprintf(&text, "# PrivateKey = (the one that belongs to %s)\n", *p.PublicKey)
	}
	e.writeInterface(p, line)
	text.WriteString("\n[Peer]\n")
	take("PublicKey", e.key()+".pub")
	if psk := e.psk(p); psk != nil {
		take("PresharedKey", *psk)
	}
	line("Endpoint", e.dial())
	line("AllowedIPs", list(e.allowed(p)))
	if every := e.keepalive(p).Seconds(); every > 0 {
		line("PersistentKeepalive", fmt.Sprint(every))
	}
	return append(parts, pki.Part{Text: resource.Ptr(text.String())})
}

func (e *expansion) writeInterface(p Peer, line func(key, value string)) {
	line("Address", list(p.addresses()))
	if p.Endpoint != nil {
		line("ListenPort", (*p.Endpoint)[strings.LastIndex(*p.Endpoint, ":")+1:])
	}
	if p.madeHere() && len(e.DNS) > 0 {
		line("DNS", strings.Join(append(strings.Split(list(e.DNS), ", "), e.Search...), ", "))
	}
	if e.MTU != nil {
		line("MTU", fmt.Sprint(*e.MTU))
	}
}

// terms are what a profile has to agree on with this host, in words: where one
// changes, who has the old one does not get through, or not everywhere.
func (e *expansion) terms(p Peer) map[string]string {
	return map[string]string{
		"remote": e.dial(), "server key": e.key(), "shared key": resource.Or(e.psk(p), "none"),
		"address": list(p.addresses()), "networks": list(e.allowed(p)),
	}
}
