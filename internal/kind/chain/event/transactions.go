package event

import (
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
	"vpnd/internal/notice"
)

// newGeneration is the type of the message that ends each transaction of
// nf_tables, whatever it was about, and says who made it; see
// linux/netfilter/nf_tables.h.
const newGeneration = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN

// eventTable is the attribute that names the table in all messages about what is
// in one: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE and so on.
const eventTable = 1

// deaf is how long after lost messages nobody is named. A transaction of which
// only some were lost looks like one that wrote less.
const deaf = time.Second

// transactions puts together what the kernel tells of each transaction, one after
// the other: a message for each thing that is made or gone, and then the end.
type transactions struct {
	chains map[syntax.Spot][]string // the names that are asked for, by family and table
	wrote  map[syntax.Spot]bool     // tables of these that the one under way has written
	told   bool                     // of anything since the last end
	begun  bool
	lost   time.Time // when messages were lost
}

func newTransactions(names []string) *transactions {
	t := &transactions{chains: make(map[syntax.Spot][]string), wrote: make(map[syntax.Spot]bool)}
	for _, name := range names {
		if s, err := syntax.Parse(name); err == nil {
			table := syntax.Spot{Family: s.Family, Table: s.Table}
			t.chains[table] = append(t.chains[table], name)
		}
	}
	return t
}

// begin is called when it is listened, and again when messages were lost.
func (t *transactions) begin() {
	if t.begun {
		t.lost = time.Now()
	}
	t.begun, t.told = true, false
	clear(t.wrote)
}

// event takes note of a message of the transaction under way.
func (t *transactions) event(m notice.Message) {
	if len(m.Data) < nl.SizeofNfgenmsg {
		return
	}
	table := tableOf(m.Data[nl.SizeofNfgenmsg:])
	if table == "" {
		return
	}
	t.told = true
	s := syntax.Spot{Family: kernel.Families[m.Data[0]], Table: table}
	if _, ours := t.chains[s]; ours && rewrites(m.Header.Type) {
		t.wrote[s] = true
	}
}

// rewrites says whether a message tells of a table, a chain or a rule. Sets,
// which iptables doesn't know, leave the chains as they are.
func rewrites(kind uint16) bool {
	switch kind & 0xff {
	case unix.NFT_MSG_NEWTABLE, unix.NFT_MSG_DELTABLE, unix.NFT_MSG_NEWCHAIN, unix.NFT_MSG_DELCHAIN, unix.NFT_MSG_NEWRULE, unix.NFT_MSG_DELRULE:
		return kind>>8 == unix.NFNL_SUBSYS_NFTABLES
	}
	return false
}

// tableOf returns the name of the table from the attributes of a message, empty
// where there is none. Nothing else of a rule is read: there may be thousands.
func tableOf(attrs []byte) string {
	for kind, value := range kernel.Attributes(attrs) {
		if kind == eventTable {
			return unix.ByteSliceToString(value)
		}
	}
	return ""
}

// end ends the transaction under way. It returns whom its writer concerns: the
// chains of the tables that it wrote, and the empty name in place of all. Where
// messages were lost, or say nothing, that is so, but nobody is known to have
// written them.
func (t *transactions) end() (names []string, known bool) {
	defer func() { t.told = false; clear(t.wrote) }()
	if !t.told || time.Since(t.lost) < deaf {
		return []string{""}, false
	}
	if len(t.wrote) > 0 && len(t.wrote) == len(t.chains) {
		return []string{""}, true
	}
	for table := range t.wrote {
		names = append(names, t.chains[table]...)
	}
	slices.Sort(names)
	return names, true
}
