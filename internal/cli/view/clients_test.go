package view

import (
	"strings"
	"testing"
	"time"

	"vpnd/internal/clients"
	"vpnd/internal/status"
)

func TestClients(t *testing.T) {
	day := time.Date(2027, 3, 1, 12, 0, 0, 0, time.Local)
	office := "openvpn_server.office"
	var b strings.Builder
	err := Clients(&b, []clients.Client{
		{
			Name: "alice", NotAfter: day, Profiles: []clients.Profile{{Server: office, GivenAt: day, GivenBy: "root"}},
			Sessions: []clients.Session{{Server: office, Client: status.Client{From: "192.0.2.7:1194", Address: "10.8.0.2", Since: "2027-02-28 09:00:00", In: 1536, Out: 5 << 30}}},
		},
		{Name: "bob", NotAfter: day, Profiles: []clients.Profile{{Server: "a", Since: day, Void: []string{"port", "remote"}}, {Server: "b"}}},
		{Name: "eve\x1b", Revoked: true},
	})
	const want = `NAME   CONNECTED            FROM            ADDRESS   IN      OUT     CERTIFICATE  PROFILE
alice  2027-02-28 09:00:00  192.0.2.7:1194  10.8.0.2  1.5 kB  5.4 GB  2027-03-01   handed out 2027-03-01 by root
bob    no                                                             2027-03-01   a: needs a new one: port, remote (since 2027-03-01)
                                                                                   b: not handed out yet
eve` + "\uFFFD" + `   revoked
`
	if err != nil || b.String() != want {
		t.Errorf("%v\n got\n%s\nwant\n%s", err, b.String(), want)
	}
}
