package xtables

import (
	"slices"

	"github.com/coreos/go-iptables/iptables"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// Exists asks the host for a chain. To list a table of the legacy backend is
// to make it, so one that is not there is not asked for.
func (t *Tool) Exists(s syntax.Spot) (bool, error) {
	if t.Backend == kernel.Legacy && !slices.Contains(kernel.LegacyTables(t.Family), s.Table) {
		return false, nil
	}
	proto := iptables.ProtocolIPv4
	if t.Family == "ip6" {
		proto = iptables.ProtocolIPv6
	}
	client, err := iptables.New(iptables.Path(t.path), iptables.IPFamily(proto), iptables.Timeout(t.wait))
	if err != nil {
		return false, err
	}
	return client.ChainExists(s.Table, s.Chain)
}
