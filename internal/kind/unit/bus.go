package unit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"vpnd/internal/resource"
)

// The names of org.freedesktop.systemd1(5).
const (
	busName           = "org.freedesktop.systemd1"
	busPath           = "/org/freedesktop/systemd1"
	unitPaths         = busPath + "/unit/"
	propertiesChanged = "org.freedesktop.DBus.Properties.PropertiesChanged"
	filesChanged      = busName + ".Manager.UnitFilesChanged"
	reloading         = busName + ".Manager.Reloading"
	subscribe         = busName + ".Manager.Subscribe"
	privateAddress    = "unix:path=/run/systemd/private"
)

// watchSystemd hears what systemd tells of the units.
func (v Verbs) watchSystemd(ctx context.Context, names []string, begin func(), kick func(resource.Hint)) error {
	of, err := v.paths(ctx, names)
	if err != nil {
		return err
	}
	conn, err := listen(ctx, &ear{names: of, last: make(map[dbus.ObjectPath]string), kick: kick})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("listening to systemd: %w", err)
	}
	defer conn.Close()
	begin()
	<-conn.Context().Done()
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("systemd closed the connection, as it does when it is executed anew")
}

// paths returns whom each object of systemd's is about. A unit may be asked for
// by an alias.
func (v Verbs) paths(ctx context.Context, names []string) (map[dbus.ObjectPath][]string, error) {
	m, err := v.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	of := make(map[dbus.ObjectPath][]string)
	for _, name := range names {
		s, err := look(ctx, m, name)
		if err != nil {
			return nil, err
		}
		id := dbus.ObjectPath(unitPaths + systemd.PathBusEscape(s.id))
		of[id] = append(of[id], name)
	}
	return of, nil
}

// listen has systemd's signals delivered, over its private socket or else the
// system bus. go-systemd drops the signals that aren't about a unit.
func listen(ctx context.Context, e *ear) (*dbus.Conn, error) {
	options := []dbus.ConnOption{dbus.WithContext(ctx), dbus.WithSignalHandler(e)}
	conn, err := dial(func() (*dbus.Conn, error) { return dbus.Dial(privateAddress, options...) })
	if err != nil {
		if conn, err = dial(func() (*dbus.Conn, error) { return dbus.SystemBusPrivate(options...) }); err != nil {
			return nil, err
		}
		err = conn.Hello()
		if err == nil {
			err = conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(busName))
		}
	}
	if err == nil {
		err = ask(ctx, conn.Object(busName, busPath))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// How long systemd is waited for before it is reminded, and all in all.
const (
	reminder = 50 * time.Millisecond
	answer   = 10 * time.Second
)

// ask has systemd send its signals. A first call that reaches its private
// socket together with the end of the authentication lies there until another
// one comes (seen with systemd 252): so it gets another one.
func ask(ctx context.Context, manager dbus.BusObject) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	call := manager.GoWithContext(ctx, subscribe, 0, make(chan *dbus.Call, 1))
	again := time.NewTicker(reminder)
	defer again.Stop()
	for {
		select {
		case <-call.Done:
			return call.Err
		case <-ctx.Done():
			return fmt.Errorf("systemd does not answer: %w", ctx.Err())
		case <-again.C:
			manager.GoWithContext(ctx, "org.freedesktop.DBus.Peer.Ping", dbus.FlagNoReplyExpected, nil)
		}
	}
}

func dial(connect func() (*dbus.Conn, error)) (*dbus.Conn, error) {
	conn, err := connect()
	if err != nil {
		return nil, err
	}
	if err := conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// An ear takes signals in, on the goroutine that reads the connection.
type ear struct {
	names map[dbus.ObjectPath][]string
	last  map[dbus.ObjectPath]string
	kick  func(resource.Hint)
}

// DeliverSignal is called with each signal.
func (e *ear) DeliverSignal(_, _ string, signal *dbus.Signal) {
	switch signal.Name {
	case filesChanged, reloading:
		e.kick(resource.Hint{})
	case propertiesChanged:
		e.unit(signal)
	}
}

// unit is about one unit. systemd tells of each little thing that happens to
// one, and always its whole state with it.
func (e *ear) unit(signal *dbus.Signal) {
	names := e.names[signal.Path]
	if names == nil || len(signal.Body) < 2 || signal.Body[0] != busName+".Unit" {
		return
	}
	properties, _ := signal.Body[1].(map[string]dbus.Variant)
	if _, told := properties["ActiveState"]; !told {
		return
	}
	now := fmt.Sprint(properties["LoadState"], properties["ActiveState"], properties["SubState"])
	if now == e.last[signal.Path] {
		return
	}
	e.last[signal.Path] = now
	for _, name := range names {
		e.kick(resource.Hint{Name: name})
	}
}
