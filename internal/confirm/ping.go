package confirm

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"
)

func pingProbe(who string, addr netip.Addr) Probe {
	return Probe{Name: fmt.Sprintf("%s %s answered a ping", who, addr), Try: func(ctx context.Context) error { return ping(ctx, addr) }}
}

// ping sends an ICMP echo request and waits for its reply until ctx ends (RFC
// 792, RFC 4443). It needs CAP_NET_RAW.
func ping(ctx context.Context, addr netip.Addr) error {
	network, request, reply := "ip4:icmp", byte(8), byte(0)
	if addr.Is6() {
		network, request, reply = "ip6:ipv6-icmp", 128, 129
	}
	conn, err := net.DialIP(network, nil, &net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()})
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(tryTime)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	question := echo(request)
	if _, err := conn.Write(question); err != nil {
		return err
	}
	answer := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(answer) // without the IP header
		if err != nil {
			return fmt.Errorf("no answer to a ping: %w", err)
		}
		// What follows type, code and checksum comes back as it was sent.
		if n >= len(question) && answer[0] == reply && bytes.Equal(answer[4:len(question)], question[4:]) {
			return nil
		}
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
