// Package foreign knows the chains of nftables that other programs (firewalld, a
// script of nft) have beside those of iptables. A packet has to pass all of them, so
// that one which drops what it does not know shuts what vpnd's chains accept. That
// is told, with the command that opens it there; nothing of it is touched.
package foreign

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// A Base is a chain of nftables that the kernel itself leads packets to, besides
// those of iptables. A packet passes all of them, whichever accepts it first; see
// nft(8), "Verdict statement".
type Base struct {
	family uint8 // as NFPROTO_INET
	table  string
	name   string
	Hook   string // INPUT or FORWARD
	drops  bool   // what it does not accept: by its policy or its last rule
	rules  []nftRule
}

// An nftRule is a rule of nftables, as far as it is judged.
type nftRule struct {
	chain   string
	values  [][]byte // that it compares with
	names   []string // of its expressions
	verdict int32
	decides bool // it has a verdict
}

// hookNames are the hooks of which it matters whether packets may pass, by their
// numbers; linux/netfilter.h.
var hookNames = map[uint32]string{unix.NF_INET_LOCAL_IN: "INPUT", unix.NF_INET_FORWARD: "FORWARD"}

// Bases returns the base chains of others in the network of the calling
// thread that drop what they don't accept, with the rules of their tables. Those
// of iptables are left out where vpnd writes to them itself.
func Bases(backend string) ([]Base, error) {
	messages, err := askNFT(unix.NFPROTO_UNSPEC, unix.NFT_MSG_GETCHAIN)
	if err != nil {
		return nil, err
	}
	var all []Base
	for _, m := range messages {
		b, ok := baseOf(m)
		ours := backend == kernel.NFT && (b.family == unix.NFPROTO_IPV4 || b.family == unix.NFPROTO_IPV6) && syntax.Hooks[b.table] != nil
		if !ok || ours {
			continue
		}
		if b.rules, err = rulesIn(b); err != nil {
			return nil, err
		}
		var last nftRule
		for _, r := range b.rules {
			if r.chain == b.name {
				last = r
			}
		}
		if b.drops = b.drops || last.dropsAll(); b.drops {
			all = append(all, b)
		}
	}
	return all, nil
}

// askNFT lists what nf_tables holds, and nothing where the kernel has none.
func askNFT(family uint8, kind int, attrs ...*nl.RtAttr) ([][]byte, error) {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|kind, unix.NLM_F_DUMP)
	req.AddData(&nl.Nfgenmsg{NfgenFamily: family, Version: nl.NFNETLINK_V0})
	for _, a := range attrs {
		req.AddData(a)
	}
	messages, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EINVAL) {
		return nil, nil
	}
	return messages, err
}

// baseOf reads what the kernel tells of a chain; ok is false for one that no
// packet is led to there.
func baseOf(m []byte) (b Base, ok bool) {
	if len(m) < nl.SizeofNfgenmsg {
		return b, false
	}
	b.family = m[0]
	for kind, value := range kernel.Attributes(m[nl.SizeofNfgenmsg:]) {
		switch kind {
		case unix.NFTA_CHAIN_TABLE:
			b.table = unix.ByteSliceToString(value)
		case unix.NFTA_CHAIN_NAME:
			b.name = unix.ByteSliceToString(value)
		case unix.NFTA_CHAIN_POLICY:
			b.drops = number(value) == 0 // NF_DROP
		case unix.NFTA_CHAIN_HOOK:
			for kind, value := range kernel.Attributes(value) {
				if kind == unix.NFTA_HOOK_HOOKNUM {
					b.Hook = hookNames[number(value)]
				}
			}
		}
	}
	inet := slices.Contains([]uint8{unix.NFPROTO_INET, unix.NFPROTO_IPV4, unix.NFPROTO_IPV6}, b.family)
	return b, inet && b.Hook != ""
}

// rulesIn reads the rules of the table that a chain is in.
func rulesIn(b Base) ([]nftRule, error) {
	messages, err := askNFT(b.family, unix.NFT_MSG_GETRULE, nl.NewRtAttr(unix.NFTA_RULE_TABLE, nl.ZeroTerminated(b.table)))
	var rules []nftRule
	for _, m := range messages {
		if len(m) < nl.SizeofNfgenmsg {
			continue
		}
		var r nftRule
		for kind, value := range kernel.Attributes(m[nl.SizeofNfgenmsg:]) {
			switch kind {
			case unix.NFTA_RULE_CHAIN:
				r.chain = unix.ByteSliceToString(value)
			case unix.NFTA_RULE_EXPRESSIONS:
				for _, expression := range kernel.Attributes(value) {
					r.add(expression)
				}
			}
		}
		rules = append(rules, r)
	}
	return rules, err
}

// add takes an expression of the rule into account.
func (r *nftRule) add(expression []byte) {
	var name string
	var data []byte
	for kind, value := range kernel.Attributes(expression) {
		switch kind {
		case unix.NFTA_EXPR_NAME:
			name = unix.ByteSliceToString(value)
		case unix.NFTA_EXPR_DATA:
			data = value
		}
	}
	r.names = append(r.names, name)
	for kind, value := range kernel.Attributes(data) {
		switch {
		case name == "cmp" && kind == unix.NFTA_CMP_DATA:
			for kind, value := range kernel.Attributes(value) {
				if kind == unix.NFTA_DATA_VALUE {
					r.values = append(r.values, value)
				}
			}
		case name == "immediate" && kind == unix.NFTA_IMMEDIATE_DATA:
			r.decide(value)
		}
	}
}

// decide reads the verdict in the data of an expression, if it holds one.
func (r *nftRule) decide(data []byte) {
	for kind, value := range kernel.Attributes(data) {
		if kind != unix.NFTA_DATA_VERDICT {
			continue
		}
		for kind, value := range kernel.Attributes(value) {
			if kind == unix.NFTA_VERDICT_CODE {
				r.verdict, r.decides = int32(number(value)), true
			}
		}
	}
}

// dropsAll says whether the rule drops or rejects every packet.
func (r nftRule) dropsAll() bool {
	matches := slices.ContainsFunc(r.names, func(name string) bool {
		return !slices.Contains([]string{"counter", "log", "immediate", "reject"}, name)
	})
	return !matches && (slices.Contains(r.names, "reject") || r.decides && r.verdict == 0)
}

// number reads a number of netfilter's, which come in network order.
func number(value []byte) uint32 {
	if len(value) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(value)
}
