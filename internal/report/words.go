package report

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// why says in words why a change is made and what those who are connected
// notice.
func why(c engine.Change) string {
	words := reason(c)
	if c.Action == engine.Refresh {
		return c.Cost.String() + ", " + words
	}
	if c.Action == engine.Restore && c.Reason == engine.Dropped {
		words += "; what was there before comes back"
	}
	if notice := notice(c); notice != "" {
		words += "; " + notice
	}
	if c.Loses != "" {
		words += "; " + c.Loses + " is void then"
	}
	if c.Invalidates != "" {
		how := "it is made anew"
		if c.Action == engine.Create {
			how = "a new one takes the place of what is lost"
		}
		words += "; " + how + ", and " + c.Invalidates + " is void then"
	}
	return words
}

// whyBriefly is why without what goes without saying.
func whyBriefly(c engine.Change) string {
	words := why(c)
	for _, obvious := range []engine.Reason{engine.New, engine.Configuration, engine.Dropped} {
		if c.Reason == obvious && c.Action != engine.Refresh {
			words = strings.TrimPrefix(strings.TrimPrefix(words, reason(c)), "; ")
		}
	}
	return words
}

func reason(c engine.Change) string {
	switch c.Reason {
	case engine.New:
		return "new"
	case engine.Configuration:
		return "configuration changed"
	case engine.Drift:
		return "drifted"
	case engine.Both:
		return "configuration changed, and drifted"
	case engine.TakesOver:
		return "taken over until the block goes"
	case engine.Renewal:
		return "due for renewal"
	case engine.Unfinished:
		return "an earlier run was cut short"
	case engine.Dropped:
		return "no longer asked for"
	case engine.Follows:
		return "since " + c.Because.String() + " changes"
	case engine.Owed:
		return "owed since an earlier run"
	case engine.Undone:
		return "rolled back"
	default:
		return string(c.Reason)
	}
}

// notice says what a change does to a service and to those who are connected.
func notice(c engine.Change) string {
	switch starts, stops := switched(c); {
	case stops && c.Cost == resource.Restart:
		return "stops it, which " + disconnects
	case stops:
		return "stops it"
	case starts:
		return "starts it"
	case c.Cost > resource.Rebuild:
		return Cost(c.Cost)
	}
	return ""
}

// switched says whether a change starts or stops a service.
func switched(c engine.Change) (starts, stops bool) {
	for _, d := range c.Diffs {
		if d.Runs {
			return d.After == "true", d.Before == "true"
		}
	}
	return false, false
}

// disconnects is the cost of a service that stops and stays so.
const disconnects = "disconnects everybody"

const forAMoment = " for a moment"

// whose says of which services everybody is disconnected, where others go on.
func whose(p *engine.Plan) string {
	if len(p.Spared) == 0 {
		return ""
	}
	var names []string
	for _, c := range p.Changes {
		if name := strings.TrimSuffix(c.ID.Name, ".service"); c.Cost == resource.Restart && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return " of " + Names(names)
}

// Cost says what those who are connected notice.
func Cost(e resource.Effect) string {
	switch e {
	case resource.Reload:
		return "reloads the service"
	case resource.Client:
		return "disconnects one client"
	case resource.Tunnel:
		return "re-establishes one tunnel"
	case resource.Restart:
		return disconnects + forAMoment
	default:
		return "nobody who is connected notices"
	}
}

// total is the cost of a whole plan: the services that start and stop, and the
// dearest of what those who are connected notice.
func total(p *engine.Plan) string {
	var started, stopped, dearest, lasting int
	cost := p.Cost()
	for _, c := range p.Changes {
		starts, stops := switched(c)
		started, stopped = started+one(starts), stopped+one(stops)
		dearest += one(c.Cost == cost)
		lasting += one(c.Cost == cost && stops)
	}
	var words []string
	if stopped > 0 {
		words = append(words, "stops "+Count(stopped, "unit"))
	}
	if started > 0 {
		words = append(words, "starts "+Count(started, "unit"))
	}
	switch {
	case cost == resource.Restart && lasting == dearest:
		words = append(words, disconnects+whose(p))
	case cost == resource.Restart:
		words = append(words, disconnects+whose(p)+forAMoment)
	case cost == resource.Client && dearest > 1:
		words = append(words, "disconnects "+Count(dearest, "client"))
	case cost == resource.Tunnel && dearest > 1:
		words = append(words, "re-establishes "+Count(dearest, "tunnel"))
	default:
		words = append(words, Cost(cost))
	}
	if names := holders(p, func(engine.Handout) bool { return true }); len(names) > 0 {
		words = append(words, "needs a new profile: "+Names(names))
	}
	return strings.Join(words, "; ")
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Summary counts what a plan does, in one line.
func Summary(p *engine.Plan) string {
	if len(p.Changes) == 0 && len(p.Problems) > 0 {
		return "Nothing to do as far as could be seen." + unknown(p)
	}
	if len(p.Changes) == 0 {
		return strings.TrimSuffix("Nothing to do: the host is as the configuration says. "+HandOut(Waiting(p)), " ")
	}
	counts := make(map[engine.Action]int)
	for _, c := range p.Changes {
		counts[c.Action]++
	}
	var parts []string
	for _, part := range []struct {
		action engine.Action
		word   string
	}{
		{engine.Create, "to create"},
		{engine.Update, "to change"},
		{engine.Remove, "to remove"},
		{engine.Restore, "to give back"},
		{engine.Refresh, "to refresh"},
	} {
		if n := counts[part.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, part.word))
		}
	}
	return fmt.Sprintf("Plan: %s. Cost: %s.%s", strings.Join(parts, ", "), total(p), unknown(p))
}

func unknown(p *engine.Plan) string {
	if n := len(p.Problems); n > 0 {
		return " " + Count(n, "thing") + " could not be looked at."
	}
	return ""
}

// moveWords says what became of a thing that vpnd had left otherwise.
func moveWords(c engine.Change) string {
	switch {
	case c.Reason == engine.Renewal:
		return "due for renewal"
	case c.Action == engine.Create:
		return "gone"
	default:
		return "changed"
	}
}

func driftSummary(p *engine.Plan, moved int) string {
	switch n := len(p.Problems); {
	case moved == 0 && n == 0:
		return "No drift as far as could be seen."
	case moved == 0:
		return fmt.Sprintf("%s could not be looked at, so nobody can say what drifted there. All else that vpnd applied is as it left it.", Count(n, "thing"))
	}
	return fmt.Sprintf("Drift: %s moved. vpnd apply puts that right. Cost: %s.%s", Count(moved, "thing"), total(p), unknown(p))
}

// Count writes a number with its noun: 1 change, 2 changes.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %s", n, plural(noun))
}
