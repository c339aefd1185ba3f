package findings

import (
	"slices"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var (
	filter = resource.ID{Kind: "chain", Name: "ip/filter/X"}
	nat    = resource.ID{Kind: "chain", Name: "ip/nat/X"}
)

func filters(id resource.ID) bool { return id == filter }

// Rules that are missing are those of filters, but for what somebody undid. On a host
// that is up they count once they could not be put right, or are out of sight for too
// long.
func TestRulesThatAreMissing(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	since := func(ago time.Duration) []status.Unknown {
		return []status.Unknown{{ID: filter, Since: now.Add(-ago)}, {ID: nat, Since: now.Add(-ago)}}
	}
	for what, c := range map[string]struct {
		found               Findings
		missing, unrestored bool
	}{
		"none":                   {},
		"a repair that failed":   {Findings{Drift: []status.Drift{{ID: filter, Outcome: status.Failed, Error: "no"}, {ID: nat, Outcome: status.Failed}}}, true, true},
		"drift":                  {Findings{Drift: []status.Drift{{ID: filter, Outcome: status.Waits}}}, true, false},
		"undone drift":           {Findings{Drift: []status.Drift{{ID: filter, Outcome: status.Suppressed}}}, false, false},
		"a wish":                 {Findings{Pending: []status.Pending{{ID: filter, Outcome: status.Waits}, {ID: nat, Outcome: status.Waits}}}, true, false},
		"an undone wish":         {Findings{Pending: []status.Pending{{ID: filter, Outcome: status.Suppressed}}}, false, false},
		"unknown for a moment":   {Findings{Unknown: since(Blind - time.Second)}, true, false},
		"unknown for too long":   {Findings{Unknown: since(Blind)}, true, true},
		"rules that filter none": {Findings{Drift: []status.Drift{{ID: nat, Outcome: status.Failed}}}, false, false},
	} {
		missing, unrestored := c.found.Missing(filters), c.found.Unrestored(filters, now)
		if (len(missing) == 1) != c.missing || (len(unrestored) == 1) != c.unrestored {
			t.Errorf("%s: missing %v, unrestored %v", what, missing, unrestored)
		}
		for _, all := range []map[resource.ID]error{missing, unrestored} {
			if err, has := all[filter]; has != (len(all) > 0) || slices.ContainsFunc(c.found.Drift, func(d status.Drift) bool { return d.Error != "" && err.Error() != d.Error }) {
				t.Errorf("%s: %v", what, all)
			}
		}
	}
}
