package confirm

import (
	"context"
	"errors"
	"testing"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// wire is the shape of a kind of tunnels.
type wire struct{ states []resource.TunnelState }

func (w *wire) Tunnels() []resource.TunnelState { return w.states }

type wires map[string][]resource.TunnelState

func (h wires) Observe(ctx context.Context, wants map[string]*wire) (map[string]*wire, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *wire) (*wire, error) {
		states, ok := h[name]
		switch {
		case name == "hidden":
			return nil, errors.New("charon does not answer")
		case !ok:
			return nil, nil
		}
		return &wire{states}, nil
	})
}

func (wires) Apply(context.Context, []resource.Item[wire]) error { return errors.New("it only looks") }

func (wires) Remove(context.Context, []string) error { return errors.New("it only looks") }

// A check of a tunnel says why it is down, in the words of who knows.
func TestTunnelOfAResource(t *testing.T) {
	up := func(name string) resource.TunnelState {
		return resource.TunnelState{Name: name, Up: true, Attached: true}
	}
	down := func(name, why string) resource.TunnelState { return resource.TunnelState{Name: name, Why: why} }
	waits := func(t resource.TunnelState) resource.TunnelState { t.OnDemand = true; return t }
	h := wires{
		"up": {up("")}, "refused": {down("", "no proposal chosen")}, "mute": {down("mute", "")}, "none": {},
		"idle": {{Up: true}}, "one of two": {up("a"), down("b", "no answer")},
		"laptop away": {up("site"), waits(down("laptop", "no handshake yet"))}, "site away": {down("site", "no answer"), waits(up("laptop"))},
		"all away": {waits(down("x", "")), waits(down("y", ""))}, "one is here": {waits(down("x", "")), waits(up("y"))},
	}
	k := Checker{
		Catalog: resource.Catalog{Kinds: []resource.Kind{resource.Define[wire]("wire", "", resource.Traits{View: resource.Tunnels}, h)}},
		Why: func(id resource.ID, name string) string {
			if id.Name == "mute" && name == "mute" {
				return "the peer's id is X"
			}
			return ""
		},
	}
	for name, want := range map[string]string{
		"up": "", "refused": "wire.refused is down: no proposal chosen", "mute": "wire.mute is down: the peer's id is X", "none": "wire.none holds no tunnel",
		"idle": "wire.idle is switched on, but no program serves it", "one of two": `wire["one of two"], b, is down: no answer`,
		"laptop away": "", "site away": `wire["site away"], site, is down: no answer`, "all away": `wire["all away"], y, is down`, "one is here": "",
		"gone": "there is no wire.gone on this host", "hidden": "looking at wire.hidden: charon does not answer",
	} {
		c := check("tunnel")
		*c.Retries = 0
		c.Tunnel = resource.Ptr(settings.Tunnel(resource.ID{Kind: "wire", Name: name}.String()))
		got := ""
		if failures := k.Run(t.Context(), []settings.Check{c}); len(failures) > 0 {
			got = failures[0].Err.Error()
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
}
