package unit

import (
	"context"
	"errors"
	"fmt"

	escape "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"vpnd/internal/resource"
	"vpnd/internal/systemd"
)

// The names of org.freedesktop.systemd1(5).
const (
	unitPaths         = string(systemd.Path) + "/unit/"
	propertiesChanged = "org.freedesktop.DBus.Properties.PropertiesChanged"
	filesChanged      = systemd.Name + ".Manager.UnitFilesChanged"
	reloading         = systemd.Name + ".Manager.Reloading"
	subscribe         = systemd.Name + ".Manager.Subscribe"
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
		id := dbus.ObjectPath(unitPaths + escape.PathBusEscape(s.id))
		of[id] = append(of[id], name)
	}
	return of, nil
}

// listen has systemd's signals delivered. go-systemd drops the signals that
// aren't about a unit.
func listen(ctx context.Context, e *ear) (*dbus.Conn, error) {
	conn, private, err := systemd.Dial(ctx, dbus.WithSignalHandler(e))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, systemd.Answer)
	defer cancel()
	if !private {
		err = conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(systemd.Name))
	}
	if err == nil {
		err = conn.Object(systemd.Name, systemd.Path).CallWithContext(ctx, subscribe, 0).Err
	}
	if err != nil {
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
	if names == nil || len(signal.Body) < 2 || signal.Body[0] != systemd.Name+".Unit" {
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
