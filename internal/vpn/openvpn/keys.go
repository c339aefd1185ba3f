package openvpn

import (
	"maps"
	"slices"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/peers"
	"vpnd/internal/vpn/openvpn/script"
)

// addKeys copies what the server reads out of the PKI, which nobody but root
// may enter, and makes the keys that it shares with its clients.
func (e *expansion) addKeys() {
	if e.fingerprints() {
		e.resources = append(e.resources, peers.Resources(e.PKI)...)
		e.addPeers()
	} else {
		files := e.trust().Files()
		if e.trust().Narrow() {
			files = append(files, e.trust().Issuers())
		}
		for _, f := range files {
			e.gather(f.Path, f.Parts, kinds(pki.KindCertificate, f.Of...), f.Effect)
		}
	}
	chain := e.trust().Chain(e.cert(), e.pair.Certificate)
	e.gather(chain.Path, chain.Parts, kinds(pki.KindCertificate, chain.Of...), chain.Effect)
	e.copy(e.key(), 0o600, id(pki.KindPrivateKey, e.pair.Key), resource.Restart)
	if !e.fingerprints() {
		e.gather(e.crl(), append(e.PKI.ListParts(), e.PKI.ListsAbove()...), kinds(pki.KindCRL, slices.Concat(e.PKI.Lists, e.PKI.CRLsAbove())...), resource.None)
	}
	if e.DH != nil {
		dh := id(pki.KindDHParams, e.dh())
		e.add(dh, &pki.DHParams{Bits: e.DH, Mode: resource.Ptr(resource.Mode(0o644))}, id("directory", e.directory()))
		e.read(dh, resource.Restart)
	}
	if e.tlsKey() != "none" || e.Auth != nil {
		e.add(id("directory", e.vault()), file.DirectoryOfRoot(0o700))
	}
	if e.tlsKey() != "none" {
		e.addShield()
	}
	e.addAuth()
}

// addPeers lists the fingerprints of clients, which OpenVPN reads when it starts.
func (e *expansion) addPeers() {
	var parts []pki.Part
	var from []resource.ID
	for _, m := range e.members {
		parts = append(parts, pki.Part{Text: resource.Ptr(pki.PeerWord)}, pki.Part{Fingerprint: resource.Ptr(m.Certificate)})
		from = append(from, id(pki.KindCertificate, m.Certificate))
	}
	if len(e.members) == 0 {
		parts = []pki.Part{{Text: &pki.NoPeer}}
	}
	list := id(pki.KindAssembledFile, e.peers())
	e.addAssembled(list, 0o644, parts, from, id("directory", e.directory()))
	e.read(list, resource.Restart)
}

// addAuth adds what asks people for more than their certificate.
func (e *expansion) addAuth() {
	needs := e.auth().Needs()
	e.resources = append(e.resources, needs.Resources...)
	e.readers = append(e.readers, needs.Read...)
	for _, to := range slices.Sorted(maps.Keys(needs.Copies)) {
		e.copy(to, 0o600, needs.Copies[to], resource.Restart)
	}
}

// addShield makes the key that shields the control channel and, with
// tls-crypt-v2, one of each client.
func (e *expansion) addShield() {
	vault := id("directory", e.vault())
	key := e.shieldID()
	if e.tlsKey() == tlsCryptV2 {
		e.add(key, &pki.TLSCryptV2Key{Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}, vault)
		for _, m := range e.members {
			e.addClientShield(m, key)
		}
		if e.verifies() {
			e.addKnownKeys(key)
		}
	} else {
		e.add(key, &pki.StaticKey{Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}, vault)
	}
	e.copy(e.shield(), 0o600, key, resource.Restart)
}

