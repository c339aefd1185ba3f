// Package vici asks charon, the IKE daemon of strongSwan, by its socket: what is
// loaded, what is up, and to load, unload, initiate and terminate. See the README
// of charon's vici plugin for the messages.
package vici

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"
	"time"

	"github.com/strongswan/govici/vici"

	"vpnd/internal/socket"
)

// Socket is where Debian's charon listens.
const Socket = "/run/charon.vici"

// ErrDown says that no charon listens.
var ErrDown = errors.New("charon is not running")

// patience is how long charon may take for an answer that it has at hand.
const patience = 30 * time.Second

// room is how many things charon may list in one answer; what comes beyond would be
// lost.
const room = 1 << 14

// A Conn is a connection to charon, for one goroutine at a time.
type Conn struct {
	session *vici.Session
	events  chan vici.Event
}

// Dial connects to the charon that listens on a socket; the error is [ErrDown]
// where none does.
func Dial(ctx context.Context, path string) (*Conn, error) {
	c := &Conn{events: make(chan vici.Event, room)}
	dial := func(_ context.Context, _, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return socket.Dial(ctx, addr)
	}
	var err error
	c.session, err = vici.NewSession(vici.WithAddr("unix", path), vici.WithDialContext(dial))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, ErrDown
	case err != nil:
		return nil, fmt.Errorf("reaching charon: %w", err)
	}
	c.session.NotifyEvents(c.events)
	return c, nil
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.session.Close() }

// call has charon do something. What it says against it is the error.
func (c *Conn) call(ctx context.Context, command string, in *vici.Message) (*vici.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := c.session.Call(ctx, command, in)
	if err == nil {
		return out, nil
	}
	if out != nil {
		if said, ok := out.Get("errmsg").(string); ok && said != "" {
			return out, &RefusedError{Said: said}
		}
	}
	return nil, fmt.Errorf("asking charon to %s: %w", command, err)
}

// A RefusedError is what charon says against a command.
type RefusedError struct{ Said string }

// Error is what charon says.
func (e *RefusedError) Error() string { return e.Said }

// list has charon tell things one by one. The session's own way to do so loses
// what comes faster than it is taken, and may end before the last one; an answer,
// however, comes after all its events.
func (c *Conn) list(ctx context.Context, command, event string, in *vici.Message) ([]*vici.Message, error) {
	if err := c.session.Subscribe(event); err != nil {
		return nil, fmt.Errorf("asking charon to %s: %w", command, err)
	}
	defer func() { _ = c.session.Unsubscribe(event) }()
	if _, err := c.call(ctx, command, in); err != nil {
		return nil, err
	}
	if len(c.events) == cap(c.events) {
		return nil, fmt.Errorf("charon lists more than %d with %s", cap(c.events)-1, command)
	}
	var all []*vici.Message
	for {
		select {
		case e := <-c.events:
			if e.Name == event {
				all = append(all, e.Message)
			}
		default:
			return all, nil
		}
	}
}

// message makes a message of pairs of keys and values.
func message(pairs ...any) (*vici.Message, error) {
	m := vici.NewMessage()
	for i := 0; i < len(pairs); i += 2 {
		if err := m.Set(pairs[i].(string), pairs[i+1]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// do has charon do something with these arguments.
func (c *Conn) do(ctx context.Context, command string, pairs ...any) (*vici.Message, error) {
	in, err := message(pairs...)
	if err != nil {
		return nil, err
	}
	return c.call(ctx, command, in)
}
