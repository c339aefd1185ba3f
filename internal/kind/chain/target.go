package chain

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-iptables/iptables"
)

// targets are what a rule can do besides leading to a chain: the verdicts, and
// the targets of iptables-extensions(8). They need not be looked for on the
// host; any other name may be a chain of others, and is.
var targets = []string{
	"ACCEPT", "AUDIT", "CHECKSUM", "CLASSIFY", "CLUSTERIP", "CONNMARK", "CONNSECMARK", "CT", "DNAT", "DNPT", "DROP", "DSCP", "ECN",
	"HL", "HMARK", "IDLETIMER", "LED", "LOG", "MARK", "MASQUERADE", "NETMAP", "NFLOG", "NFQUEUE", "NOTRACK", "QUEUE", "RATEEST",
	"REDIRECT", "REJECT", "RETURN", "SECMARK", "SET", "SNAT", "SNPT", "SYNPROXY", "TCPMSS", "TCPOPTSTRIP", "TEE", "TOS", "TPROXY",
	"TRACE", "TTL", "ULOG",
}

// others lists the chains of the host that rules lead to without wishing them.
func (t *tool) others(wishes []*wish) ([]spot, error) {
	looked := make(map[spot]bool)
	for _, w := range wishes {
		looked[w.spot] = true
	}
	var there []spot
	for _, w := range wishes {
		for _, rule := range w.rules {
			to := spot{family: w.family, table: w.table, chain: target(rule)}
			if to.chain == "" || looked[to] || slices.Contains(targets, to.chain) {
				continue
			}
			looked[to] = true
			exists, err := t.exists(to)
			if err != nil {
				return nil, fmt.Errorf("looking for chain %s of table %s: %w", to.chain, to.table, err)
			}
			if exists {
				there = append(there, to)
			}
		}
	}
	slices.SortFunc(there, spot.compare)
	return there, nil
}

// exists asks the host for a chain. To list a table of the legacy backend is
// to make it, so one that is not there is not asked for.
func (t *tool) exists(s spot) (bool, error) {
	if t.backend == legacy && !slices.Contains(legacyTables(t.family), s.table) {
		return false, nil
	}
	proto := iptables.ProtocolIPv4
	if t.family == "ip6" {
		proto = iptables.ProtocolIPv6
	}
	client, err := iptables.New(iptables.Path(t.path), iptables.IPFamily(proto), iptables.Timeout(t.wait))
	if err != nil {
		return false, err
	}
	return client.ChainExists(s.table, s.chain)
}

// legacyTables lists the tables that the legacy backend has in the network of
// the calling thread.
func legacyTables(family string) []string {
	// Without the module there is no such file, and no table.
	names, _ := os.ReadFile("/proc/thread-self/net/" + family + "_tables_names")
	return strings.Fields(string(names))
}
