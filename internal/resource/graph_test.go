package resource

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// loners has kinds that stand alone, and one that waits.
var loners = Catalog{Kinds: []Kind{{Name: "rule", Traits: Traits{Alone: true, Filters: All}}, {Name: "key", Traits: Traits{Alone: true}}, {Name: "thing"}}}

// asked is a thing of blocks, parted by commas, that comes after others.
func asked(id, blocks string, after ...string) Resource {
	r := Resource{ID: idOf(id)}
	for _, b := range strings.Split(blocks, ",") {
		r.Owners = append(r.Owners, Owner{Block: idOf(b)})
	}
	for _, a := range after {
		r.After = append(r.After, idOf(a))
	}
	return r
}

// at has the first block of a thing stand in a line of a file.
func at(r Resource, file string, line int) Resource {
	r.Owners[0].File, r.Owners[0].Line = file, line
	return r
}

// idOf reads kind.name; a name alone is that of a thing.
func idOf(s string) ID {
	if kind, name, ok := strings.Cut(s, "."); ok {
		return ID{Kind: kind, Name: name}
	}
	return ID{Kind: "thing", Name: s}
}

func listed(ids map[ID]bool) string {
	var names []string
	for _, id := range slices.SortedFunc(maps.Keys(ids), ID.Compare) {
		names = append(names, id.Name)
	}
	return strings.Join(names, " ")
}

// office has one of everything: a block that all of another one comes after, a
// thing of two blocks, rules, and names that nothing has.
func office() []Resource {
	return []Resource{
		asked("key", "block.ca"),
		asked("list", "block.ca", "key"),
		asked("pkg", "block.ca,block.server", "block.ca"), // of the block that it comes after
		asked("sibling", "block.ca", "block.ca"),          // after its own block, and so after nothing
		asked("conf", "block.server", "block.ca"),
		asked("unit", "block.server", "conf", "pkg"),
		asked("rule.open", "block.wall", "block.server"),
		asked("rule.jump", "block.wall", "rule.open"),
		asked("forward", "block.wall", "rule.jump"),
		asked("other", "block.other", "gone", "block.gone"),
	}
}

func TestGraph(t *testing.T) {
	g := NewGraph(loners, office())
	for _, c := range []struct{ what, got, want string }{
		{"what the key is needed by", listed(g.Dependants(idOf("key"))), "conf list unit"},
		{"what the server's unit is needed by", listed(g.Dependants(idOf("unit"))), ""},
		{"what the open rule is needed by", listed(g.Dependants(idOf("rule.open"))), "jump forward"},
		{"what nothing is needed by", listed(g.Dependants(idOf("gone"))), ""},
		{"what the unit needs", listed(g.Reachable(idOf("unit"))), "conf key list pkg sibling unit"},
		{"what the rule comes right after", fmt.Sprint(g.Before(idOf("rule.open"))), "[thing.pkg thing.conf thing.unit]"},
		{"what the package comes right after", fmt.Sprint(g.Before(idOf("pkg"))), "[]"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, not %s", c.what, c.got, c.want)
		}
	}
	left := make(map[ID]bool)
	for _, r := range g.Without(idOf("conf"), idOf("rule.jump")) {
		left[r.ID] = true
	}
	if got := listed(left); got != "open key list other pkg sibling" {
		t.Errorf("left: %s", got)
	}
}

// besides is the wish of a thing that stands aside.
type besides struct{}

func (besides) Aside() bool { return true }

// What stands aside only those need who name it; it comes before the same all the same.
func TestAside(t *testing.T) {
	next := asked("next", "block.ca")
	next.Want = besides{}
	g := NewGraph(loners, append(office(), next, asked("signed", "block.ca", "next")))
	if got := listed(g.Dependants(idOf("next"))); got != "conf signed unit" {
		t.Errorf("it is needed by %s", got) // conf comes after the block of what needs it
	}
	g = NewGraph(loners, append(office(), next))
	if got := listed(g.Dependants(idOf("next"))); got != "" {
		t.Errorf("it is needed by %s", got)
	}
	if got := listed(g.Dependants(idOf("key"))); got != "conf list unit" {
		t.Errorf("what stands beside it is needed by %s", got)
	}
	if !g.Reachable(idOf("conf"))[next.ID] {
		t.Error("it does not come before those that come after its block")
	}
}

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		what string
		all  []Resource
		want string
	}{
		{"an office", office(), "key:0 pkg:0 sibling:0 list:1 conf:2 unit:3 open:4 jump:5 forward:6 other:0"},
		{"blocks stay together", []Resource{asked("b", "block.1", "c"), asked("a", "block.2"), asked("c", "block.1")}, "c:0 b:1 a:0"},
		{"blocks go by their lines", []Resource{asked("a", "block.2"), at(asked("b", "block.3"), "a.hcl", 9), at(asked("c", "block.4"), "b.hcl", 1), at(asked("d", "block.1"), "a.hcl", 2)}, "a:0 d:0 b:0 c:0"},
		{"what two blocks share waits for both", []Resource{asked("switch", "block.vpn,block.gate", "rule.v", "rule.g"), asked("rule.v", "block.vpn"), asked("rule.g", "block.gate", "block.vpn")}, "v:0 g:1 switch:2"},
		{"a round", []Resource{asked("a", "block.1", "block.2"), asked("b", "block.2", "a"), asked("c", "block.3")}, "these need each other, so none can come first: thing.a, thing.b"},
	} {
		var words []string
		turns, err := NewGraph(loners, c.all).Order()
		for _, turn := range turns {
			words = append(words, fmt.Sprintf("%s:%d", c.all[turn.At].ID.Name, turn.Depth))
		}
		if err != nil {
			words = []string{err.Error()}
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s: %s, not %s", c.what, got, c.want)
		}
	}
}

