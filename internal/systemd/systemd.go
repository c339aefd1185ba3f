// Package systemd talks to the systemd of this host: calls and jobs over D-Bus,
// which never wait without a bound, and what a service tells of itself by
// sd_notify(3).
package systemd

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// The names of org.freedesktop.systemd1(5).
const (
	Name       = "org.freedesktop.systemd1"
	Path       = dbus.ObjectPath("/org/freedesktop/systemd1")
	privateBus = "unix:path=/run/systemd/private"
)

// Answer is how long systemd is waited for, all in all, where it has nothing to
// do but to answer.
const Answer = 20 * time.Second

// reminder is how long the first answer is waited for before it is asked again,
// and then each time twice as long, up to the last one. A repair of a unit takes
// several connections.
const (
	reminder     = 2 * time.Millisecond
	lastReminder = 50 * time.Millisecond
)

// Dial connects to systemd by its private socket, which needs no message bus, or
// else by the system bus; private says which. The connection lasts until it is
// closed or ctx ends.
func Dial(ctx context.Context, options ...dbus.ConnOption) (conn *dbus.Conn, private bool, err error) {
	conn, err = dial(ctx, Answer, greet, func(o ...dbus.ConnOption) (*dbus.Conn, error) { return dbus.Dial(privateBus, o...) }, options)
	if err == nil {
		return conn, true, nil
	}
	conn, busErr := dial(ctx, Answer, (*dbus.Conn).Hello, dbus.SystemBusPrivate, options)
	if busErr != nil {
		return nil, false, fmt.Errorf("reaching systemd: %w, and by the system bus: %v", err, busErr)
	}
	return conn, false, nil
}

func dial(ctx context.Context, bound time.Duration, hello func(*dbus.Conn) error, connect func(...dbus.ConnOption) (*dbus.Conn, error), options []dbus.ConnOption) (*dbus.Conn, error) {
	conn, err := connect(append([]dbus.ConnOption{dbus.WithContext(ctx)}, options...)...)
	if err != nil {
		return nil, err
	}
	late := time.AfterFunc(bound, func() { conn.Close() })
	if err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err == nil {
		err = hello(conn)
	}
	if !late.Stop() {
		err = fmt.Errorf("it has not answered within %s", bound)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// greet has systemd answer once. A first call that reaches its private socket
// together with the end of the authentication lies there until another one comes
// (seen with systemd 252), be it for ever: so it gets others.
func greet(conn *dbus.Conn) error {
	const ping = "org.freedesktop.DBus.Peer.Ping"
	manager := conn.Object(Name, Path)
	call := manager.Go(ping, 0, make(chan *dbus.Call, 1))
	wait := reminder
	again := time.NewTimer(wait)
	defer again.Stop()
	for {
		select {
		case <-call.Done:
			return call.Err
		case <-again.C:
			manager.Go(ping, dbus.FlagNoReplyExpected, nil)
			wait = min(2*wait, lastReminder)
			again.Reset(wait)
		}
	}
}

// A Conn is a connection for calls and jobs.
type Conn struct {
	*systemd.Conn
	manager dbus.BusObject
	cancel  context.CancelFunc
}

// Connect connects to systemd. The connection lasts until it is closed or ctx
// ends.
func Connect(ctx context.Context) (*Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(Answer, cancel) // go-systemd has a call of its own that knows no bound
	var calls *dbus.Conn
	conn, err := systemd.NewConnection(func() (*dbus.Conn, error) {
		next, _, err := Dial(ctx)
		if calls == nil {
			calls = next
		}
		return next, err
	})
	if err == nil && !late.Stop() {
		conn.Close()
		err = fmt.Errorf("reaching systemd: it has not answered within %s", Answer)
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &Conn{Conn: conn, manager: calls.Object(Name, Path), cancel: cancel}, nil
}

// Close ends the connection.
func (c *Conn) Close() {
	c.Conn.Close()
	c.cancel()
}

// UnitFileState says whether the unit is enabled, as its files are now;
// systemctl(1), is-enabled. The property of that name is what systemd has seen
// last, and stays where a link is removed by hand.
func (c *Conn) UnitFileState(ctx context.Context, unit string) (state string, err error) {
	err = c.manager.CallWithContext(ctx, Name+".Manager.GetUnitFileState", 0, unit).Store(&state)
	return state, err
}
