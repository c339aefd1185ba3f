package engine

import (
	"context"
	"fmt"
	"testing"

	"vpnd/internal/resource"
)

// rules are a kind that a program shows, as iptables does the rules of the kernel.
type rules struct {
	*host
	installed *bool
}

func (k rules) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	return resource.ObserveEach(ctx, wants, func(name string, _ *thing) (*thing, error) { return k.observe(ctx, name) })
}

func (k rules) observe(ctx context.Context, name string) (*thing, error) {
	if !*k.installed {
		return nil, fmt.Errorf("the tool is not installed: %w", resource.ErrNoTool)
	}
	return k.host.observe(ctx, name)
}

// newBlindRig has rules, whose program is there or not.
func newBlindRig(t *testing.T) (r *rig, installed *bool) {
	r, installed = newRig(t), resource.Ptr(true)
	r.more = []resource.Kind{resource.Define("rules", "", resource.Traits{}, rules{r.host, installed})}
	return r, installed
}

func rule(name, s string) resource.Resource {
	r := wish(name, text(s))
	r.ID.Kind = "rules"
	return r
}

func TestWhatCantBeLookedAtIsUnknownAndStaysOnRecord(t *testing.T) {
	r, installed := newBlindRig(t)
	r.converge(rule("input", "1"))
	*installed = false
	expect(t, "a plan", told(r.plan(rule("input", "1"))), "unknown input")
	expect(t, "a destroy", told(r.plan()), "unknown input")
	if report := r.apply(); len(report.Results) > 0 {
		t.Errorf("%+v", report.Results)
	}
	if _, recorded := r.engine().Store.Record(rule("input", "").ID); !recorded {
		t.Error("what stands was forgotten")
	}
	*installed = true
	r.converge()
	expect(t, "what stands", fmt.Sprint(r.texts()), "map[]")
}

// A package that the same plan installs may bring the program. Where it does
// not come, what was new before is new again.
func TestWhatIsNewWaitsForItsProgram(t *testing.T) {
	r, installed := newBlindRig(t)
	*installed = false
	for range 2 {
		expect(t, "the plan", told(r.plan(rule("input", "1"))), "create input (new)")
		if r.apply(rule("input", "1")).Failed() == nil {
			t.Error("rules were made without their program")
		}
	}
	if _, recorded := r.engine().Store.Record(rule("input", "").ID); recorded {
		t.Error("what was never touched is on record")
	}
	e := r.engine()
	late := rule("input", "1")
	late.After = []resource.ID{id("package")}
	p, err := e.Plan(context.Background(), resource.Desired{Present: []resource.Resource{wish("package", text("1")), late}})
	if err != nil {
		t.Fatal(err)
	}
	e.Done = func(c Change, _ error) { *installed = *installed || c.ID.Name == "package" }
	if err := e.Apply(context.Background(), p).Failed(); err != nil {
		t.Error(err)
	}
	expect(t, "what stands", fmt.Sprint(r.texts()), "map[input:1 package:1]")
}

// What was seen while the program was missing is nothing to go back to.
func TestSnapshotHoldsNothingThatCouldNotBeLookedAt(t *testing.T) {
	r, installed := newBlindRig(t)
	r.converge(rule("input", "1"), wish("a", text("1")))
	*installed = false
	r.apply(rule("input", "1"), wish("a", text("2")))
	*installed = true
	r.undo()
	expect(t, "what stands", fmt.Sprint(r.texts()), "map[a:1 input:1]")
}
