package kernel

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/syntax"
)

// An Imprint is a digest of what the kernel holds of a rule. It leaves out what
// traffic changes (counters) and what is different from one network namespace
// to the next and said by the rule's text all the same: where in a table a
// chain begins, and the number of an ipset.
//
// iptables-save does not tell all rules apart: "! --dport :" matches nothing,
// and reads back as no port at all. Imprints do.
type Imprint string

// Imprints returns those of the rules of each of vpnd's own chains in a table.
func Imprints(backend, family, table string) (map[string][]Imprint, error) {
	if backend == Legacy {
		if !slices.Contains(LegacyTables(family), table) {
			return nil, nil
		}
		entries, err := ReadLegacy(family, table)
		if err != nil {
			return nil, fmt.Errorf("reading table %s of the kernel: %w", table, err)
		}
		return layouts[family].imprints(entries), nil
	}
	return nftImprints(family, table)
}

func newImprint(h hash.Hash) Imprint { return Imprint(fmt.Sprintf("%x", h.Sum(nil)[:16])) }

// nftImprints asks nf_tables, again where somebody wrote meanwhile.
func nftImprints(family, table string) (found map[string][]Imprint, err error) {
	for range 5 {
		found = make(map[string][]Imprint)
		req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETRULE, unix.NLM_F_DUMP)
		req.AddData(&nl.Nfgenmsg{NfgenFamily: protocols[family], Version: nl.NFNETLINK_V0})
		req.AddData(nl.NewRtAttr(unix.NFTA_RULE_TABLE, nl.ZeroTerminated(table)))
		err = req.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(msg []byte) bool {
			if chain, print, ok := nftImprint(msg); ok {
				found[chain] = append(found[chain], print)
			}
			return true
		})
		if !errors.Is(err, nl.ErrDumpInterrupted) {
			break
		}
	}
	if errors.Is(err, unix.ENOENT) { // no such table
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading table %s of the kernel: %w", table, err)
	}
	return found, nil
}

// nftImprint reads one rule of a dump.
func nftImprint(msg []byte) (chain string, print Imprint, ok bool) {
	if len(msg) < nl.SizeofNfgenmsg {
		return "", "", false
	}
	h := sha256.New()
	for kind, value := range Attributes(msg[nl.SizeofNfgenmsg:]) {
		switch kind {
		case unix.NFTA_RULE_CHAIN:
			chain = unix.ByteSliceToString(value)
		case unix.NFTA_RULE_EXPRESSIONS:
			for _, expression := range Attributes(value) {
				hashExpression(h, expression)
			}
		case unix.NFTA_RULE_COMPAT, unix.NFTA_RULE_USERDATA:
			fmt.Fprintln(h, kind)
			h.Write(value)
		}
	}
	return chain, newImprint(h), syntax.Own(chain)
}

// Attributes of an expression, and of one that is an extension of xtables; see
// linux/netfilter/nf_tables.h and nf_tables_compat.h. A match and a target have
// the same.
const (
	expressionName = 1
	expressionData = 2
	extensionName  = 1
	extensionInfo  = 3
)

func hashExpression(h hash.Hash, expression []byte) {
	var name string
	for kind, value := range Attributes(expression) {
		switch kind {
		case expressionName:
			name = unix.ByteSliceToString(value)
			fmt.Fprintln(h, name)
		case expressionData:
			switch name {
			case "counter":
			case "match", "target":
				hashExtension(h, value)
			default:
				h.Write(value)
			}
		}
	}
}

func hashExtension(h hash.Hash, data []byte) {
	var name string
	for kind, value := range Attributes(data) {
		switch kind {
		case extensionName:
			name = unix.ByteSliceToString(value)
		case extensionInfo:
			value = withoutSets(name, value)
		}
		fmt.Fprintln(h, kind)
		h.Write(value)
	}
}

// withoutSets returns what an extension holds with the numbers of its ipsets
// zero: struct xt_set_info of linux/netfilter/xt_set.h begins with one, and is
// the first thing in each revision of the match, and up to three times in that
// of the target.
func withoutSets(extension string, info []byte) []byte {
	const size = 4
	times := map[string]int{"set": 1, "SET": 3}[extension]
	if times == 0 {
		return info
	}
	info = bytes.Clone(info)
	for at := range times {
		if at*size+2 <= len(info) {
			clear(info[at*size : at*size+2])
		}
	}
	return info
}
