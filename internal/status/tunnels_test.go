package status

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// wire is the shape of a kind that holds several tunnels.
type wire struct {
	Text *string `vpnd:"text"`
}

// Tunnels reads them from words: "a+ b-" is one that is up and one that is down.
func (w *wire) Tunnels() []resource.TunnelState {
	var all []resource.TunnelState
	for _, word := range strings.Fields(*w.Text) {
		all = append(all, resource.TunnelState{Name: word[:len(word)-1], Up: word[len(word)-1] == '+', Attached: true})
	}
	return all
}

// wires is a host of them.
type wires struct {
	texts map[string]string
	hangs bool
	wants map[string]*wire
}

func (h *wires) Observe(ctx context.Context, wants map[string]*wire) (map[string]*wire, error) {
	h.wants = wants
	if h.hangs {
		time.Sleep(time.Minute) // whatever ctx says
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *wire) (*wire, error) {
		text, ok := h.texts[name]
		switch {
		case name == "hidden":
			return nil, errors.New("no permission")
		case !ok:
			return nil, nil
		}
		return &wire{Text: &text}, nil
	})
}

func (*wires) Apply(context.Context, []resource.Item[wire]) error { return errors.New("it only looks") }

func (*wires) Remove(context.Context, []string) error { return errors.New("it only looks") }

func wireID(name string) resource.ID { return resource.ID{Kind: "wire", Name: name} }

func tunnel(name, state string) Tunnel {
	t := Tunnel{ID: wireID(name), Block: "block." + name}
	if state != "" {
		t.Name, t.Up = state[:len(state)-1], strings.HasSuffix(state, "+")
	}
	return t
}

// told are tunnels in a line.
func told(all []Tunnel) string {
	var words []string
	for _, t := range all {
		word := t.Called() + map[bool]string{true: "+", false: "-"}[t.Up]
		if t.Why != "" {
			word += fmt.Sprintf(" (%s)", t.Why)
		}
		if t.Error != "" {
			word += fmt.Sprintf(" [%s]", t.Error)
		}
		if !t.DownSince.IsZero() {
			word += fmt.Sprintf(" @%d", t.DownSince.Unix())
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// A tunnel is down since it was first seen so, and for the reason that was heard then;
// one that can't be looked at is neither up nor down.
func TestSinceWhenTunnelsAreDown(t *testing.T) {
	down := func(why string, since int64) Tunnel {
		one := tunnel("a", "")
		one.Why = why
		if since != 0 {
			one.DownSince = time.Unix(since, 0)
		}
		return one
	}
	up := down("", 0)
	up.Up = true
	lost := Tunnel{ID: wireID("w"), Block: "block.w", Error: "no permission"}
	for name, c := range map[string]struct {
		before, found []Tunnel
		want          string
	}{
		"new and down":              {nil, []Tunnel{down("", 0)}, "a- @9"},
		"was up":                    {[]Tunnel{up}, []Tunnel{down("no answer", 0)}, "a- (no answer) @9"},
		"is still down":             {[]Tunnel{down("no answer", 5)}, []Tunnel{down("", 0)}, "a- (no answer) @5"},
		"for another reason":        {[]Tunnel{down("no answer", 5)}, []Tunnel{down("refused", 0)}, "a- (refused) @5"},
		"is up again":               {[]Tunnel{down("no answer", 5)}, []Tunnel{up}, "a+"},
		"can't be looked at":        {[]Tunnel{tunnel("w", "x+"), tunnel("w", "y-")}, []Tunnel{lost}, "w x- [no permission], w y- [no permission]"},
		"never could":               {nil, []Tunnel{lost}, "w- [no permission]"},
		"was not to be looked at":   {[]Tunnel{lost}, []Tunnel{{ID: lost.ID}}, "w- @9"},
		"the order is always alike": {nil, []Tunnel{tunnel("w", "y+"), tunnel("w", "x+"), up}, "a+, w x+, w y+"},
	} {
		if got := told(Since(time.Unix(9, 0), c.before, c.found)); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

// They are looked at by their names alone, and each once.
func TestLookAtTunnels(t *testing.T) {
	h := &wires{texts: map[string]string{"w": "x+ z+", "b": "b-"}}
	c := resource.Catalog{Kinds: []resource.Kind{resource.Define[wire]("wire", "", resource.Traits{View: resource.Tunnels}, h)}}
	why := tunnel("b", "b-")
	why.Why = "no answer"
	before := []Tunnel{tunnel("w", "x+"), tunnel("w", "y-"), why, tunnel("gone", "gone+"), tunnel("hidden", "p+"), {ID: resource.ID{Kind: "other", Name: "o"}, TunnelState: resource.TunnelState{Up: true}}}
	got := told(Look(t.Context(), c, before))
	want := "o- [this vpnd knows no kind other], b- (no answer), gone-, hidden p- [no permission], w x+, w z+"
	if got != want {
		t.Errorf("%s\nnot %s", got, want)
	}
	if want, ok := h.wants["w"]; !ok || want != nil || len(h.wants) != 4 {
		t.Errorf("looked at %v", h.wants)
	}
}

// Who does not answer in time keeps nobody waiting, and is not said to be down.
func TestLookAtTunnelsEnds(t *testing.T) {
	h := &wires{hangs: true}
	c := resource.Catalog{Kinds: []resource.Kind{resource.Define[wire]("wire", "", resource.Traits{View: resource.Tunnels}, h)}}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("no answer in time"))
	defer cancel()
	if got := told(Look(ctx, c, []Tunnel{tunnel("a", "a+")})); got != "a- [no answer in time]" {
		t.Error(got)
	}
}
