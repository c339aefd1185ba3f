package ruleset

import "testing"

// Whom a jump of a lane leads to, by who was asked for.
func TestWhoseAChainIs(t *testing.T) {
	top, bottom := Lane{"INPUT", Top}, Lane{"INPUT", Bottom}
	var nobody *Ours
	var named, ordered Ours
	named.Ask("VPND-A", &Want{Lane: top})
	ordered.Ask("VPND-A", &Want{Lane: top, Order: []string{"VPND-A", "VPND-B"}})
	ordered.Ask("VPND-B", &Want{Lane: top, Order: []string{"VPND-A", "VPND-B"}})
	ordered.Ask("VPND-RECORD", nil)
	for _, c := range []struct {
		what  string
		ours  *Ours
		lane  Lane
		chain string
		want  bool
	}{
		{"nothing is told", nobody, top, "VPND-A", true},
		{"no order is told", &named, top, "VPND-OLD", true},
		{"wished", &ordered, top, "VPND-A", true},
		{"of the order", &ordered, top, "VPND-B", true},
		{"on record", &ordered, top, "VPND-RECORD", true},
		{"of nobody", &ordered, top, "VPND-OLD", false},
		{"in a lane of which nothing is told", &ordered, bottom, "VPND-OLD", true},
	} {
		if got := c.ours.has(c.lane, c.chain); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
