package system

import (
	"testing"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// TestMovingHouse has a new host take the place of one that is switched off, from an
// archive of it: with the profiles that they have people come in as before, whoever was
// revoked does not, and nothing is left to do.
func TestMovingHouse(t *testing.T) {
	t.Parallel()
	const dial = "/etc/openvpn/client/office.conf"
	l := labtest.New(t)
	o, err := office.Open(t.Context(), l, vpnd, "../../examples/openvpn-gateway")
	if err != nil {
		t.Fatal(err)
	}
	s := scene{o, t}
	s.apply()
	s.ok(s.Connect(t.Context(), "tpham"))
	s.ok(s.Reach(t.Context()))
	former, err := s.Gateway.ReadFile("/var/lib/vpnd/profiles/office/alice.ovpn")
	s.ok(err)
	s.vpnd(0, "client", "revoke", "alice", "--yes")
	s.sh("umask 077; echo correct horse battery staple >/root/word")
	s.vpnd(0, "backup", "/root/house", "--passphrase-file", "/root/word")
	house, err := s.Gateway.ReadFile("/root/house")
	s.ok(err)

	s.ok(s.Replace(t.Context(), l, vpnd))
	s.ok(s.Gateway.WriteFile(t.Context(), "/root/house", house, 0o600))
	s.ok(s.Gateway.WriteFile(t.Context(), "/root/word", []byte("correct horse battery staple\n"), 0o600))
	s.vpnd(0, "restore", "/root/house", "--passphrase-file", "/root/word", "--yes")
	s.apply()
	s.converged()
	for _, neighbour := range []*lab.Host{s.Laptop, s.Intranet} { // who would still ask for the old card
		labtest.Run(t, neighbour, "ip", "neigh", "flush", "dev", "eth0")
	}
	s.ok(s.Dial(t.Context()))
	s.ok(s.Reach(t.Context()))

	s.ok(s.Laptop.WriteFile(t.Context(), dial, former, 0o600))
	s.refused()
}
