package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"vpnd/internal/resource"
)

// exacting are things that want something to be there first.
type exacting struct{ *host }

func (e exacting) Preflight(_ context.Context, name string, want thing, plan resource.Prospect) error {
	if want.From == nil {
		return nil
	}
	if _, there := e.things[*want.From]; !there && !plan.Comes("exacting", *want.From) {
		return fmt.Errorf("there is no %s", *want.From)
	}
	return nil
}

func (e exacting) Check(_ context.Context, _ string, want thing) error {
	if want.Mode != nil && *want.Mode == "9999" {
		return errors.New("its reader refuses this")
	}
	return nil
}

func TestPreflight(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("exacting", "", resource.Traits{}, exacting{r.host})}
	exact := func(name string, want thing) resource.Resource {
		res := wish(name, want)
		res.ID.Kind = "exacting"
		return res
	}
	needs := func(name string) thing { return thing{From: &name, Text: resource.Ptr("x")} }
	wants := func(res resource.Resource, m *resource.Mistake) resource.Resource {
		res.Requires = []resource.Requirement{{Owner: res.Owners[0], Path: "uplink", Met: func(context.Context, resource.Prospect) *resource.Mistake { return m }}}
		return res
	}
	preflight := func(rs ...resource.Resource) (string, *Plan) {
		p := r.plan(rs...)
		err := r.engine().Preflight(context.Background(), p)
		if err == nil {
			return "", p
		}
		var wish *WishError
		if !errors.As(err, &wish) {
			t.Errorf("%v has no place", err)
		}
		return fmt.Sprintf("%s, %s: %v", wish.ID.Name, wish.Path, wish.Err), p
	}
	for name, c := range map[string]struct {
		rs   []resource.Resource
		want string
	}{
		"what is not there":               {[]resource.Resource{exact("a", needs("b"))}, "a, : there is no b"},
		"what comes":                      {[]resource.Resource{exact("a", needs("b")), exact("b", text("1"))}, ""},
		"what its reader refuses":         {[]resource.Resource{exact("a", thing{Mode: resource.Ptr("9999")})}, "a, : its reader refuses this"},
		"what a block requires":           {[]resource.Resource{wants(wish("a", text("1")), &resource.Mistake{Summary: "none", Hint: "make one"})}, "a, uplink: none; make one"},
		"what a block requires and is so": {[]resource.Resource{wants(wish("a", text("1")), nil)}, ""},
	} {
		if got, _ := preflight(c.rs...); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	got, p := preflight(wants(wish("a", text("1")), &resource.Mistake{Summary: "later", Hint: "wait", Warning: true}))
	if got != "" || len(p.Notes) != 1 || p.Notes[0].Text != "in block.b, uplink: later; wait" {
		t.Errorf("a warning: %q, %+v", got, p.Notes)
	}
	// What is in force already is put right as far as that goes.
	bad := wants(wish("a", text("1")), nil)
	r.converge(bad)
	bad = wants(bad, &resource.Mistake{Summary: "none", Hint: "make one"})
	r.things["a"] = text("2")
	if got, _ := preflight(bad); got != "" {
		t.Errorf("drift: %q", got)
	}
	if got, _ := preflight(wants(wish("a", text("3")), &resource.Mistake{Summary: "none", Hint: "make one"})); got == "" {
		t.Error("a change is not asked about")
	}
	if len(r.things) != 1 || *r.things["a"].Text != "2" {
		t.Errorf("a preflight changed the host: %+v", r.things)
	}
}
