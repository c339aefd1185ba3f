package status

import (
	"testing"
	"time"

	"vpnd/internal/resource"
)

func TestSummary(t *testing.T) {
	valid := Configuration{Valid: true}
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for want, s := range map[string]Status{
		"The daemon has ended.": {Agent: Agent{Stopped: true, Mode: "enforce"}},
		"Starting.":             {Configuration: valid},
		"Nothing is in force; the configuration in the files is invalid.":                        {},
		"Nothing is in force; the files have changed since.":                                     {Agent: Agent{Ready: true}, Configuration: Configuration{Valid: true, Changed: true}},
		"The host is as the configuration says.":                                                 {Agent: Agent{Mode: "enforce"}, Configuration: valid},
		"1 drifted, 2 pending; only observing.":                                                  {Agent: Agent{Mode: "observe"}, Configuration: valid, Host: Host{Drift: make([]Drift, 1), Pending: make([]Pending, 2)}},
		"The host is as the configuration says; the files have changed since.":                   {Agent: Agent{Mode: "enforce"}, Configuration: Configuration{Valid: true, Changed: true}},
		"The host is as the configuration says; an apply waits for confirmation until 03:04:05.": {Agent: Agent{Mode: "enforce"}, Configuration: valid, Host: Host{Unconfirmed: &Unconfirmed{Until: until}}},
		"The host is as the configuration says; waiting for an undo.":                            {Agent: Agent{Mode: "enforce"}, Configuration: valid, Reconciling: Reconciling{Waiting: "an undo"}, Host: Host{Unconfirmed: &Unconfirmed{Until: until, Overdue: true}}},
		"1 tunnel is down.":                                                   {Agent: Agent{Mode: "enforce"}, Configuration: valid, VPNs: VPNs{Tunnels: []Tunnel{{TunnelState: resource.TunnelState{OnDemand: true}}, {Error: "no"}, {}}}},
		"2 tunnels are down.":                                                 {Agent: Agent{Mode: "enforce"}, Configuration: valid, VPNs: VPNs{Tunnels: make([]Tunnel, 2)}},
		"1 could not be observed.":                                            {Agent: Agent{Mode: "enforce"}, Configuration: valid, Host: Host{Unknown: make([]Unknown, 1)}},
		"1 check does not hold.":                                              {Agent: Agent{Mode: "enforce"}, Configuration: valid, Failing: make([]Failing, 1)},
		"2 could not be observed; 2 checks do not hold.":                      {Agent: Agent{Mode: "enforce"}, Configuration: valid, Host: Host{Unknown: make([]Unknown, 2)}, Failing: make([]Failing, 2)},
		"0 drifted, 1 pending; 1 check does not hold.":                        {Agent: Agent{Mode: "enforce"}, Configuration: valid, Host: Host{Pending: make([]Pending, 1)}, Failing: make([]Failing, 1)},
		"The last pass failed; 1 flapping; 0 suppressed since vpnd rollback.": {Agent: Agent{Mode: "enforce"}, Configuration: valid, Reconciling: Reconciling{Error: "no"}, Host: Host{Flapping: make([]Flap, 1), Suppressed: &Suppression{Command: "rollback"}}},
	} {
		if got := s.Summary(); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}
