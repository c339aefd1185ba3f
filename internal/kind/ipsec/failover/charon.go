package failover

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec/vici"
)

// A charon is what failover needs of strongSwan's.
type charon interface {
	// look returns those of the connections that are loaded; none where charon does
	// not run.
	look(ctx context.Context, names []string) (map[string]connection, error)
	// initiate establishes a child SA of the connection, or its IKE SA alone where the
	// child is empty. Of a peer that does not answer in that time it returns
	// [vici.ErrSilent].
	initiate(ctx context.Context, name, child string, within time.Duration) error
	// endIKE ends an IKE SA with all its child SAs.
	endIKE(ctx context.Context, id string) error
	// endChild ends a child SA.
	endChild(ctx context.Context, id string) error
	// hear calls heard once it listens and for each event of SAs, until ctx ends.
	hear(ctx context.Context, heard func()) error
}

// A connection is one that charon has loaded, with its SAs.
type connection struct {
	Name     string
	Peer     string
	Children []string // as configured
	SAs      []vici.SA
}

// farewell is how long a peer is waited for that shall let go of a child SA, and atOnce
// has charon not wait: the peer of an IKE SA that is ended does not answer any more.
const (
	farewell = 500 * time.Millisecond
	atOnce   = -time.Millisecond
)

// swan is the charon that listens on a socket.
type swan string

// talk does something with charon.
func (s swan) talk(ctx context.Context, do func(*vici.Conn) error) error {
	conn, err := vici.Dial(ctx, string(s))
	if err != nil {
		return err
	}
	defer conn.Close()
	return do(conn)
}

func (s swan) look(ctx context.Context, names []string) (map[string]connection, error) {
	loaded := make(map[string]connection)
	err := s.talk(ctx, func(conn *vici.Conn) error {
		for _, name := range names {
			configs, err := conn.Configs(ctx, name)
			if err != nil {
				return err
			}
			config, there := configs[name]
			if !there {
				continue
			}
			c := connection{Name: name, Peer: strings.Join(config.RemoteAddrs, ", ")}
			for child := range config.Children {
				c.Children = append(c.Children, child)
			}
			slices.Sort(c.Children)
			if c.SAs, err = conn.SAs(ctx, name); err != nil {
				return err
			}
			loaded[name] = c
		}
		return nil
	})
	if errors.Is(err, vici.ErrDown) {
		return nil, nil
	}
	return loaded, err
}

func (s swan) initiate(ctx context.Context, name, child string, within time.Duration) error {
	return s.talk(ctx, func(conn *vici.Conn) error { return conn.Establish(ctx, name, child, within) })
}

func (s swan) endIKE(ctx context.Context, id string) error {
	err := s.talk(ctx, func(conn *vici.Conn) error { return conn.Terminate(ctx, id, atOnce) })
	var refused *vici.RefusedError
	if errors.As(err, &refused) && strings.Contains(refused.Said, "no matching SAs") {
		return nil
	}
	return err
}

func (s swan) endChild(ctx context.Context, id string) error {
	return s.talk(ctx, func(conn *vici.Conn) error { return conn.TerminateChild(ctx, id, farewell) })
}

func (s swan) hear(ctx context.Context, heard func()) error {
	return s.talk(ctx, func(conn *vici.Conn) error { return conn.UpDown(ctx, heard) })
}
