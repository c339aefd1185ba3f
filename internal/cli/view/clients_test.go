package view

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vpnd/internal/clients"
	"vpnd/internal/seen"
)

// people are some of every sort.
func people(now time.Time) []clients.Client {
	office, end := "openvpn_server.office", now.AddDate(1, 0, 0)
	handed := clients.Profile{Server: office, GivenAt: now, GivenBy: "root"}
	due := clients.Profile{Server: office, Since: now, Void: []string{"port", "remote"}, GivenAt: now}
	return []clients.Client{
		{
			Name: "alice", NotAfter: end, Profiles: []clients.Profile{handed}, Seen: &seen.Sighting{At: now},
			Sessions: []clients.Session{{Server: office, From: "203.0.113.111:51194", Address: "10.8.0.200", Since: now.Add(-3 * time.Hour), In: 1536, Out: 5 << 30}},
		},
		{
			Name: "bob", NotAfter: end, Profiles: []clients.Profile{due},
			Seen: &seen.Sighting{At: now.AddDate(0, 0, -3), From: "[2001:db8:1234:5678:9abc:def0:1234:5678]:1194", Address: "10.8.0.3", In: 5, Out: 6},
		},
		{Name: "carol-of-the-other-office", NotAfter: end, Profiles: []clients.Profile{{Server: office}, {Server: "wireguard.wg0", GivenAt: now}}},
		{Name: "dave", NotAfter: end, Profiles: []clients.Profile{handed}, Seen: &seen.Sighting{At: now.AddDate(-1, 0, 0)}},
		{Name: "eve\x1b", Revoked: true},
		{Name: "frank", Profiles: []clients.Profile{{Server: "wireguard.wg0"}}, Sessions: []clients.Session{{Server: "wireguard.wg0", From: "192.0.2.7:4500", Address: "10.20.0.2"}}},
	}
}

func TestClients(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.Local)
	for columns, want := range map[int]string{
		0: `NAME                       CONNECTED     FROM                                           ADDRESS     BYTES   GOOD UNTIL  PROFILE
alice                      since 09:00   203.0.113.111:51194                            10.8.0.200  5.4 GB  2027-11-28  current
bob                        last 11-25    [2001:db8:1234:5678:9abc:def0:1234:5678]:1194  10.8.0.3    11 B    2027-11-28  replace
carol-of-the-other-office  last unknown                                                                     2027-11-28  hand out (openvpn_server.office)
                                                                                                                        current (wireguard.wg0)
dave                       last 2025-11                                                             0 B     2027-11-28  current
eve` + "\uFFFD" + `                                                                                                                    revoked
frank                      now           192.0.2.7:4500                                 10.20.0.2   0 B                 hand out
`,
		80: `NAME      CONNECTED     FROM            ADDRESS     BYTES   GOOD UNTIL  PROFILE
alice     since 09:00   203.0.113.111   10.8.0.200  5.4 GB  2027-11-28  current
bob       last 11-25    2001:db8:1234…  10.8.0.3    11 B    2027-11-28  replace
carol-o…  last unknown                                      2027-11-28  hand out
                                                                        current
dave      last 2025-11                              0 B     2027-11-28  current
eve` + "\uFFFD" + `                                                                    revoked
frank     now           192.0.2.7       10.20.0.2   0 B                 hand out
`,
	} {
		var b strings.Builder
		if err := Clients(&b, people(now), now, columns); err != nil || b.String() != want {
			t.Errorf("%d columns: %v\n got\n%s\nwant\n%s", columns, err, b.String(), want)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); columns > 0 && n > columns {
				t.Errorf("%d columns: %q", n, line)
			}
		}
	}
}

// What nobody has noted is not said to have never been.
func TestLastSeen(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.Local)
	for want, c := range map[string]struct {
		seen  *seen.Sighting
		since time.Time
	}{
		"unknown; no agent has noted it":                                                  {},
		"unknown; not since 2026-11-28 12:00:00, when the agent began to note it":         {since: at},
		"2026-11-28 12:00:00 by a.b, from 192.0.2.7:1, with 10.8.0.2; 1.5 kB in, 2 B out": {seen: &seen.Sighting{At: at, Block: "a.b", From: "192.0.2.7:1", Address: "10.8.0.2", In: 1536, Out: 2}, since: at},
	} {
		var b strings.Builder
		Client(&b, clients.Client{Name: "alice", Seen: c.seen}, c.since)
		if !strings.Contains(b.String(), "\n  last seen    "+want+"\n") {
			t.Errorf("%s\nlacks %s", b.String(), want)
		}
	}
}
