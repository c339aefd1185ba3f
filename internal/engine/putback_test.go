package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// service is a reader that starts with conf, has a wall before it and reads a
// list all the time.
func service(conf, wall, list, mode string) []resource.Resource {
	r := reader(resource.Restart, "conf")
	r.Want.(*thing).Mode = &mode
	r.Triggers = append(r.Triggers, resource.Trigger{On: id("list"), Do: resource.None})
	r.After = append(r.After, id("wall"), id("list"))
	return []resource.Resource{wish("conf", text(conf)), wish("wall", text(wall)), wish("list", text(list)), r, wish("profile", text(conf), "reader"), wish("other", text(conf))}
}

// inForce makes a configuration the one in force, as an apply does.
func (r *rig) inForce(rs []resource.Resource) {
	r.Helper()
	w := &state.Wish{Since: r.time}
	for _, res := range rs {
		shape, err := resource.Encode(res.Want, resource.Reveal)
		if err != nil {
			r.Fatal(err)
		}
		w.Present = append(w.Present, state.Was{ID: res.ID, Shape: shape})
	}
	if err := r.engine().Store.KeepWish(w); err != nil {
		r.Fatal(err)
	}
}

// A service that does not start with what an apply has changed runs again with
// what it ran with. What it reads all the time, a revocation list, stays new.
func TestWhatAServiceDoesNotStartWithIsPutBack(t *testing.T) {
	for _, c := range []struct{ name, mode, back, held, next string }{
		{"what it reads", "0644", "thing.conf, thing.wall", "[thing.conf thing.wall]", "refresh reader (follows)"},
		{"its own too", "0600", "thing.conf, thing.wall, thing.reader", "[thing.conf thing.reader thing.wall]", "update reader (configuration)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.things["conf"] = text("theirs")
			r.converge(service("1", "1", "1", "0644")...)
			was := r.texts()
			r.dies = "bad"
			bad := service("bad", "2", "2", c.mode)
			r.inForce(bad)
			err := r.apply(bad...).Failed()
			if err == nil || !strings.Contains(err.Error(), "it does not start\nIt runs again with what it ran with before, which was put back: "+c.back+"\n") {
				t.Fatalf("failed: %v", err)
			}
			if !*r.things["reader"].Active || *r.things["reader"].Mode != "0644" {
				t.Error("the service is not as it was")
			}
			was["list"], was["other"] = "2", "bad"
			if diff := cmp.Diff(was, r.texts()); diff != "" {
				t.Error(diff)
			}
			hold, err := r.engine().Store.Suppression()
			if err != nil || hold == nil || strings.Join(strings.Fields(strings.ReplaceAll(c.held, "thing.", "")), " ") != names(hold.IDs) {
				t.Errorf("held: %+v, %v", hold, err)
			}
			next := told(r.plan(bad...))
			for _, want := range []string{"update conf (configuration)", "update wall (configuration)", "update profile (configuration)", c.next} {
				if !strings.Contains(next, want) {
					t.Errorf("the next plan lacks %q: %s", want, next)
				}
			}
			expect(t, "the plan of what it runs with", told(r.plan(service("1", "1", "2", "0644")...)), "update other (configuration)")
			r.converge(service("good", "2", "2", c.mode)...)
			r.converge()
			expect(t, "what stood there before vpnd", *r.things["conf"].Text, "theirs")
		})
	}
}

func names(ids []resource.ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, id.Name)
	}
	return "[" + strings.Join(words, " ") + "]"
}

// Nothing is put back for a service that did not run before, nor of a repair:
// what was there before that is what somebody broke.
func TestNothingIsPutBackForWhatDidNotRun(t *testing.T) {
	r := newRig(t)
	r.dies = "bad"
	err := r.apply(service("bad", "1", "1", "0644")...).Failed()
	if err == nil || strings.Contains(err.Error(), "put back") || *r.things["conf"].Text != "bad" {
		t.Errorf("%v, %s", err, *r.things["conf"].Text)
	}
	r = newRig(t)
	all := service("1", "1", "1", "0644")
	r.converge(all...)
	r.things["conf"], r.dies = text("2"), "1"
	e := r.engine()
	p, err := e.Plan(context.Background(), resource.Desired{Present: all})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(context.Background(), p).Failed(); err == nil || strings.Contains(err.Error(), "put back") {
		t.Error(err)
	}
	expect(t, "conf", *r.things["conf"].Text, "1")
}

// A notebook is a kind of what nobody runs, as files are.
type notebook map[string]string

type page struct {
	Text *string `vpnd:"text"`
}

func (p notebook) Observe(ctx context.Context, wants map[string]*page) (map[string]*page, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *page) (*page, error) { return p.observe(ctx, name) })
}

func (p notebook) Apply(ctx context.Context, items []resource.Item[page]) error {
	return resource.ApplyEach(items, func(i resource.Item[page]) error { return p.apply(ctx, i.Name, i.Got, i.Want) })
}

func (p notebook) Remove(ctx context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error { return p.remove(ctx, name) })
}

func (p notebook) observe(_ context.Context, name string) (*page, error) {
	if text, ok := p[name]; ok {
		return &page{Text: &text}, nil
	}
	return nil, nil
}

func (p notebook) apply(_ context.Context, name string, _ *page, want page) error {
	if *want.Text == "bad" {
		return errors.New("its reader refuses it")
	}
	p[name] = *want.Text
	return nil
}

func (p notebook) remove(_ context.Context, name string) error {
	delete(p, name)
	return nil
}

// A file that is refused is no service: nothing ran with it, and nothing is put
// back or held.
func TestNothingIsPutBackForWhatIsNoService(t *testing.T) {
	r := newRig(t)
	r.more = append(r.more, resource.Define("note", "", resource.Traits{Path: true}, notebook{}))
	one := func(text string) resource.Resource {
		return resource.Resource{ID: resource.ID{Kind: "note", Name: "one"}, Want: &page{Text: &text}, Owners: owner("b")}
	}
	r.converge(one("good"))
	if err := r.apply(one("bad")).Failed(); err == nil || strings.Contains(err.Error(), "put back") {
		t.Errorf("failed: %v", err)
	}
	if hold, err := r.engine().Store.Suppression(); err != nil || hold != nil {
		t.Errorf("held: %+v, %v", hold, err)
	}
}
