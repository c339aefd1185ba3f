package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// vault is a host of files. Others hold the other half of those whose text is
// "half", and a file is made from the one that it is to follow.
type vault struct{ *host }

func (vault) From(want thing) []string {
	if want.From == nil {
		return nil
	}
	return []string{*want.From}
}

func (vault) Invalidates(got, want *thing) string {
	if want.Text == nil || *want.Text != "half" || got != nil && *got.Text == "half" {
		return ""
	}
	return "the other half"
}

// paper is a wish for a file; made names what it is made from.
func paper(name string, want thing, made string, after ...resource.ID) resource.Resource {
	r := wish(name, want)
	r.ID.Kind, r.After = "vault", after
	if made != "" {
		on := resource.ID{Kind: "vault", Name: made}
		r.Want.(*thing).From = &made
		r.After = append(r.After, on)
		r.Triggers = []resource.Trigger{{On: on, Do: resource.Rebuild}}
	}
	return r
}

func TestAgentLeavesWhatIsLost(t *testing.T) {
	for _, c := range []struct {
		name string
		lose []string
		left string
	}{
		{"the key alone", []string{"/ca/key"}, "create loose; create /ca/key lacks /ca/key; update /ca/cert lacks /ca/key"},
		// A new directory would be in the way of the old one.
		{
			"all of it",
			[]string{"/ca", "/ca/key", "/ca/own", "/ca/cert"},
			"create loose; create /ca lacks /ca/key; create /ca/key lacks /ca/key; create /ca/own lacks /ca/key; create /ca/cert lacks /ca/key; update /pair lacks /ca/key; update /copy lacks /ca/key",
		},
		// A reader whose file stands does not wait, and one whose file is gone does.
		{"a reader", []string{"/ca/key", "/ca/cert", "reader"}, "create loose; create /ca/key lacks /ca/key; create /ca/cert lacks /ca/key; update /copy lacks /ca/key; create reader"},
		{"what it reads", []string{"/ca/key", "/ca/cert", "/copy", "reader"}, "create loose; create /ca/key lacks /ca/key; create /ca/cert lacks /ca/key; create /copy lacks /ca/key; create reader lacks /ca/key"},
		// It would be made for nothing, and its reader would get half of a pair.
		{"both halves", []string{"/ca/key", "/ca/own"}, "create loose; create /ca/key lacks /ca/key; create /ca/own lacks /ca/key; update /ca/cert lacks /ca/key; update /pair lacks /ca/key"},
		{"something else", []string{"/ca/own"}, "create loose; create /ca/own; update /pair"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.more = []resource.Kind{resource.Define("vault", "", resource.Traits{Path: true}, vault{r.host})}
			directory := resource.ID{Kind: "vault", Name: "/ca"}
			pair := paper("/pair", thing{}, "/ca/own", resource.ID{Kind: "vault", Name: "/ca/key"})
			all := []resource.Resource{
				paper("/ca", text("directory"), ""),
				paper("/ca/key", text("half"), "", directory), paper("/ca/own", text("1"), "", directory),
				paper("/ca/cert", thing{}, "/ca/key", directory), pair, paper("/copy", thing{}, "/ca/cert"),
				wish("loose", text("1")), wish("reader", thing{Active: resource.Ptr(true)}, "loose"),
			}
			all[7].After = append(all[7].After, resource.ID{Kind: "vault", Name: "/copy"})
			all[7].Triggers = []resource.Trigger{{On: resource.ID{Kind: "vault", Name: "/copy"}, Do: resource.Restart}}
			r.converge(all...)
			before := r.texts()
			r.took()
			lost := map[string]thing{"loose": r.things["loose"]}
			for _, name := range append(c.lose, "loose") {
				lost[name] = r.things[name]
				delete(r.things, name)
			}
			e := r.engine()
			e.Protects = true
			plan := func() *Plan {
				p, err := e.Plan(context.Background(), resource.Desired{Present: all})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			p := plan()
			var lines []string
			for _, c := range p.Changes {
				line := fmt.Sprintf("%s %s", c.Action, c.ID.Name)
				if c.Lacks.Name != "" {
					line += " lacks " + c.Lacks.Name
				}
				lines = append(lines, line)
			}
			expect(t, "the plan", strings.Join(lines, "; "), c.left)
			rest := p.Without(func(c Change) bool { return c.Lacks != resource.ID{} })
			if report := e.Apply(context.Background(), rest); report.Failed() != nil {
				t.Error(report.Failed())
			}
			for name := range lost {
				if _, made := r.things[name]; !made {
					r.things[name] = lost[name]
				}
			}
			if p := plan(); len(p.Changes) > 0 {
				t.Errorf("once it is put back there is still to do: %s", told(p))
			}
			for name, was := range before {
				if r.texts()[name] != was {
					t.Errorf("%s is %q instead of %q", name, r.texts()[name], was)
				}
			}
		})
	}
}

