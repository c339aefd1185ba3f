package openvpn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// settling is how long a client has to dial anew once it was told to. It waits a second by
// itself; one that is simply forgotten notices by UDP when keepalive does.
const settling = 3 * time.Second

// Redial has the sessions of a common name dial anew that are not as they shall be, and
// ends them where they do not.
func Redial(ctx context.Context, socket, name string, wrong func(Session) bool) error {
	left := func() (ids []string, err error) {
		sessions, err := Sessions(ctx, socket)
		for _, s := range sessions {
			if s.CommonName == name && wrong(s) {
				ids = append(ids, s.ID)
			}
		}
		return ids, err
	}
	ids, err := left()
	switch {
	case errors.Is(err, ErrDown):
		return nil
	case err != nil:
		return err
	case slices.Contains(ids, ""): // an OpenVPN that does not tell
		return Disconnect(ctx, socket, name)
	}
	for _, id := range ids {
		if err := restart(ctx, socket, id); err != nil {
			return err
		}
	}
	for began := time.Now(); time.Since(began) < settling && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		if now, err := left(); err != nil || !slices.ContainsFunc(now, func(id string) bool { return slices.Contains(ids, id) }) {
			return err
		}
	}
	return Disconnect(ctx, socket, name)
}

// restart tells the client of a session to dial anew. That the session is gone is no error.
func restart(ctx context.Context, socket, id string) error {
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return fmt.Errorf("%q is no number of a client", id)
	}
	c, err := dial(ctx, socket)
	if c == nil {
		return err
	}
	defer c.close()
	_, err = c.ask("client-kill "+id, "SUCCESS:")
	var refused *refusal
	if errors.As(err, &refused) {
		return nil
	}
	return err
}
