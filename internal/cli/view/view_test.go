package view

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
	"vpnd/internal/transaction"
)

var (
	hosts = resource.ID{Kind: "file", Name: "/etc/hosts"}
	wall  = resource.ID{Kind: "chain", Name: "ip/filter/VPND-A"}
	old   = time.Date(2020, 1, 2, 3, 4, 5, 0, time.Local) // long ago, so that it is told with its date
)

// shown is what is written for people.
func shown(write func(View)) string {
	var b strings.Builder
	write(View{Text: report.Text{W: &b}, Fields: func(string) map[string]resource.Field { return nil }})
	return b.String()
}

// What the status knows is told, and nothing that it does not.
func TestStatus(t *testing.T) {
	runs := func(s status.Status) Standing {
		s.Agent.Version, s.PID, s.Since = "1.0.0", 7, old
		return Standing{Status: &s, Running: true}
	}
	for name, c := range map[string]struct {
		s         Standing
		want, not string
	}{
		"no daemon since the boot": {Standing{Status: &status.Status{}}, "systemctl enable --now vpnd", "Daemon"},
		"one that has ended":       {Standing{Status: &status.Status{Agent: status.Agent{PID: 7, Since: old}}}, "What follows is from 2020-01-02 03:04:05.", "process 7"},
		"looked at just now":       {Standing{Status: &status.Status{Agent: status.Agent{PID: 7}}, Surveyed: true}, "How things stand now:", "What follows"},
		"one that runs":            {runs(status.Status{}), "Daemon 1.0.0, process 7, since 2020-01-02 03:04:05.", "Drift"},
		"drift": {
			runs(status.Status{Host: status.Host{Drift: []status.Drift{{ID: hosts, Reason: engine.Drift, Since: old, Noticed: "event", By: "vi \x1b[2J", Outcome: status.Repaired}}}}),
			"2020-01-02 03:04:05  file[\"/etc/hosts\"]: repaired, by vi \uFFFD[2J (drift, noticed by event)", "\x1b",
		},
		"the last try": {
			runs(status.Status{Host: status.Host{Pending: []status.Pending{{ID: hosts, Outcome: status.UnderWay, Error: "no room"}}}}),
			"the last try failed: no room", "Drift\n",
		},
		"flapping": {
			runs(status.Status{Host: status.Host{Flapping: []status.Flap{{ID: wall, Repairs: 3, Since: old, Until: old}}}}),
			"3 repairs since 2020-01-02 03:04:05, the other writer is unknown\n", "left alone until",
		},
		"unknown": {
			runs(status.Status{Host: status.Host{Unknown: []status.Unknown{{ID: wall, Error: "no iptables", Since: old, Noticed: "timer"}}}}),
			"left alone (noticed by timer)\n      no iptables", "gone",
		},
		"suppressed": {
			runs(status.Status{Host: status.Host{Suppressed: &status.Suppression{Command: "rollback", Since: old, IDs: []resource.ID{hosts}}}}),
			"Suppressed since vpnd rollback 2020-01-02 03:04:05: 1 resource.", "1 resources",
		},
		"all suppressed": {
			runs(status.Status{Host: status.Host{Suppressed: &status.Suppression{All: true}}}),
			"everything but what guards the host", "Suppressed since",
		},
		"fail closed": {
			runs(status.Status{Host: status.Host{FailClosed: []resource.ID{{Kind: "sysctl", Name: "net.ipv4.ip_forward"}}}}),
			"The host forwards nothing.", "Flapping",
		},
		"profiles": {Standing{Status: &status.Status{}, Waiting: []string{"alice"}}, "alice", "Certificates"},
	} {
		got := shown(func(v View) { v.Status(c.s) })
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s: want %q, not %q:\n%s", name, c.want, c.not, got)
		}
	}
}

// Of much the text tells the first, and how to see the rest.
func TestStatusIsBounded(t *testing.T) {
	s := status.Status{Agent: status.Agent{PID: 7}}
	for range mostPending + 2 {
		s.Pending = append(s.Pending, status.Pending{ID: hosts})
	}
	got := shown(func(v View) { v.Status(Standing{Status: &s, Running: true}) })
	if n := strings.Count(got, hosts.String()); n != mostPending || !strings.Contains(got, "and 2 more; vpnd plan shows them") {
		t.Errorf("%d are named:\n%s", n, got)
	}
}

