package revoked

import (
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

func made(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

// peersOf are what stands for a server that knows its clients by fingerprints: the list,
// and certificate, key, key of tls-crypt-v2 and profile of each.
func peersOf(t *testing.T, who string) []state.Was {
	t.Helper()
	list := pki.AssembledFile{}
	var all []state.Was
	is := func(id resource.ID, shape any, from ...resource.ID) {
		raw, err := resource.Encode(shape, func(resource.Secret) any { return nil })
		if err != nil {
			t.Fatal(err)
		}
		was := state.Was{ID: id, Shape: raw}
		for _, on := range from {
			was.Triggers = append(was.Triggers, resource.Trigger{On: on, Do: resource.Rebuild})
		}
		all = append(all, was)
	}
	var certificates []resource.ID
	for _, name := range strings.Fields(who) {
		cert, key, shield := made(pki.KindCertificate, "/peers/"+name+".crt"), made(pki.KindPrivateKey, "/peers/"+name+".key"), made(pki.KindTLSCryptV2Key, "/shields/"+name)
		list.Parts = append(list.Parts, pki.Part{Text: resource.Ptr("peer-fingerprint ")}, pki.Part{Fingerprint: &cert.Name})
		certificates = append(certificates, cert)
		is(key, &pki.PrivateKey{})
		is(cert, &pki.Certificate{Key: &key.Name, Subject: &pki.Subject{CommonName: name}})
		is(shield, &pki.TLSCryptV2Key{})
		server := "/peers/server.crt"
		is(made(pki.KindAssembledFile, "/profiles/"+name+".ovpn"), &pki.AssembledFile{Holder: &name, Parts: []pki.Part{{Fingerprint: &server}}}, cert, key, shield)
	}
	if len(certificates) == 0 {
		list.Parts = []pki.Part{{Text: &pki.NoPeer}}
	}
	is(made(pki.KindAssembledFile, "/server/peers.conf"), &list, certificates...)
	return all
}

// Where there is no CA an undo lets nobody in again who was shut out, and nobody's key
// is what it was; with the whole server everybody comes back.
func TestNoUndoBringsAPeerBack(t *testing.T) {
	for name, c := range map[string]struct {
		before, now string // who is let in
		server      bool   // it stands now
		kept        string // who is on the list afterwards
		told        string
	}{
		"bob was revoked":       {"alice bob", "alice", true, "alice", "bob"},
		"carol was let in":      {"alice", "alice carol", true, "alice", ""},
		"everybody was revoked": {"alice bob", "", true, "", "alice, bob"},
		"keys were made anew":   {"alice bob", "alice bob", true, "alice bob", ""},
		"the server had gone":   {"alice bob", "", false, "alice bob", ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := peersOf(t, c.before), []state.Was(nil)
			if c.server {
				now = peersOf(t, c.now)
			}
			e, snap := undoes(t, before, now)
			back := asking(slices.Clone(before))
			e.Amend(back)
			e.Spare(snap)
			told := ""
			for _, n := range e.Notes() {
				told += n.Text
			}
			if (c.told == "") != (told == "") || !strings.Contains(told, c.told) {
				t.Errorf("people are told %q and not of %q", told, c.told)
			}
			for _, who := range strings.Fields(c.before) {
				for _, id := range []resource.ID{made(pki.KindCertificate, "/peers/"+who+".crt"), made(pki.KindPrivateKey, "/peers/"+who+".key"), made(pki.KindTLSCryptV2Key, "/shields/"+who), made(pki.KindAssembledFile, "/profiles/"+who+".ovpn")} {
					stays := slices.Contains(strings.Fields(c.kept), who)
					if names(back.Present, id) != stays {
						t.Errorf("%s of %s is asked for again: %v", id, who, !stays)
					}
					secret := id.Kind == pki.KindPrivateKey || id.Kind == pki.KindCertificate
					if comes := names(snap.Present, id); comes && (!stays || secret && c.server) {
						t.Errorf("%s of %s comes back as it was", id, who)
					}
				}
			}
			at := slices.IndexFunc(back.Present, func(was state.Was) bool { return was.ID.Name == "/server/peers.conf" })
			list := new(pki.AssembledFile)
			if err := back.Present[at].Decode(list); err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, p := range list.Parts {
				text += resource.Or(p.Text, "") + resource.Or(p.Fingerprint, "")
			}
			want := ""
			for _, who := range strings.Fields(c.kept) {
				want += "peer-fingerprint /peers/" + who + ".crt"
			}
			if want == "" {
				want = pki.NoPeer
			}
			if text != want {
				t.Errorf("the list is %q and shall be %q", text, want)
			}
		})
	}
}
