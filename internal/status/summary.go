package status

import (
	"fmt"
	"strings"
	"time"
)

// Summary says in one line how things stand.
func (s *Status) Summary() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case s.Stopped:
		return "The daemon has ended."
	case s.Mode == "" && s.Configuration.Valid && !s.Ready:
		add("starting")
	case s.Mode == "":
		add("nothing is in force")
	case len(s.Drift)+len(s.Pending) > 0:
		add("%d drifted, %d pending", len(s.Drift), len(s.Pending))
	case len(s.Unknown)+len(s.Failing)+s.lost() == 0 && s.Error == "":
		add("the host is as the configuration says")
	}
	if n := len(s.Unknown); n > 0 {
		add("%d could not be observed", n)
	}
	switch n := len(s.Failing); {
	case n == 1:
		add("1 check does not hold")
	case n > 1:
		add("%d checks do not hold", n)
	}
	switch n := s.lost(); {
	case n == 1:
		add("1 tunnel is down")
	case n > 1:
		add("%d tunnels are down", n)
	}
	if s.Mode == "observe" {
		add("only observing")
	}
	if !s.Configuration.Valid {
		add("the configuration in the files is invalid")
	}
	if s.Configuration.Changed {
		add("the files have changed since")
	}
	if len(s.FailClosed) > 0 {
		add("the filter rules are missing or out of sight, so nothing is forwarded")
	}
	if u := s.Unconfirmed; u != nil && !u.Overdue {
		add("an apply waits for confirmation until %s", u.Until.Local().Format(time.TimeOnly))
	}
	if s.Error != "" {
		add("the last pass failed")
	}
	if s.Waiting != "" {
		add("waiting for %s", s.Waiting)
	}
	if len(s.Flapping) > 0 {
		add("%d flapping", len(s.Flapping))
	}
	if s.Suppressed != nil && s.Suppressed.All {
		add("all suppressed but what guards the host")
	} else if s.Suppressed != nil {
		add("%d suppressed since vpnd %s", len(s.Suppressed.IDs), s.Suppressed.Command)
	}
	line := strings.Join(parts, "; ")
	return strings.ToUpper(line[:1]) + line[1:] + "."
}

// lost is how many tunnels are down.
func (v *VPNs) lost() int {
	n := 0
	for _, t := range v.Tunnels {
		if t.Lost() {
			n++
		}
	}
	return n
}
