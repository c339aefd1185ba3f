package policy

import (
	"slices"
	"testing"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var (
	filter  = resource.ID{Kind: "chain", Name: "ip/filter/X"}
	nat     = resource.ID{Kind: "chain", Name: "ip/nat/X"}
	file    = resource.ID{Kind: "file", Name: "/etc/x"}
	service = resource.ID{Kind: "unit", Name: "x.service"}
	key     = resource.ID{Kind: "key", Name: "/pki/ca.key"}
)

// traits stand for what the kinds say of themselves.
func traits(kind string) resource.Traits {
	return map[string]resource.Traits{
		"chain": {Guards: true, Filters: func(name string) bool { return name == filter.Name }},
		"unit":  {StartsLater: true},
	}[kind]
}

func drift(id resource.ID) engine.Change {
	return engine.Change{ID: id, Action: engine.Update, Reason: engine.Drift, IsDrift: true}
}

func asked(id resource.ID) engine.Change {
	return engine.Change{ID: id, Action: engine.Create, Reason: engine.New}
}

func unfinished(id resource.ID) engine.Change {
	return engine.Change{ID: id, Action: engine.Update, Reason: engine.Unfinished}
}

func lacks(id resource.ID) engine.Change {
	c := drift(id)
	c.Lacks = key
	return c
}

func these(ids ...resource.ID) map[resource.ID]bool { return Of(ids).IDs }

// What is done about one change where the state is open for changing and these facts
// hold besides.
func TestWhatIsDoneAboutAChange(t *testing.T) {
	const person, apt = "vpnd confirm or vpnd rollback of an apply", "apt-get (process 7)"
	for _, c := range []struct {
		where  string
		facts  Facts
		change engine.Change
		want   Decision
	}{
		{"nothing stands against it", Facts{}, drift(file), Decision{Outcome: status.Repaired, Moved: true}},
		{"nothing stands against it", Facts{}, asked(file), Decision{Outcome: status.Repaired}},
		{"a repair of it was cut short", Facts{Drifted: these(file)}, unfinished(file), Decision{Outcome: status.Repaired, Moved: true}},
		{"an apply of it was cut short", Facts{}, unfinished(file), Decision{Outcome: status.Repaired}},

		{"somebody undid it", Facts{Suppressed: Of([]resource.ID{file})}, drift(file), Decision{Outcome: status.Suppressed, Moved: true}},
		{"somebody undid something else", Facts{Suppressed: Of([]resource.ID{nat})}, drift(file), Decision{Outcome: status.Repaired, Moved: true}},
		{"nobody knows what was undone", Facts{Suppressed: Set{Unguarded: true}}, asked(file), Decision{Outcome: status.Suppressed}},
		{"nobody knows what was undone", Facts{Suppressed: Set{Unguarded: true}}, drift(nat), Decision{Outcome: status.Repaired, Moved: true}},
		{"somebody undid it, of an observer", Facts{Observing: true, Suppressed: Of([]resource.ID{file})}, drift(file), Decision{Outcome: status.Suppressed, Moved: true}},

		{"the agent observes", Facts{Observing: true}, drift(nat), Decision{Outcome: status.Reported, Moved: true}},
		{"the agent observes", Facts{Observing: true}, lacks(key), Decision{Outcome: status.Reported, Moved: true}},

		{"it is a protected key", Facts{}, lacks(key), Decision{Outcome: status.Protected, Moved: true}},
		{"it is made from one that is lost", Facts{}, lacks(file), Decision{Outcome: status.Waits, Moved: true}},

		{"an undo is about to change it", Facts{Undoing: Of([]resource.ID{file})}, drift(file), Decision{Outcome: status.Waits, Moved: true}},
		{"an undo may change anything", Facts{Undoing: Set{All: true}}, drift(filter), Decision{Outcome: status.Waits, Moved: true}},
		{"an apply is not confirmed yet", Facts{Unconfirmed: true}, asked(file), Decision{Outcome: status.Waits, For: person}},
		{"an apply is not confirmed yet", Facts{Unconfirmed: true}, drift(file), Decision{Outcome: status.Repaired, Moved: true}},

		{"the network waits for the agent", Facts{Booting: true, Guarding: true}, drift(file), Decision{Outcome: status.Waits, Moved: true, Soon: true}},
		{"the network waits for the agent", Facts{Booting: true, Guarding: true}, drift(nat), Decision{Outcome: status.Repaired, Moved: true}},
		{"the host boots", Facts{Booting: true}, drift(file), Decision{Outcome: status.Repaired, Moved: true}},
		{"the host boots", Facts{Booting: true}, drift(service), Decision{Outcome: status.Waits, Moved: true, Soon: true}},

		{"a package manager is at work", Facts{Busy: apt}, drift(file), Decision{Outcome: status.Waits, Moved: true, For: apt, Soon: true}},
		{"a package manager is at work", Facts{Busy: apt}, drift(nat), Decision{Outcome: status.Repaired, Moved: true}},

		{"a step of another pass is slow", Facts{Beside: true}, drift(file), Decision{Outcome: status.Repaired, Moved: true}},
		{"a step of another pass is slow", Facts{Beside: true}, asked(file), Decision{Outcome: status.Waits, Soon: true}},

		{"it failed just now", Facts{TooEarly: these(nat)}, drift(nat), Decision{Outcome: status.Failed, Moved: true}},
		{"it is flapping", Facts{Damped: these(file)}, drift(file), Decision{Outcome: status.Flapping, Moved: true}},
		{"it is flapping and failed just now", Facts{Damped: these(file), TooEarly: these(file)}, drift(file), Decision{Outcome: status.Failed, Moved: true}},
	} {
		c.facts.Traits, c.facts.Locked = traits, true
		if got := Decide(&engine.Plan{Changes: []engine.Change{c.change}}, c.facts)[c.change.ID]; got != c.want {
			t.Errorf("where %s, %s (%s): %+v instead of %+v", c.where, c.change.ID, c.change.Reason, got, c.want)
		}
	}
}

// While another vpnd holds the lock nothing is repaired, and nobody has to be told
// for whom that waits: the lock says so.
func TestNothingIsRepairedWithoutTheLock(t *testing.T) {
	for _, id := range []resource.ID{filter, file} {
		if got, want := Decide(&engine.Plan{Changes: []engine.Change{drift(id)}}, Facts{Traits: traits})[id], (Decision{Outcome: status.Waits, Moved: true}); got != want {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

// What waits for a lost key may be anywhere: beside a slow step only what guards the
// host goes on then.
func TestBesideASlowStepALostKeyHaltsWhatMayNeedIt(t *testing.T) {
	all := Decide(&engine.Plan{Changes: []engine.Change{lacks(key), drift(file), drift(nat)}}, Facts{Traits: traits, Locked: true, Beside: true})
	if all[file].Outcome != status.Waits || !all.Soon() || all[nat].Outcome != status.Repaired {
		t.Errorf("%+v", all)
	}
}

// Of a file that was repaired its reader takes notice in the same apply.
func TestTheFirstChangeOfAResourceDecides(t *testing.T) {
	refresh := engine.Change{ID: service, Action: engine.Refresh, Reason: engine.Follows}
	all := Decide(&engine.Plan{Changes: []engine.Change{drift(service), refresh}}, Facts{Traits: traits, Locked: true})
	if got, want := all[service], (Decision{Outcome: status.Repaired, Moved: true}); got != want || len(all) != 1 {
		t.Errorf("%+v", all)
	}
}

// A package manager comes to its end by itself; a person may have to be reminded.
func TestForWhomAnythingWaits(t *testing.T) {
	for want, all := range map[string]Decisions{
		"":       {file: {Outcome: status.Waits}},
		"person": {file: {For: "person"}, nat: {}},
		"apt":    {file: {For: "person"}, nat: {For: "apt", Soon: true}},
	} {
		if got := all.For(); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}

// What is wrong and stays so for now keeps what needs it from going ahead.
func TestWhatBarsOthers(t *testing.T) {
	undone := resource.ID{Kind: "file", Name: "/undone"}
	for _, c := range []struct {
		id   resource.ID
		now  status.Outcome
		bars bool
	}{
		{nat, status.Repaired, false},
		{nat, status.Failed, true},
		{nat, status.Flapping, false},
		{filter, status.Flapping, true},
		{filter, status.Repaired, false},
		{nat, status.Suppressed, false},
		{undone, status.Waits, true},
	} {
		p := &engine.Plan{Changes: []engine.Change{{ID: c.id}}}
		got := Bars(p, Decisions{c.id: {Outcome: c.now}}, Facts{Traits: traits, Undoing: Of([]resource.ID{undone})})
		if slices.Contains(got, c.id) != c.bars {
			t.Errorf("%s, %s: bars %v", c.id, c.now, got)
		}
	}
}
