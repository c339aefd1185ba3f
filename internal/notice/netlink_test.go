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

// TestNothingIsLostAfterMessagesWere says one thing more while who listens looks at what
// there is since messages were lost: the kernel has no room for it in the socket that
// lost them, and says so only once.
func TestNothingIsLostAfterMessagesWere(t *testing.T) {
	nettest.Need(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const last = 3000
	begun, look, first, release, said := make(chan bool), make(chan bool), make(chan bool, 1), make(chan bool), make(chan bool, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- notice.Netlink{
			Protocol: unix.NETLINK_ROUTE, Groups: []int{unix.RTNLGRP_LINK},
			Begin: func() error {
				select {
				case begun <- true:
					<-look
				case <-ctx.Done():
				}
				return nil
			},
			Hear: func(m notice.Message) error {
				select {
				case first <- true:
					<-release
				default:
				}
				if link, err := netlink.LinkDeserialize(nil, m.Data); err == nil && link.Attrs().MTU == last {
					said <- true
				}
				return nil
			},
		}.Listen(ctx)
	}()
	<-begun
	look <- true
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20000 {
		if err := netlink.LinkSetMTU(lo, 2000+i%2); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	select {
	case <-begun:
	case <-ctx.Done():
		t.Fatal("messages were lost, and it does not say so")
	}
	if err := netlink.LinkSetMTU(lo, last); err != nil {
		t.Fatal(err)
	}
	close(look)
	select {
	case <-said:
	case <-ctx.Done():
		t.Error("what was said after that is not heard")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
