package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// Elsewhere are chains of vpnd's own in the backend that it does not write to.
// They came there before the host's iptables was linked to the other one, and
// packets pass them all the same: they are as much vpnd's as those that it sees
// with the host's programs, and go.
type elsewhere struct {
	host    host // of that backend
	backend string
	chains  map[spot]bool
}

// elsewhere asks the kernel, and starts no program where nothing is there.
func (h host) elsewhere(family, ours string) (elsewhere, error) {
	if known, ok := h.others[family]; ok {
		return known, nil
	}
	other := h.verbs
	if other.Backend = nft; ours == nft {
		other.Backend = legacy
	}
	e := elsewhere{host: other.host(), backend: other.Backend}
	var err error
	if e.chains, err = ownChains(other.Backend, family); err != nil {
		return e, fmt.Errorf("looking for chains of vpnd in the %s backend: %w", other.Backend, err)
	}
	h.others[family] = e
	return e, nil
}

// ownChains lists vpnd's own chains in a backend. It asks the kernel itself.
func ownChains(backend, family string) (map[spot]bool, error) {
	if backend == nft {
		return ownNft(family)
	}
	return ownLegacy(family)
}

// ownLegacy lists vpnd's own chains in the legacy tables that there are.
func ownLegacy(family string) (map[spot]bool, error) {
	found := make(map[spot]bool)
	for _, table := range legacyTables(family) {
		entries, err := layouts[family].read(table)
		if errors.Is(err, unix.ENOENT) {
			continue // just unloaded
		}
		if err != nil {
			return nil, err
		}
		for entry, target := range layouts[family].entries(entries) {
			if chain, ok := chainOf(entry, target); ok && own(chain) {
				found[spot{family: family, table: table, chain: chain}] = true
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
func ownNft(family string) (map[spot]bool, error) {
	found := make(map[spot]bool)
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETCHAIN, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: protocols[family], Version: nl.NFNETLINK_V0})
	err := req.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(msg []byte) bool {
		if len(msg) < nl.SizeofNfgenmsg {
			return true
		}
		s := spot{family: family}
		for kind, value := range attributes(msg[nl.SizeofNfgenmsg:]) {
			switch kind {
			case chainTable:
				s.table = unix.ByteSliceToString(value)
			case chainName:
				s.chain = unix.ByteSliceToString(value)
			}
		}
		if own(s.chain) && hooks[s.table] != nil {
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

// also adds to what was seen of a chain where it stands elsewhere, in words that
// no wish equals. Where only that one is there, it is what was seen.
func (e elsewhere) also(ctx context.Context, s spot, got *Chain) *Chain {
	if !e.chains[s] {
		return got
	}
	theirs, err := e.host.observeHere(ctx, s, nil)
	if theirs == nil || err != nil { // its programs are gone, but not it
		theirs = &Chain{Hook: resource.Ptr(""), At: resource.Ptr(""), Order: []string{}, Rules: []string{}, Overruled: resource.Ptr("")}
	}
	where := *theirs.Hook + " (" + e.backend + " backend)"
	if got == nil {
		got = theirs
	} else {
		where = *got.Hook + ", " + where
	}
	also := *got
	also.Hook = &where
	return &also
}

// remove takes away those of the chains that stand elsewhere.
func (e elsewhere) remove(ctx context.Context, group spot, chains []spot) map[spot]error {
	astray := filter(chains, func(s spot) bool { return e.chains[s] })
	if len(astray) == 0 {
		return nil
	}
	failed := e.host.remove(ctx, group, astray)
	for s, err := range failed {
		if missing(err) {
			err = fmt.Errorf("it stands in the %s backend as well: %w, or boot anew", e.backend, err)
		}
		failed[s] = err
	}
	return failed
}

// sweep takes chains that now stand where they shall away from elsewhere.
func (h host) sweep(ctx context.Context, t *tool, group spot, wants map[string]Chain) error {
	e, err := h.elsewhere(group.family, t.backend)
	if err != nil {
		return err
	}
	var chains []spot
	for chain := range wants {
		chains = append(chains, spot{family: group.family, table: group.table, chain: chain})
	}
	return errors.Join(slices.Collect(maps.Values(e.remove(ctx, group, chains)))...)
}
