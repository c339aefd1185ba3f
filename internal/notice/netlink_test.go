package notice_test

import (
	"context"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/notice"
)

// TestLostMessagesMeanEverything stands still while the kernel says more than
// the socket holds, and then hears again.
func TestLostMessagesMeanEverything(t *testing.T) {
	nettest.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begun, heard, release := make(chan bool, 100), make(chan bool), make(chan bool)
	ended := make(chan error, 1)
	go func() {
		ended <- notice.Netlink{
			Protocol: unix.NETLINK_ROUTE, Groups: []int{unix.RTNLGRP_LINK},
			Begin: func() error { begun <- true; return nil },
			Hear: func(notice.Message) error {
				select {
				case heard <- true:
				case <-ctx.Done():
				}
				<-release
				return nil
			},
		}.Listen(ctx)
	}()
	<-begun
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	say := func(i int) {
		if err := netlink.LinkSetMTU(lo, 2000+i%2); err != nil {
			t.Fatal(err)
		}
	}
	say(0)
	<-heard
	for i := range 20000 {
		say(1 + i)
	}
	go func() {
		for range heard {
		}
	}()
	close(release)
	select {
	case <-begun:
	case <-ctx.Done():
		t.Fatal("messages were lost, and it does not say so")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(heard)
}
