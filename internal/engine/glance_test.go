package engine

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"vpnd/internal/engine/glance"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
	"vpnd/internal/state"
)

// sighted is a host whose things are told by little whether they stand.
type sighted struct {
	*host
	looked []string // names that were observed
	blind  map[string]bool
	ends   time.Time // when all runs out; zero for never
}

func (s *sighted) Observe(ctx context.Context, wants map[string]*thing) (map[string]*thing, error) {
	for name := range wants {
		s.looked = append(s.looked, name)
	}
	slices.Sort(s.looked)
	return s.host.Observe(ctx, wants)
}

func (s *sighted) Sight(_ context.Context, names []string, wants []*thing) []resource.Sighting {
	all := make([]resource.Sighting, len(names))
	for i, name := range names {
		is, there := s.things[name]
		if !there || s.blind[name] {
			continue
		}
		about := []any{is.Text, is.Mode, is.Active, is.Beside, is.Secret != nil}
		if from := wants[i].From; from != nil {
			about = append(about, s.things[*from].Text)
		}
		text, err := json.Marshal(about)
		if err != nil {
			panic(err)
		}
		all[i] = sha256.Sum256(text)
	}
	return all
}

func (s *sighted) Lasts(_ *thing, now time.Time) bool { return s.ends.IsZero() || now.Before(s.ends) }

func (s *sighted) took() string {
	looked := fmt.Sprint(s.looked)
	s.looked = nil
	return looked
}

// looker is an engine that remembers from plan to plan.
func looker(t *testing.T) (*rig, *Engine, *sighted) {
	r := newRig(t)
	s := &sighted{host: r.host, blind: make(map[string]bool)}
	e := r.engine()
	e.Catalog.Kinds = []resource.Kind{resource.Define("thing", "", resource.Traits{Path: true}, s)}
	e.Glance = new(glance.Memory)
	return r, e, s
}