// What comes after the block of a key waits for a lost one as what comes after the
// key itself does, and what is of that block, or stands alone, does not.
func TestWhatComesAfterTheBlockOfALostKeyWaits(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("vault", "", resource.Traits{Path: true}, vault{r.host}), resource.Define("rule", "", resource.Traits{Alone: true}, r.host)}
	block := resource.ID{Kind: "block", Name: "ca"}
	key, sibling := paper("/key", text("half"), ""), paper("/sibling", text("1"), "", block)
	key.Owners, sibling.Owners = []resource.Owner{{Block: block}}, []resource.Owner{{Block: block}}
	direct, behind := paper("/direct", text("1"), "", key.ID), paper("/behind", text("1"), "", block)
	rule := wish("rule", text("1"))
	rule.ID.Kind, rule.After = "rule", []resource.ID{block}
	all := []resource.Resource{key, sibling, direct, behind, paper("/last", text("1"), "", behind.ID), rule}
	r.converge(all...)
	clear(r.things)
	e := r.engine()
	e.Protects = true
	p, err := e.Plan(context.Background(), resource.Desired{Present: all})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Changes {
		waits := !slices.Contains([]string{"/sibling", "rule"}, c.ID.Name)
		if (c.Lacks == key.ID) != waits {
			t.Errorf("%s lacks %q", c.ID, c.Lacks)
		}
	}
	if len(p.Changes) != len(all) {
		t.Errorf("the plan: %s", told(p))
	}
}

// A person's apply makes it anew, and the plan says what that costs.
func TestPlanSaysWhatIsVoid(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("vault", "", resource.Traits{Path: true}, vault{r.host})}
	key := paper("/key", text("half"), "")
	if p := r.plan(key); p.Changes[0].Invalidates != "" {
		t.Errorf("a first key voids %s", p.Changes[0].Invalidates)
	}
	r.converge(key)
	delete(r.things, "/key")
	if p := r.plan(key); p.Changes[0].Invalidates != "the other half" || p.Changes[0].Lacks != (resource.ID{}) {
		t.Errorf("%+v", p.Changes[0])
	}
	r.converge(key)
}

// What is found on the host may tell that what is lost was there before, also where no
// record says so.
func TestWhatTheHostKnowsToBeLostNeedsNoRecord(t *testing.T) {
	r := newRig(t)
	r.more = []resource.Kind{resource.Define("vault", "", resource.Traits{Path: true, Finds: true}, vault{r.host})}
	key, pair := paper("/key", text("half"), ""), paper("/pair", thing{}, "/key")
	if p := r.plan(key, pair); p.Changes[0].Invalidates != "the other half" {
		t.Errorf("void is %q", p.Changes[0].Invalidates)
	}
	e := r.engine()
	e.Protects = true
	p, err := e.Plan(context.Background(), resource.Desired{Present: []resource.Resource{key, pair}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Changes {
		if c.Lacks != key.ID {
			t.Errorf("%s does not wait", c.ID)
		}
	}
}