// What a service reads, and what that is made from.
func TestInputsAndReaders(t *testing.T) {
	reads := func(name string, sources ...string) Resource {
		r := asked(name, "block.b")
		for _, s := range sources {
			r.Triggers = append(r.Triggers, Trigger{On: idOf(s), Do: Reload})
		}
		return r
	}
	g := NewGraph(loners, []Resource{reads("source"), reads("bundle", "source"), reads("unit", "bundle", "elsewhere"), reads("round", "round"), reads("other", "round")})
	if got := listed(g.Inputs(idOf("unit"))); got != "bundle elsewhere source" {
		t.Errorf("inputs: %s", got)
	}
	if got := fmt.Sprint(g.Readers(idOf("round"))); got != "[thing.round thing.other]" {
		t.Errorf("readers: %s", got)
	}
}

// comesAfter is the rule, word by word.
func comesAfter(all []Resource, a, b Resource) bool {
	is := func(id ID) bool { return slices.ContainsFunc(all, func(r Resource) bool { return r.ID == id }) }
	return a.ID != b.ID && slices.ContainsFunc(a.After, func(name ID) bool {
		shared := slices.ContainsFunc(a.Owners, func(o Owner) bool { return Owns(o.Block, b) })
		return name == b.ID || !is(name) && Owns(name, b) && !Owns(name, a) && !shared
	})
}

func draw(t *rapid.T) []Resource {
	var all []Resource
	word := rapid.SampledFrom([]string{"block.1", "block.2", "block.3", "block.4"})
	for i := range rapid.IntRange(1, 12).Draw(t, "things") {
		kind := rapid.SampledFrom([]string{"thing", "rule", "key"}).Draw(t, "kind")
		r := asked(fmt.Sprintf("%s.%d", kind, i), strings.Join(rapid.SliceOfNDistinct(word, 1, 2, rapid.ID).Draw(t, "blocks"), ","))
		for range rapid.IntRange(0, 3).Draw(t, "after") {
			if rapid.Bool().Draw(t, "block") || i == 0 {
				r.After = append(r.After, idOf(word.Draw(t, "name")))
			} else {
				r.After = append(r.After, all[rapid.IntRange(0, i-1).Draw(t, "at")].ID)
			}
		}
		all = append(all, r)
	}
	return all
}

// However a wish is made: who needs what is what the rule says, step by step, and
// nothing comes before what it comes after.
func TestGraphIsTheRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := draw(t)
		g := NewGraph(loners, all)
		for _, from := range all {
			if got, want := listed(g.Dependants(from.ID)), listed(closure(all, from, func(a, b Resource) bool {
				return comesAfter(all, a, b) && (a.ID.Kind == "thing" || b.ID.Kind == "rule")
			})); got != want {
				t.Fatalf("%s is needed by %q, not %q, in %+v", from.ID, got, want, all)
			}
			needs := closure(all, from, func(a, b Resource) bool { return comesAfter(all, b, a) })
			needs[from.ID] = true
			if got, want := listed(g.Reachable(from.ID)), listed(needs); got != want {
				t.Fatalf("%s needs %q, not %q, in %+v", from.ID, got, want, all)
			}
		}
		inOrder(t, all, g)
	})
}

// closure returns what is to be had from a thing by steps.
func closure(all []Resource, from Resource, step func(to, from Resource) bool) map[ID]bool {
	found := make(map[ID]bool)
	for queue := []Resource{from}; len(queue) > 0; queue = queue[1:] {
		for _, to := range all {
			if step(to, queue[0]) && !found[to.ID] {
				found[to.ID] = true
				queue = append(queue, to)
			}
		}
	}
	return found
}

func inOrder(t *rapid.T, all []Resource, g *Graph) {
	turns, err := g.Order()
	round := slices.ContainsFunc(all, func(r Resource) bool {
		return closure(all, r, func(a, b Resource) bool { return comesAfter(all, a, b) })[r.ID]
	})
	if round != (err != nil) {
		t.Fatalf("a round: %v, and the order says %v", round, err)
	}
	for i, turn := range turns {
		for _, later := range turns[i+1:] {
			if comesAfter(all, all[turn.At], all[later.At]) {
				t.Fatalf("%s comes before %s", all[turn.At].ID, all[later.At].ID)
			}
		}
	}
}
