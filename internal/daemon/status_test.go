package daemon

import (
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	valid := Configuration{Valid: true}
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	for want, s := range map[string]Status{
		"The daemon has ended.": {Stopped: true, Mode: "enforce"},
		"Starting.":             {Configuration: valid},
		"Nothing is in force; the configuration in the files is invalid.":                        {},
		"Nothing is in force; the files have changed since.":                                     {Ready: true, Configuration: Configuration{Valid: true, Changed: true}},
		"The host is as the configuration says.":                                                 {Mode: "enforce", Configuration: valid},
		"1 drifted, 2 pending; only observing.":                                                  {Mode: "observe", Configuration: valid, Drift: make([]Drift, 1), Pending: make([]Pending, 2)},
		"The host is as the configuration says; the files have changed since.":                   {Mode: "enforce", Configuration: Configuration{Valid: true, Changed: true}},
		"The host is as the configuration says; an apply waits for confirmation until 03:04:05.": {Mode: "enforce", Configuration: valid, Unconfirmed: &Unconfirmed{Until: until}},
		"The host is as the configuration says; waiting for an undo.":                            {Mode: "enforce", Configuration: valid, Unconfirmed: &Unconfirmed{Until: until, Overdue: true}, Waiting: "an undo"},
		"1 could not be looked at.":                                                              {Mode: "enforce", Configuration: valid, Unknown: make([]Unknown, 1)},
		"1 check does not hold.":                                                                 {Mode: "enforce", Configuration: valid, Failing: make([]Failing, 1)},
		"2 could not be looked at; 2 checks do not hold.":                                        {Mode: "enforce", Configuration: valid, Unknown: make([]Unknown, 2), Failing: make([]Failing, 2)},
		"0 drifted, 1 pending; 1 check does not hold.":                                           {Mode: "enforce", Configuration: valid, Pending: make([]Pending, 1), Failing: make([]Failing, 1)},
		"The last look failed; 1 contended; 0 held since vpnd rollback.": {
			Mode: "enforce", Configuration: valid, Error: "no", Fights: make([]Fight, 1), Hold: &Hold{Command: "rollback"},
		},
	} {
		if got := s.Summary(); got != want {
			t.Errorf("%q instead of %q", got, want)
		}
	}
}