func TestHistory(t *testing.T) {
	drift := state.Done{ID: hosts, Action: "update", Reason: "drift", Noticed: "event", By: "vi", Outcome: "suppressed"}
	entries := []state.Entry{
		{Time: old, Command: "apply", Snapshot: "s1", Changes: []state.Done{{ID: hosts, Action: "create", Reason: "takes_over"}, {ID: wall, Action: "create", Error: "no room"}}},
		{Time: old, Command: state.Noticed, Changes: []state.Done{drift}},
		{Time: old, Command: "apply", Error: "killed"},
	}
	for _, c := range []struct {
		long bool
		want []string
	}{
		{false, []string{"2 changes, 1 failed, undone by: vpnd rollback s1: create file[\"/etc/hosts\"] and 1 more", "1 thing: update file[\"/etc/hosts\"] (drift, noticed by event, by vi, suppressed)", "0 changes, ended early"}},
		{true, []string{"    create file[\"/etc/hosts\"] (takes over)\n", "        failed: no room\n", "    ended early: killed\n"}},
	} {
		got := shown(func(v View) { v.History(entries, c.long) })
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("at length: %v: want %q:\n%s", c.long, want, got)
			}
		}
	}
}

// How an undo ended is said with what did not go back, and where an error has more
// lines, with the first.
func TestOutcome(t *testing.T) {
	for want, e := range map[string]transaction.Event{
		"\nUNDONE. The host is as it was before this apply.": transaction.GoneBack{},
		"but for what did not go back: " + hosts.String():    transaction.GoneBack{Left: []resource.ID{hosts}},
		"and 1 more. The notes above":                        transaction.GoneBack{Left: []resource.ID{hosts, hosts, hosts, hosts, hosts, wall}},
		"and the one before it, which was cut short":         transaction.GoneBack{Resumed: true},
		"\nUndoing it: a, and more.":                         transaction.Undoing{Why: errors.New("a\nb")},
	} {
		if got := Outcome(e); !strings.Contains(got, want) {
			t.Errorf("want %q: %s", want, got)
		}
	}
}

// A tunnel is told of in a line or two that a person can act on.
func TestTunnels(t *testing.T) {
	id := resource.ID{Kind: "ipsec_connection", Name: "dc"}
	later := time.Date(2100, 1, 2, 3, 4, 5, 0, time.Local)
	up := resource.TunnelState{
		Up: true, Attached: true, Since: old, Peer: "203.0.113.7:4500", Local: []string{"192.168.40.0/24"}, Remote: []string{"10.9.0.0/24", "10.9.1.0/24"},
		In: 1_234_567_890, Out: 999_960, Rekey: later,
	}
	peer := resource.TunnelState{Name: "alice", OnDemand: true, Remote: []string{"a", "b", "c", "d", "e", "f"}, Handshake: old}
	for _, c := range []struct {
		tunnel status.Tunnel
		want   string
	}{
		{
			status.Tunnel{ID: id, Block: "ipsec_tunnel.dc", TunnelState: up},
			"  dc: up since 2020-01-02 03:04:05 (ipsec_tunnel.dc)\n      peer 203.0.113.7:4500; 192.168.40.0/24 ↔ 10.9.0.0/24, 10.9.1.0/24; in 1.2 GB, out 1.0 MB; new keys 2100-01-02 03:04:05\n",
		},
		{
			status.Tunnel{ID: id, Block: "ipsec_tunnel.dc", DownSince: old, TunnelState: resource.TunnelState{Peer: "203.0.113.7", Why: "no answer from 203.0.113.7:500"}},
			"  dc: down since 2020-01-02 03:04:05 (ipsec_tunnel.dc): no answer from 203.0.113.7:500\n      peer 203.0.113.7\n",
		},
		{
			status.Tunnel{ID: id, Block: id.String(), DownSince: old, TunnelState: peer},
			"  dc alice: down\n      a, b, c, d and 2 more; handshake 2020-01-02 03:04:05\n",
		},
		{
			status.Tunnel{ID: id, Block: id.String(), TunnelState: resource.TunnelState{Up: true}},
			"  dc: switched on, but no program serves it\n",
		},
		{
			status.Tunnel{ID: id, Block: "ipsec_tunnel.dc", Error: "charon does not answer \x1b[2J"},
			"  dc: nobody knows (ipsec_tunnel.dc): charon does not answer \uFFFD[2J\n",
		},
		{
			status.Tunnel{ID: id, TunnelState: resource.TunnelState{Up: true, In: 999}},
			"in 999 B, out 0 B",
		},
		{
			status.Tunnel{ID: id, TunnelState: resource.TunnelState{Up: true, In: 1000}},
			"in 1.0 kB, out 0 B",
		},
		{
			status.Tunnel{ID: id, TunnelState: resource.TunnelState{Up: true, Out: 1<<64 - 1, In: 1}},
			"out 18.4 EB",
		},
	} {
		if got := shown(func(v View) { v.tunnels([]status.Tunnel{c.tunnel}) }); !strings.Contains(got, c.want) {
			t.Errorf("want %q:\n%s", c.want, got)
		}
	}
}
