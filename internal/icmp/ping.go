// Package icmp asks whether somebody is there.
package icmp

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Ping sends an echo request and waits for its reply until ctx ends (RFC 792, RFC
// 4443). It goes out by the interface of that name, or by any where it is empty. It
// needs CAP_NET_RAW.
func Ping(ctx context.Context, addr netip.Addr, through string) error {
	network, request, reply := "ip4:icmp", byte(8), byte(0)
	if addr.Is6() {
		network, request, reply = "ip6:ipv6-icmp", 128, 129
	}
	d := net.Dialer{Control: bound(through)}
	conn, err := d.DialContext(ctx, network, addr.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	question := echo(request)
	if _, err := conn.Write(question); err != nil {
		return err
	}
	for answer := make([]byte, 1500); ; {
		n, _, err := conn.(net.PacketConn).ReadFrom(answer) // without the IP header
		if err != nil {
			return fmt.Errorf("no answer to a ping: %w", err)
		}
		// What follows type, code and checksum comes back as it was sent.
		if n >= len(question) && answer[0] == reply && bytes.Equal(answer[4:len(question)], question[4:]) {
			return nil
		}
	}
}

// bound has a socket use an interface; socket(7), SO_BINDTODEVICE.
func bound(ifname string) func(string, string, syscall.RawConn) error {
	if ifname == "" {
		return nil
	}
	return func(_, _ string, raw syscall.RawConn) error {
		var refused error
		if err := raw.Control(func(fd uintptr) { refused = unix.BindToDevice(int(fd), ifname) }); err != nil {
			return err
		}
		return refused
	}
}

// echo returns an echo request that no other one is like. The kernel fills in
// the checksum where it is ICMPv6, and only there.
func echo(kind byte) []byte {
	m := make([]byte, 24)
	rand.Read(m[4:])
	m[0] = kind
	var sum uint32
	for i := 0; i < len(m); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(m[i:]))
	}
	sum = sum>>16 + sum&0xffff
	sum += sum >> 16
	binary.BigEndian.PutUint16(m[2:], ^uint16(sum))
	return m
}
