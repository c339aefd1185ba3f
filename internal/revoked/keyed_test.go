package revoked

import (
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// keyedOf is what stands for an interface of WireGuard and its people, of whom those with a
// ! before their name are revoked.
func keyedOf(t *testing.T, who string) []state.Was {
	t.Helper()
	device := wireguard.Interface{Peers: []wireguard.Peer{}}
	var all []state.Was
	is := func(id resource.ID, shape any, from ...resource.ID) {
		was, err := state.NewWas(resource.Resource{ID: id, After: []resource.ID{made(wireguard.Kind, "wg0")}}, shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, on := range from {
			was.Triggers = append(was.Triggers, resource.Trigger{On: on, Do: resource.Rebuild})
		}
		all = append(all, was)
	}
	for _, said := range strings.Fields(who) {
		name, out := strings.CutPrefix(said, "!")
		key, psk := made(pki.KindWireGuardKey, "/wg0/"+name+".key"), made(pki.KindWireGuardPSK, "/wg0/"+name+".psk")
		public := key.Name + ".pub"
		if out {
			device.Revoked = append(device.Revoked, public)
			is(key, &pki.WireGuardKey{Revoked: &out})
			continue
		}
		device.Peers = append(device.Peers, wireguard.Peer{Name: name, KeyFile: &public, PSKFile: &psk.Name})
		is(key, &pki.WireGuardKey{})
		is(psk, &pki.WireGuardPSK{})
		is(made(pki.KindAssembledFile, "/profiles/"+name+".conf"), &pki.AssembledFile{Holder: &name}, key, psk)
	}
	is(made(wireguard.Kind, "wg0"), &device)
	return all
}

// Where people are known by their keys no undo lets anybody in again, nor brings back what
// they had; who came in again since keeps the key they have now.
func TestNoUndoBringsBackWhatSomebodyRevokedHad(t *testing.T) {
	for name, c := range map[string]struct {
		steps []string // configurations, the first of which comes back
		after string
		stays string // is not made what it was
	}{
		"bob was revoked":                 {[]string{"alice bob", "alice !bob"}, "alice !bob", "bob"},
		"bob was revoked before":          {[]string{"alice !bob", "!bob"}, "alice !bob", ""},
		"carol was let in":                {[]string{"alice", "alice carol"}, "alice", ""},
		"bob was revoked and came again":  {[]string{"alice bob", "alice !bob", "alice bob"}, "alice bob", "bob"},
		"bob was revoked and taken out":   {[]string{"alice bob", "alice !bob", "alice"}, "alice !bob", "bob"},
		"bob was revoked, all was taken":  {[]string{"alice bob", "alice !bob", ""}, "alice !bob", "bob"},
		"everybody was revoked":           {[]string{"alice bob", "!alice !bob"}, "!alice !bob", "alice bob"},
		"the last word on bob is revoked": {[]string{"alice bob", "alice !bob", "alice bob", "!alice !bob"}, "!alice !bob", "alice bob"},
	} {
		t.Run(name, func(t *testing.T) {
			var steps [][]state.Was
			for _, who := range c.steps {
				steps = append(steps, keyedOf(t, who))
			}
			e, snap := undoes(t, steps...)
			back := asking(slices.Clone(steps[0]))
			e.Amend(back)
			e.Spare(snap)
			want, told := keyedOf(t, c.after), ""
			for _, n := range e.Notes() {
				told += n.Text
			}
			if len(back.Present) != len(want) {
				t.Errorf("%d things are asked for again instead of %d: %v", len(back.Present), len(want), back.Present)
			}
			for _, was := range want {
				i := slices.IndexFunc(back.Present, func(b state.Was) bool { return b.ID == was.ID })
				if i < 0 || string(back.Present[i].Shape) != string(was.Shape) {
					t.Errorf("%s is not asked for as it shall be: %s", was.ID, was.Shape)
				}
			}
			for _, who := range strings.Fields(c.steps[0]) {
				stays := slices.Contains(strings.Fields(c.stays), who)
				out := slices.Contains(strings.Fields(c.after), "!"+who) && stays
				if strings.Contains(told, who) != out {
					t.Errorf("of %s is told: %q", who, told)
				}
				for _, id := range []resource.ID{made(pki.KindWireGuardPSK, "/wg0/"+who+".psk"), made(pki.KindAssembledFile, "/profiles/"+who+".conf")} {
					kept := slices.ContainsFunc(e.Kept(), func(k state.Was) bool { return k.ID == id })
					if stays && names(snap.Present, id) && !kept {
						t.Errorf("%s comes back as it was", id)
					}
				}
			}
		})
	}
}
