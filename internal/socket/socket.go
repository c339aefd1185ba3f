// Package socket connects to other programs of this host.
package socket

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// pause is how long whoever listens has to take one of those who wait.
const pause = 20 * time.Millisecond

// Dial connects to a socket in the file system. A program that is busy leaves others
// waiting, three of them charon and one OpenVPN; who comes then and does not block is
// turned away at once (unix(7), connect(2): EAGAIN). Dial waits with them until ctx is
// done; the error is then EAGAIN.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(context.WithoutCancel(ctx), "unix", path) // which never blocks
		if !errors.Is(err, syscall.EAGAIN) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}
