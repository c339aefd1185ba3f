package chain

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Looks remembers what iptables-save printed last, with the state of the kernel
// that it was printed of. A plan, the look before its apply and the apply itself
// ask for the same, and of ten thousand rules each would take a good part of
// what writing them does. Its zero value is ready; nil remembers nothing. It is
// for one network namespace.
type Looks struct {
	mu   sync.Mutex
	last map[string]glance // by program
	seed maphash.Seed
}

type glance struct {
	stamp string
	text  string
}

// stamp says in a word which rules there are; it changes with them.
func (l *Looks) stamp(t *tool) (string, error) {
	if t.backend == nft {
		n, err := generation()
		return fmt.Sprint(n), err
	}
	if l.seed == (maphash.Seed{}) {
		l.seed = maphash.MakeSeed()
	}
	prints, err := fingerprints(l.seed)
	if err != nil {
		return "", err
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(prints)) {
		all = append(all, fmt.Sprintf("%s %x", name, prints[name]))
	}
	return fmt.Sprint(all), nil
}

// save returns what iptables-save prints, from memory where no rule has changed
// since. The kernel is asked first: what changes meanwhile is read the next time.
func (l *Looks) save(ctx context.Context, t *tool, read func() (string, error)) (string, error) {
	if l == nil {
		return read()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	stamp, err := l.stamp(t)
	if err != nil {
		return read()
	}
	if last, ok := l.last[t.save]; ok && last.stamp == stamp {
		return last.text, ctx.Err()
	}
	text, err := read()
	if err != nil {
		delete(l.last, t.save)
		return "", err
	}
	if l.last == nil {
		l.last = make(map[string]glance)
	}
	l.last[t.save] = glance{stamp: stamp, text: text}
	return text, nil
}

// generationID is the attribute with the number of the last transaction of
// nf_tables; see linux/netfilter/nf_tables.h.
const generationID = 1

// generation returns the number of the last transaction in this network.
func generation() (uint32, error) {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	req.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, err
	}
	for _, msg := range msgs {
		for kind, value := range attributes(msg[min(nl.SizeofNfgenmsg, len(msg)):]) {
			if kind == generationID && len(value) == 4 {
				return binary.BigEndian.Uint32(value), nil
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not say which transaction was the last")
}
