package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// An imprint is a digest of what the kernel holds of a rule. It leaves out what
// traffic changes (counters) and what is different from one network namespace
// to the next and said by the rule's text all the same: where in a table a
// chain begins, and the number of an ipset.
//
// iptables-save does not tell all rules apart: "! --dport :" matches nothing,
// and reads back as no port at all. Imprints do.
type imprint string

// imprints returns those of the rules of each of vpnd's own chains in a table.
func (t *tool) imprints(table string) (map[string][]imprint, error) {
	if t.backend == legacy {
		if !slices.Contains(legacyTables(t.family), table) {
			return nil, nil
		}
		entries, err := layouts[t.family].read(table)
		if err != nil {
			return nil, fmt.Errorf("reading table %s of the kernel: %w", table, err)
		}
		return layouts[t.family].imprints(entries), nil
	}
	return nftImprints(t.family, table)
}

func newImprint(h hash.Hash) imprint { return imprint(fmt.Sprintf("%x", h.Sum(nil)[:16])) }

// nftImprints asks nf_tables, again where somebody wrote meanwhile.
func nftImprints(family, table string) (found map[string][]imprint, err error) {
	for range 5 {
		found = make(map[string][]imprint)
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

var protocols = map[string]uint8{"ip": unix.NFPROTO_IPV4, "ip6": unix.NFPROTO_IPV6}

// nftImprint reads one rule of a dump.
func nftImprint(msg []byte) (chain string, print imprint, ok bool) {
	if len(msg) < nl.SizeofNfgenmsg {
		return "", "", false
	}
	h := sha256.New()
	for kind, value := range attributes(msg[nl.SizeofNfgenmsg:]) {
		switch kind {
		case unix.NFTA_RULE_CHAIN:
			chain = unix.ByteSliceToString(value)
		case unix.NFTA_RULE_EXPRESSIONS:
			for _, expression := range attributes(value) {
				hashExpression(h, expression)
			}
		case unix.NFTA_RULE_COMPAT, unix.NFTA_RULE_USERDATA:
			fmt.Fprintln(h, kind)
			h.Write(value)
		}
	}
	return chain, newImprint(h), own(chain)
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
	for kind, value := range attributes(expression) {
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
	for kind, value := range attributes(data) {
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

// attributes goes through the attributes of a message of netlink. What was cut
// short ends it.
func attributes(data []byte) func(yield func(kind uint16, value []byte) bool) {
	const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
	return func(yield func(kind uint16, value []byte) bool) {
		for len(data) >= unix.SizeofRtAttr {
			size := int(binary.NativeEndian.Uint16(data))
			if size < unix.SizeofRtAttr || size > len(data) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(data[2:])&^uint16(flags), data[unix.SizeofRtAttr:size]) {
				return
			}
			data = data[min((size+unix.RTA_ALIGNTO-1)&^(unix.RTA_ALIGNTO-1), len(data)):]
		}
	}
}
