package kernel

import (
	"errors"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/syntax"
)

// OwnChains lists vpnd's own chains in a backend. It asks the kernel itself.
func OwnChains(backend, family string) (map[syntax.Spot]bool, error) {
	if backend == NFT {
		return ownNft(family)
	}
	return ownLegacy(family)
}

// ownLegacy lists vpnd's own chains in the legacy tables that there are.
func ownLegacy(family string) (map[syntax.Spot]bool, error) {
	found := make(map[syntax.Spot]bool)
	for _, table := range LegacyTables(family) {
		entries, err := ReadLegacy(family, table)
		if errors.Is(err, unix.ENOENT) {
			continue // just unloaded
		}
		if err != nil {
			return nil, err
		}
		for entry, target := range layouts[family].entries(entries) {
			if chain, ok := chainOf(entry, target); ok && syntax.Own(chain) {
				found[syntax.Spot{Family: family, Table: table, Chain: chain}] = true
			}
		}
	}
	return found, nil
}

// Attributes of a chain of nf_tables; see linux/netfilter/nf_tables.h.
const (
	chainTable = 1
	chainName  = 3
)

// ownNft lists vpnd's own chains in nf_tables. A kernel without it has none.
func ownNft(family string) (map[syntax.Spot]bool, error) {
	found := make(map[syntax.Spot]bool)
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETCHAIN, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: protocols[family], Version: nl.NFNETLINK_V0})
	err := req.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(msg []byte) bool {
		if len(msg) < nl.SizeofNfgenmsg {
			return true
		}
		s := syntax.Spot{Family: family}
		for kind, value := range Attributes(msg[nl.SizeofNfgenmsg:]) {
			switch kind {
			case chainTable:
				s.Table = unix.ByteSliceToString(value)
			case chainName:
				s.Chain = unix.ByteSliceToString(value)
			}
		}
		if syntax.Own(s.Chain) && syntax.Hooks[s.Table] != nil {
			found[s] = true
		}
		return true
	})
	lacking := []error{unix.EPROTONOSUPPORT, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOENT}
	if slices.ContainsFunc(lacking, func(e error) bool { return errors.Is(err, e) }) {
		return found, nil
	}
	if errors.Is(err, nl.ErrDumpInterrupted) { // what was seen is there, and the next look sees the rest
		err = nil
	}
	return found, err
}
