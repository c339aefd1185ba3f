package daemon

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// What is not renewed is told of a month, a week and a day before its end, and
// then; once each, however often anybody looks.
func TestEndsAreToldBeforeTheyCome(t *testing.T) {
	id := resource.ID{Kind: "certificate", Name: "/ca.crt"}
	end := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	told := make(map[resource.ID]warning)
	nothing := func(resource.ID, time.Duration) bool { return false }
	var days []string
	for now := end.Add(-40 * day); now.Before(end.Add(3 * day)); now = now.Add(6 * time.Hour) {
		for range endings([]status.Expiry{{ID: id, NotAfter: end}}, told, nothing, now) {
			days = append(days, fmt.Sprint(int(end.Sub(now)/day)))
		}
	}
	if got := strings.Join(days, " "); got != "30 7 1 0" {
		t.Errorf("told so many days before: %s", got)
	}
	// A renewal begins it anew, and while one lies ahead nobody is told.
	renewed := []status.Expiry{{ID: id, NotAfter: end.Add(90 * day), Fresh: true}}
	if due := endings(renewed, told, nothing, end); len(due) != 0 || len(told) != 0 {
		t.Errorf("after a renewal: %v, %v", due, told)
	}
	soon := []status.Expiry{{ID: id, NotAfter: end.Add(day), Fresh: true}}
	if due := endings(soon, told, func(resource.ID, time.Duration) bool { return true }, end); len(due) != 0 {
		t.Errorf("before a renewal: %v", due)
	}
	if got := ending(status.Expiry{ID: id, Block: "pki.home", NotAfter: end}, end.Add(-7*day)); !strings.Contains(got, `certificate["/ca.crt"] of pki.home runs out on `) || !strings.HasSuffix(got, ", in 7 days, and is not renewed") {
		t.Error(got)
	}
}

// A renewal that waits for a command that is at work lies ahead; one that waits for what is
// lost does not.
func TestARenewalThatWaitsForACommandLiesAhead(t *testing.T) {
	id := resource.ID{Kind: "certificate", Name: "/ca.crt"}
	for name, c := range map[string]struct {
		locked bool
		d      policy.Decision
		lacks  resource.ID
		want   bool
	}{
		"a command has the lock":  {d: policy.Decision{Outcome: status.Waits}, want: true},
		"apt is at work":          {locked: true, d: policy.Decision{Outcome: status.Waits, Soon: true}, want: true},
		"an apply waits":          {locked: true, d: policy.Decision{Outcome: status.Waits}},
		"a key is away meanwhile": {d: policy.Decision{Outcome: status.Waits}, lacks: resource.ID{Kind: "private_key", Name: "/ca.key"}},
		"mode is observe":         {d: policy.Decision{Outcome: status.Reported}},
	} {
		p := new(pass)
		p.Facts.Locked, p.Decisions = c.locked, policy.Decisions{id: c.d}
		p.Plan = &engine.Plan{Changes: []engine.Change{{ID: id, Lacks: c.lacks}}}
		if got := p.holdsBack(id); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
