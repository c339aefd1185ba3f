package chain

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// Watch hears of each change in the tables of nf_tables that hold one of the
// chains, and by which process, but for those that vpnd makes itself. The kernel
// doesn't tell of a change in the legacy backend, so that its tables are polled
// where there are any.
func (v Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	return notice.Together(ctx, begin,
		func(ctx context.Context, begin func()) error { return v.listen(ctx, names, begin, kick) },
		func(ctx context.Context, begin func()) error { return v.poll(ctx, begin, kick) })
}

func (v Verbs) listen(ctx context.Context, names []string, begin func(), kick func(resource.Hint)) error {
	hosted := inHostNamespace()
	elsewhere := v.legacy(ctx) // whoever writes with nft did not write vpnd's rules
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
			w := parseWriter(m)
			if len(written) == 0 || v.Writers.own(w.port) || v.Writers.own(w.pid) {
				return nil
			}
			by := ""
			if known && !elsewhere {
				by = w.describe(hosted)
			}
			for _, name := range written {
				kick(resource.Hint{Name: name, By: by})
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
