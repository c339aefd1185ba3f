package ssh

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// States of TCP; include/net/tcp_states.h of the kernel.
const (
	established = 1
	listening   = 10
)

// A socket is one of TCP, as the kernel tells of it; sock_diag(7).
type socket struct {
	state         uint8
	uid           int
	local, remote netip.AddrPort
	heard         time.Duration // since the last data came in
	rtt           time.Duration
	in, out       int // bytes
}

// sockets returns all of TCP in this network namespace.
func sockets() ([]socket, error) {
	var all []socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := netlink.SocketDiagTCPInfo(family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			if family == unix.AF_INET6 && len(all) > 0 {
				continue // a kernel without IPv6
			}
			return nil, fmt.Errorf("asking the kernel for its sockets: %w", err)
		}
		for _, f := range found {
			if f.InetDiagMsg != nil {
				all = append(all, of(f))
			}
		}
	}
	return all, nil
}

func of(f *netlink.InetDiagTCPInfoResp) socket {
	m := f.InetDiagMsg
	s := socket{state: m.State, uid: int(m.UID), local: endpoint(m.ID.Source, m.ID.SourcePort), remote: endpoint(m.ID.Destination, m.ID.DestinationPort)}
	if i := f.TCPInfo; i != nil {
		s.heard = time.Duration(i.Last_data_recv) * time.Millisecond
		s.rtt = time.Duration(i.Rtt) * time.Microsecond
		s.in, s.out = int(i.Bytes_received), int(i.Bytes_acked)
	}
	return s
}

func endpoint(ip net.IP, port uint16) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(ip)
	return netip.AddrPortFrom(addr.Unmap(), port)
}

// unixSockets returns the paths at which sockets of this network namespace listen;
// proc_net_unix(5).
func unixSockets() (map[string]bool, error) {
	data, err := os.ReadFile("/proc/thread-self/net/unix")
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its sockets: %w", err)
	}
	const accepts = "00010000" // __SO_ACCEPTCON
	all := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 8 && f[3] == accepts {
			all[f[7]] = true
		}
	}
	return all, nil
}
