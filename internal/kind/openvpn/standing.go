package openvpn

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Standing is how a client stands, as its management interface tells: what state,
// status and log say (see management-notes.txt of OpenVPN).
type Standing struct {
	State    string // CONNECTED, WAIT, AUTH, RECONNECTING and the like
	Detail   string // why it reconnects, as tls-error
	Answered bool   // somebody answered since it was connected last, or since it began
	Since    time.Time
	Local    []netip.Addr // its addresses in the VPN
	Peer     string       // address and port of the server, once it is connected
	In, Out  uint64       // bytes since it is connected
	Log      []string     // what it said last
}

// Stand asks a client how it stands, and, unless it is connected, for so many of its
// last words. Of one that does not run, or ends meanwhile, it says [ErrDown], and of one
// that does not answer [ErrSilent].
func Stand(ctx context.Context, socket string, words int) (*Standing, error) {
	s, err := stand(ctx, socket, words)
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		err = ErrDown
	}
	return s, err
}

func stand(ctx context.Context, socket string, words int) (*Standing, error) {
	c, err := dial(ctx, socket)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, ErrDown
	}
	defer c.close()
	lines, err := c.ask("state "+strconv.Itoa(states), "END")
	if err != nil {
		return nil, err
	}
	s := parseState(lines)
	if lines, err = c.ask("status 2", "END"); err != nil {
		return nil, err
	}
	s.In, s.Out = parseBytes(lines)
	if words == 0 || s.State == "CONNECTED" {
		return s, nil
	}
	if lines, err = c.ask("log "+strconv.Itoa(words), "END"); err != nil {
		return nil, err
	}
	for _, line := range lines {
		if cells := strings.SplitN(line, ",", 3); len(cells) == 3 { // time, flags, message
			s.Log = append(s.Log, cells[2])
		}
	}
	return s, nil
}

// states are so many of the last that are looked at: some attempts of up to six each.
const states = 20

// parseState reads the last of the states that are told: time, state, detail, local
// address, address and port of the server, two of this side, and the local address of
// IPv6.
func parseState(lines []string) *Standing {
	s := &Standing{}
	if len(lines) == 0 {
		return s
	}
	cells := append(strings.Split(lines[len(lines)-1], ","), make([]string, 9)...)
	if at, err := strconv.ParseInt(cells[0], 10, 64); err == nil {
		s.Since = time.Unix(at, 0).UTC()
	}
	s.State, s.Detail = cells[1], cells[2]
	for _, line := range lines {
		switch cells := strings.SplitN(line, ",", 3); {
		case len(cells) > 1 && cells[1] == "CONNECTED":
			s.Answered = false
		case len(cells) > 1 && cells[1] == "AUTH":
			s.Answered = true
		}
	}
	for _, text := range []string{cells[3], cells[8]} {
		if addr, err := netip.ParseAddr(text); err == nil {
			s.Local = append(s.Local, addr)
		}
	}
	s.Peer = cells[4]
	if addr, err := netip.ParseAddr(cells[4]); err == nil {
		if port, err := strconv.ParseUint(cells[5], 10, 16); err == nil {
			s.Peer = netip.AddrPortFrom(addr, uint16(port)).String()
		}
	}
	return s
}

// parseBytes reads what came and went over the network.
func parseBytes(lines []string) (in, out uint64) {
	for _, line := range lines {
		switch title, n, _ := strings.Cut(line, ","); title {
		case "TCP/UDP read bytes":
			in = count(n)
		case "TCP/UDP write bytes":
			out = count(n)
		}
	}
	return in, out
}
