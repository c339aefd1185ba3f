package ipsec

import (
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/credentials"
)

const (
	useIKE = proposal.IKE
	useESP = proposal.ESP
)

// selectors are networks as traffic selectors; none are the host itself.
func selectors(networks []netip.Prefix) []string {
	var all []string
	for _, n := range networks {
		all = append(all, n.String())
	}
	if all == nil {
		return []string{"dynamic"}
	}
	return all
}

// destinations are the networks of the other side that are routed, each once.
func (e *expansion) destinations() []netip.Prefix {
	var all []netip.Prefix
	if !resource.Or(e.Routes, true) {
		return nil
	}
	for _, c := range e.children(e.name) {
		for _, n := range c.Remote {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// sysctlName writes the name of an interface as a part of a key, in which a dot of
// its own is a slash.
func sysctlName(dev string) string { return strings.ReplaceAll(dev, ".", "/") }

// id of who a side is: left out, its address.
func (t *Tunnel) localID() *string {
	if t.Local.ID != nil || t.Certificate != nil || !t.bound().IsValid() {
		return t.Local.ID
	}
	return resource.Ptr(t.bound().String())
}

func (t *Tunnel) remoteID() *string {
	if t.Remote.ID != nil || t.answers() {
		return t.Remote.ID
	}
	return t.Remote.Address
}

// An Identity is between whom a tunnel is.
type Identity struct{ Local, Remote string }

// Identity returns the ids of both sides, empty where one is not known.
func (t *Tunnel) Identity() Identity {
	return Identity{resource.Or(t.localID(), ""), resource.Or(t.remoteID(), "")}
}

// Anybody says whether the other side may be anybody who has the secret.
func (i Identity) Anybody() bool { return i.Remote == "" || i.Remote == anybody }

// oneLine takes the end of the line from a secret that was read out of a file.
func oneLine(secret string) string {
	return strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r")
}

// secret returns the pre-shared key as both sides have it.
func (t *Tunnel) secret() *resource.Secret {
	if t.PSK == nil {
		return nil
	}
	return resource.NewSecret(oneLine(t.PSK.Reveal()))
}

// credentials is how both sides prove who they are.
func (t *Tunnel) credentials(name string) *credentials.Credentials {
	return &credentials.Credentials{Name: name, Pair: t.Certificate, CA: t.CA, CRL: t.CRL, Revocation: t.Revocation}
}