// addClientShield makes the key of a client. Where it lets a client in, a client that
// gets another private key gets another one of these too: the old one is lost with
// the device.
func (e *expansion) addClientShield(m member, server resource.ID) {
	want := &pki.TLSCryptV2Key{Server: &server.Name, Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
	made := e.add(e.clientShieldID(m), want)
	made.Follow(server)
	if !e.verifies() {
		return
	}
	want.Listed = resource.Ptr(true)
	if m.Key != "" {
		made.Triggers = append(made.Triggers, resource.Trigger{On: id(pki.KindPrivateKey, m.Key), Do: resource.Rebuild})
	}
}

// addKnownKeys lists the keys of clients that may come in, for a program that
// OpenVPN asks before TLS begins. It goes with the revocation list: an undo, which
// leaves that as it is, makes this one anew and does not bring back its old text.
func (e *expansion) addKnownKeys(server resource.ID) {
	list := &pki.TLSCryptV2List{Server: &server.Name, Keys: []string{}, Mode: resource.Ptr(resource.Mode(0o644)), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
	made := e.add(id(pki.KindTLSCryptV2List, e.knownKeys()), list, id("directory", e.directory()))
	made.Follow(server)
	if !e.fingerprints() {
		for _, list := range kinds(pki.KindCRL, e.PKI.Lists...) {
			made.Triggers = append(made.Triggers, resource.Trigger{On: list, Do: resource.Rebuild})
		}
	}
	for _, m := range e.members {
		key := e.clientShieldID(m)
		list.Keys = append(list.Keys, key.Name)
		made.Follow(key)
	}
	e.read(made.ID, resource.None)
	program := id("file", script.KnownKey.In(e.directory()))
	e.add(program, script.KnownKey.File(), id("directory", e.directory()))
	e.read(program, resource.None)
}

func (s *settings) shieldID() resource.ID {
	if s.tlsKey() == tlsCryptV2 {
		return id(pki.KindTLSCryptV2Key, s.shieldKey())
	}
	return id(pki.KindStaticKey, s.shieldKey())
}

func (s *settings) clientShieldID(m member) resource.ID {
	return id(pki.KindTLSCryptV2Key, m.shieldIn(s.vault()))
}

func private() *resource.Mode { return resource.Ptr(resource.Mode(0o600)) }

// copy puts a copy of another resource's file where the server reads it.
func (e *expansion) copy(to string, mode resource.Mode, from resource.ID, effect resource.Effect) {
	target := id(pki.KindAssembledFile, to)
	e.addAssembled(target, mode, []pki.Part{{File: &from.Name}}, []resource.ID{from}, id("directory", e.directory()))
	e.read(target, effect)
}

// gather puts copies of several resources' files one behind the other where the
// server reads them.
func (e *expansion) gather(to string, parts []pki.Part, from []resource.ID, effect resource.Effect) {
	target := id(pki.KindAssembledFile, to)
	e.addAssembled(target, 0o644, parts, from, id("directory", e.directory()))
	e.read(target, effect)
}

func kinds(kind string, names ...string) []resource.ID {
	var all []resource.ID
	for _, name := range names {
		all = append(all, id(kind, name))
	}
	return all
}

// addAssembled adds a file that follows the resources it is made of.
func (e *expansion) addAssembled(target resource.ID, mode resource.Mode, parts []pki.Part, from []resource.ID, after ...resource.ID) {
	e.add(target, &pki.AssembledFile{
		Parts: parts, Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
	}, after...).Follow(from...)
}

// addProfiles writes a profile for every client that is not revoked, once the server
// runs as the profile says: nobody is to be handed one that leads to a port where
// nothing listens, since the server did not start with it.
func (e *expansion) addProfiles() {
	directoryPath := e.profiles()
	if directoryPath == "" {
		return
	}
	if strings.HasPrefix(directoryPath, profileRoot+"/") {
		e.add(id("directory", profileRoot), file.DirectoryOfRoot(0o700))
	}
	var running []resource.ID
	for _, i := range e.instances {
		running = append(running, id("unit", i.unit()))
	}
	parent := id("directory", directoryPath)
	profiles := file.DirectoryOfRoot(0o700)
	profiles.Alone = resource.Ptr(true)
	e.add(parent, profiles, id("directory", profileRoot))
	common, terms := e.clientDirectives(), e.terms()
	for _, m := range e.members {
		from, after := []resource.ID{id(pki.KindCertificate, m.Certificate)}, append(slices.Clone(running), parent)
		if trusted := kinds(pki.KindCertificate, e.trust().Anchor().Trusted...); len(trusted) == 1 {
			from = append(trusted, from...)
		} else { // of which a new one voids no profile: those that people have lead to it by the links
			after = append(after, trusted...)
		}
		if m.Key != "" {
			from = append(from, id(pki.KindPrivateKey, m.Key))
		}
		switch e.tlsKey() {
		case "none":
		case tlsCryptV2:
			from = append(from, e.clientShieldID(m))
		default:
			from = append(from, e.shieldID())
		}
		e.addAssembled(id(pki.KindAssembledFile, directoryPath+"/"+m.CommonName+".ovpn"), 0o600, e.profile(m, common), from, after...)
		profile := e.resources[len(e.resources)-1].Want.(*pki.AssembledFile)
		profile.Holder, profile.Terms = resource.Ptr(m.CommonName), terms
	}
}