func (e *Engine) whole(t interface{ Fatal(...any) }, all ...resource.Resource) *Plan {
	p, err := e.Plan(context.Background(), resource.Desired{Present: all, Absent: e.Leftovers(all)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What stands is not observed again, and all else is: what moved, what may have, what is
// asked for anew, and all of it where the clock is not to be trusted.
func TestWhatStandsIsNotFoundOutAnew(t *testing.T) {
	r, e, s := looker(t)
	all := []resource.Resource{wish("a", text("1")), wish("b", text("2"), "a"), wish("c", text("3"))}
	e.Apply(context.Background(), e.whole(t, all...))
	look := func(what, changes, looked string) {
		t.Helper()
		s.took()
		expect(t, what, told(e.whole(t, all...)), changes)
		expect(t, what+": observed", s.took(), looked)
	}
	look("after the apply", "", "[a b c]")
	look("again", "", "[]")
	moved := r.things["b"]
	moved.Text = resource.Ptr("moved")
	r.things["b"] = moved
	look("one drifts", "update b (drift)", "[b]")
	look("and is not repaired", "update b (drift)", "[b]")
	moved.Text = resource.Ptr("2")
	r.things["b"] = moved
	look("and is as it was", "", "[b]")
	look("at rest", "", "[]")
	delete(r.things, "c")
	look("one goes", "create c (drift)", "[c]")
	e.Apply(context.Background(), e.whole(t, all...))
	look("and was repaired", "", "[c]")
	s.blind["a"] = true
	look("one can't be told of", "", "[a]")
	look("and still not", "", "[a]")
	delete(s.blind, "a")
	look("and now it can", "", "[a]")
	s.ends = r.time
	look("time has passed", "", "[a b c]")
	s.ends = time.Time{}
	look("what did not last was not remembered", "", "[a b c]")
	look("and now it is", "", "[]")
	r.time = r.time.Add(-time.Hour)
	look("the clock was set back", "", "[a b c]")
	all[2] = wish("c", text("3"))
	look("the same is asked for by another configuration", "", "[c]")
	all = all[1:]
	all[0].After = nil
	look("less is asked for", "remove a (dropped)", "[a b c]")
}

// What others put on record is noticed as well.
func TestWhatStandsIsJudgedByItsRecord(t *testing.T) {
	_, e, s := looker(t)
	all := []resource.Resource{wish("a", text("1")), wish("b", text("2"))}
	e.Apply(context.Background(), e.whole(t, all...))
	e.whole(t, all...)
	record, _ := e.Store.Record(id("a"))
	record.Open = true
	if err := e.Store.Commit(state.Fact{Put: &record}); err != nil {
		t.Fatal(err)
	}
	s.took()
	if p := e.whole(t, all...); len(p.quiet) != 1 || p.quiet[0].ID != id("a") {
		t.Errorf("%d are to be put on record", len(p.quiet))
	}
	expect(t, "observed", s.took(), "[a]")
}

// What is found as it is asked for is to be put on record until it is.
func TestWhatIsNotOnRecordIsToBePutThere(t *testing.T) {
	r, e, _ := looker(t)
	r.things["a"] = thing{Text: resource.Ptr("1"), Mode: resource.Ptr("0644"), Secret: resource.NewSecret(""), Active: resource.Ptr(false)}
	all := []resource.Resource{wish("a", text("1"))}
	for range 2 {
		if p := e.whole(t, all...); len(p.quiet) != 1 || p.OnRecord() {
			t.Fatalf("%d are to be put on record", len(p.quiet))
		}
	}
}

// What stands takes notice of what changes beside it.
func TestWhatStandsFollowsWhatItReads(t *testing.T) {
	_, e, s := looker(t)
	follower := wish("follower", thing{From: resource.Ptr("conf")}, "conf")
	follower.Triggers = []resource.Trigger{{On: id("conf"), Do: resource.Rebuild}}
	all := []resource.Resource{wish("conf", text("1")), follower, reader(resource.Reload, "conf")}
	e.Apply(context.Background(), e.whole(t, all...))
	expect(t, "converged", told(e.whole(t, all...)), "")
	s.took()
	all[0] = wish("conf", text("2"))
	expect(t, "plan", told(e.whole(t, all...)), "update conf (configuration); update follower (follows); refresh reader (follows)")
	expect(t, "observed", s.took(), "[conf]")
}

// Whatever happens on the host, a plan that goes by what stands is the one that finds
// out all.
func TestAGlanceSeesWhatALookSees(t *testing.T) {
	resourcetest.Repeatable()
	rapid.Check(t, func(rt *rapid.T) {
		r, e, s := looker(t)
		all := someWishes(rt, 0)
		for round := range rapid.IntRange(2, 8).Draw(rt, "rounds") {
			one := rapid.SampledFrom([]string{"t0", "t1", "t2", "t3", "reader"}).Draw(rt, "where")
			switch rapid.SampledFrom([]string{"rest", "drift", "gone", "edited", "unknown"}).Draw(rt, "what happens") {
			case "drift":
				if is, there := r.things[one]; there {
					is.Text = resource.Ptr(fmt.Sprint("moved in ", round))
					r.things[one] = is
				}
			case "gone":
				delete(r.things, one)
			case "edited":
				all, e.Glance = someWishes(rt, round), new(glance.Memory)
			case "unknown":
				s.blind[one] = !s.blind[one]
			}
			plain := *e
			plain.Glance = nil
			p, whole := e.whole(rt, all...), plain.whole(rt, all...)
			if a, b := everything(p), everything(whole); a != b {
				rt.Fatalf("round %d\n with: %s\nwithout: %s", round, a, b)
			}
			if p.OnRecord() != whole.OnRecord() {
				rt.Fatalf("round %d: on record is %v", round, p.OnRecord())
			}
			if rapid.Bool().Draw(rt, "applied") {
				e.Apply(context.Background(), p)
			}
		}
	})
}

// everything is all that a plan says.
func everything(p *Plan) string {
	text := fmt.Sprint(told(p), " ", p.Notes, p.Lost, p.Waits, p.Spared, len(p.quiet))
	for _, c := range p.Changes {
		text += fmt.Sprintf("\n%s %v %s %v", c.ID, c.Diffs, c.Because, c.Cost)
	}
	for _, it := range p.items {
		text += "\n" + it.ID.String()
	}
	return text
}
