package confirm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"vpnd/internal/process"
)

// A session is the TCP connection of an SSH session.
type session struct{ peer, local netip.AddrPort }

// sshSession returns the SSH session that this process was called from. sudo(8)
// takes SSH_CONNECTION away, so parents are asked too.
func sshSession() (session, bool) {
	for pid := os.Getpid(); pid > 1; pid = parent(pid) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			break
		}
		for _, v := range bytes.Split(environ, []byte{0}) {
			if value, ok := bytes.CutPrefix(v, []byte("SSH_CONNECTION=")); ok {
				return parseSession(string(value))
			}
		}
	}
	return session{}, false
}

// parent returns the parent of a process, 0 where it is gone; see proc(5).
func parent(pid int) int {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // the name before may hold anything
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

// parseSession reads SSH_CONNECTION; see ssh(1).
func parseSession(value string) (session, bool) {
	words := strings.Fields(value)
	if len(words) != 4 {
		return session{}, false
	}
	peer, err := endpoint(words[0], words[1])
	local, err2 := endpoint(words[2], words[3])
	return session{peer, local}, errors.Join(err, err2) == nil
}

func endpoint(host, port string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), err
}

func (s session) probe() Probe {
	return Probe{
		Name: fmt.Sprintf("the SSH session from %s was alive", s.peer.Addr()),
		Try:  func(context.Context) error { return s.alive() },
	}
}

// Of the state and the timer of a TCP connection, as net/tcp below /proc has them:
// see include/net/tcp_states.h of the kernel.
const (
	established = "01"
	stuck       = 2 // so many times something was sent again, and not acknowledged since
)

// alive says whether the peer acknowledges what is sent to it. That it is asked
// of the kernel means that nothing has to be let into the session.
func (s session) alive() error {
	for _, table := range []string{"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if errors.Is(err, os.ErrNotExist) {
			continue // without IPv6
		}
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(text)) {
			if found, err := s.judge(strings.Fields(line)); found {
				return err
			}
		}
	}
	return errors.New("its connection is gone")
}

// judge looks at one line of the table.
func (s session) judge(fields []string) (found bool, err error) {
	if len(fields) < 7 || process.Address(fields[1]) != without(s.local) || process.Address(fields[2]) != without(s.peer) {
		return false, nil
	}
	if fields[3] != established {
		return true, errors.New("its connection is closed")
	}
	again, err := strconv.ParseUint(fields[6], 16, 32)
	if err == nil && again >= stuck {
		err = errors.New("the client does not acknowledge what is sent to it")
	}
	return true, err
}

// without returns the address without its zone, which the kernel's table lacks.
func without(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

// sshServer returns where the session came in, or the usual place of a server.
func sshServer(s session, known bool) netip.AddrPort {
	if known {
		return s.local
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 22)
}

// sshProbe returns a probe of an SSH server, which says what it is before the
// client has to.
func sshProbe(at netip.AddrPort) Probe {
	return Probe{Name: fmt.Sprintf("the SSH server answered on port %d", at.Port()), Try: func(ctx context.Context) error { return banner(ctx, at.String()) }}
}

func banner(ctx context.Context, at string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	word := make([]byte, 4)
	if _, err := conn.Read(word); err != nil {
		return fmt.Errorf("it says nothing: %w", err)
	}
	if string(word) != "SSH-" {
		return fmt.Errorf("it does not speak SSH")
	}
	return nil
}
