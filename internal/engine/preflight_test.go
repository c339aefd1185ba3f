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
	if _, there := e.things[*want.From]; there {
		return nil
	}
	m := resource.Mistake{Path: "from", Summary: "there is no " + *want.From, Hint: "make it"}
	return plan.Lacking(m, resource.ID{Kind: "exacting", Name: *want.From}).Err()
}

// Brings says that what has the mode 0001 may bring anything.
func (exacting) Brings(_ string, _, want *thing) (things []resource.ID, may []string) {
	if want.Mode != nil && *want.Mode == "0001" {
		return nil, []string{"exacting"}
	}
	return nil, nil
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
	brings := func(res resource.Resource, name string) resource.Resource {
		res.Brings = []resource.ID{{Kind: "exacting", Name: name}}
		return res
	}
	opaque := thing{Mode: resource.Ptr("0001")}
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
		"what is not there":               {[]resource.Resource{exact("a", needs("b"))}, "a, : there is no b; make it"},
		"what comes":                      {[]resource.Resource{exact("b", text("1")), exact("c", needs("b"))}, ""},
		"what comes too late":             {[]resource.Resource{exact("a", needs("b")), exact("b", text("1"))}, "a, : there is no b; block.b brings it, but comes after this one; name block.b in depends_on"},
		"what comes with another":         {[]resource.Resource{brings(exact("b", text("1")), "x"), exact("c", needs("x"))}, ""},
		"what nothing brings":             {[]resource.Resource{brings(exact("b", text("1")), "x"), exact("c", needs("y"))}, "c, : there is no y; make it"},
		"what may come":                   {[]resource.Resource{exact("b", opaque), exact("c", needs("x"))}, ""},
		"what may come too late":          {[]resource.Resource{exact("b", needs("x")), exact("c", opaque)}, "b, : there is no x; make it; if block.b brings it, name that in depends_on"},
		"what may come but for all":       {[]resource.Resource{brings(exact("b", opaque), "x"), exact("c", needs("y"))}, "c, : there is no y; make it"},
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
	if got, p := preflight(exact("b", opaque), exact("c", needs("x"))); got != "" || len(p.Notes) != 1 || p.Notes[0].Text != "in block.b: there is no x; where block.b does not bring it, the apply stops there" {
		t.Errorf("what may come: %q, %+v", got, p.Notes)
	}
	// Nobody knows whether what could not be looked at is there.
	if got, p := preflight(exact("unreadable", text("1")), exact("a", needs("unreadable"))); got != "" || len(p.Problems) != 1 {
		t.Errorf("what could not be observed: %q, %+v", got, p.Problems)
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
