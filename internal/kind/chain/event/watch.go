// Package event hears when somebody changes rules, and who: nf_tables tells of each
// transaction by netlink, and the legacy tables, of which nobody tells, are polled.
// What vpnd's own programs write is no event.
package event

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// A Watcher hears of each change in the tables of nf_tables that hold one of the
// chains, and by which process, but for those that vpnd makes itself. The kernel
// doesn't tell of a change in the legacy backend, so that its tables are polled
// where there are any.
type Watcher struct {
	Writers *xtables.Writers // the programs that vpnd started; nil, all changes are hinted at
	Legacy  bool             // vpnd writes to the legacy backend
}

// Watch hints at changes until ctx ends, with an empty hint once it listens.
func (w Watcher) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	return notice.Together(ctx, begin,
		func(ctx context.Context, begin func()) error { return w.listen(ctx, names, begin, kick) },
		func(ctx context.Context, begin func()) error { return w.poll(ctx, begin, kick) })
}

func (w Watcher) listen(ctx context.Context, names []string, begin func(), kick func(resource.Hint)) error {
	hosted := inHostNamespace()
	tx := newTransactions(names)
	err := notice.Netlink{
		Protocol: unix.NETLINK_NETFILTER,
		Groups:   []int{unix.NFNLGRP_NFTABLES},
		Begin:    func() error { tx.begin(); begin(); return nil },
		Hear: func(m notice.Message) error {
			if m.Header.Type != newGeneration {
				tx.event(m)
				return nil
			}
			written, known := tx.end()
			by := parseWriter(m)
			if len(written) == 0 || w.Writers.Own(by.port) || w.Writers.Own(by.pid) {
				return nil
			}
			program := ""
			if known && !w.Legacy { // else whoever writes with nft did not write vpnd's rules
				program = by.describe(hosted)
			}
			for _, name := range written {
				kick(resource.Hint{Name: name, By: program})
			}
			return nil
		},
	}.Listen(ctx)
	if errors.Is(err, unix.EPROTONOSUPPORT) { // a kernel with nothing but the legacy backend
		begin()
		<-ctx.Done()
		return nil
	}
	return err
}
