package revoked

import (
	"encoding/json"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// What goes into nothing but the profile of somebody who was revoked is theirs,
// and no key that others use.
func TestKeysOfTheRevokedAreTheirs(t *testing.T) {
	key := func(name string) resource.ID { return resource.ID{Kind: pki.KindTLSCryptV2Key, Name: name} }
	seed := func(name string) resource.ID { return resource.ID{Kind: pki.KindTOTPSecret, Name: name} }
	var all []state.Was
	for _, who := range []string{"alice", "guest"} {
		cert := resource.ID{Kind: pki.KindCertificate, Name: "/" + who + ".crt"}
		profile := state.Was{ID: resource.ID{Kind: "assembled_file", Name: "/" + who + ".ovpn"}}
		for _, on := range []resource.ID{cert, key("/" + who), key("/shared")} {
			profile.Triggers = append(profile.Triggers, resource.Trigger{On: on, Do: resource.Rebuild})
		}
		shape := json.RawMessage(`{"subject": {"common_name": "` + who + `"}, "key": "/` + who + `.key", "ledger": "/issued"}`)
		codes := state.Was{ID: seed("/" + who), Triggers: []resource.Trigger{{On: cert, Do: resource.None}}}
		all = append(all, state.Was{ID: cert, Shape: shape}, profile, state.Was{ID: key("/" + who)}, codes)
	}
	theirs, err := belongings(all, "/issued", func(h holder) bool { return h.Subject.CommonName == "guest" })
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[resource.ID]bool{key("/guest"): true, key("/alice"): false, key("/shared"): false, all[1].ID: false, all[5].ID: true, seed("/alice"): false, seed("/guest"): true} {
		if theirs[id] != want {
			t.Errorf("%s: %t", id, theirs[id])
		}
	}
}
