package report

import (
	"context"
	"io/fs"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// thing is the shape of a kind whose host is a map.
type thing struct {
	Text    *string          `vpnd:"text,text,glance"`
	Value   *string          `vpnd:"value,glance"`
	Secret  *resource.Secret `vpnd:"secret,glance"`
	Active  *bool            `vpnd:"active,runs,glance"`
	List    []string         `vpnd:"list,glance"`
	Parts   []part           `vpnd:"part,block"`
	Derived *bool            `vpnd:"derived,hint"` // made of what triggers it
	Current *bool            `vpnd:"current,computed"`
	Fresh   *bool            `vpnd:"fresh,computed,ages"`
	Mode    *string          `vpnd:"mode,meta"`
	Stray   []string         `vpnd:"stray,computed,glance" words:"there without leave"`
	Boot    *string          `vpnd:"boot,computed" words:"at boot"`
	Remark  *string          `vpnd:"remark,computed,hint"`
	Cost    *resource.Effect `vpnd:"cost,hint"`
}

type part struct {
	Name string  `vpnd:"name,label"`
	Body *string `vpnd:"body,text"`
	Key  *string `vpnd:"key"`
}

// host is the verbs of things. Each has all attributes of its kind, so that an
// observation leaves nothing nil.
type host map[string]*thing

func (h host) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *thing) (*thing, error) { return h.observe(ctx, name) })
}

func (h host) Apply(ctx context.Context, items []resource.Item[thing]) error {
	return resource.ApplyEach(items, func(i resource.Item[thing]) error { return h.apply(ctx, i.Name, i.Got, i.Want) })
}

func (h host) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return h.remove(ctx, name) })
}

func (h host) observe(_ context.Context, name string) (*thing, error) {
	if name == "unreadable" {
		return nil, fs.ErrPermission
	}
	t, ok := h[name]
	if !ok {
		return nil, nil
	}
	c := *t
	return &c, nil
}

func (h host) Normalize(_ context.Context, wants map[string]*thing) (map[string]*thing, error) {
	for _, want := range wants {
		want.Fresh = resource.Ptr(true)
		if want.Derived != nil {
			want.Current = resource.Ptr(true)
		}
	}
	return wants, nil
}

func (h host) apply(_ context.Context, name string, got *thing, want thing) error {
	if name == "broken" {
		return fs.ErrInvalid
	}
	h[name] = merged(got, want)
	return nil
}

func (h host) remove(_ context.Context, name string) error {
	delete(h, name)
	return nil
}

func (h host) Refresh(context.Context, string, thing, resource.Effect) error { return nil }

// Cost is what the wish or, where it goes, the thing itself says.
func (host) Cost(_ string, got, want *thing) resource.Effect {
	for _, t := range []*thing{want, got} {
		if t != nil && t.Cost != nil {
			return *t.Cost
		}
	}
	return resource.None
}

// merged is what stands there after an apply.
func merged(got *thing, want thing) *thing {
	t := got
	if t == nil {
		t = whole()
	}
	if want.Text != nil {
		t.Text = want.Text
	}
	if want.Value != nil {
		t.Value = want.Value
	}
	if want.Secret != nil {
		t.Secret = want.Secret
	}
	if want.Active != nil {
		t.Active = want.Active
	}
	if want.List != nil {
		t.List = want.List
	}
	if want.Parts != nil {
		t.Parts = want.Parts
	}
	if want.Cost != nil {
		t.Cost = want.Cost
	}
	t.Fresh, t.Current = resource.Ptr(true), resource.Ptr(true)
	return t
}

func whole() *thing {
	return &thing{
		Text: resource.Ptr(""), Value: resource.Ptr(""), Secret: resource.NewSecret(""), Active: resource.Ptr(false),
		List: []string{}, Parts: []part{}, Derived: resource.Ptr(false), Current: resource.Ptr(true), Fresh: resource.Ptr(true),
		Remark: resource.Ptr(""), Cost: resource.Ptr(resource.None),
	}
}

// rig is an engine on a host of things.
type rig struct {
	*testing.T
	host
	*engine.Engine
}

func newRig(t *testing.T) *rig {
	t.Helper()
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	h := host{}
	return &rig{t, h, &engine.Engine{
		Catalog: resource.Catalog{Kinds: []resource.Kind{resource.Define("thing", "", resource.Traits{}, h)}},
		Store:   store,
		Now:     func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}}
}

func id(name string) resource.ID { return resource.ID{Kind: "thing", Name: name} }

// wish is a thing that the block of the same name asks for.
func wish(line int, name string, want thing, triggers ...resource.Trigger) resource.Resource {
	return resource.Resource{
		ID: id(name), Want: &want, Triggers: triggers,
		Owners: []resource.Owner{{Block: resource.ID{Kind: "block", Name: name}, File: "vpn.hcl", Line: line}},
	}
}

func (r *rig) plan(wishes ...resource.Resource) *engine.Plan {
	r.Helper()
	p, err := r.Plan(context.Background(), resource.Desired{Present: wishes, Absent: r.Leftovers(wishes)})
	if err != nil {
		r.Fatal(err)
	}
	return p
}

func (r *rig) apply(wishes ...resource.Resource) engine.Report {
	r.Helper()
	return r.Engine.Apply(context.Background(), r.plan(wishes...))
}
