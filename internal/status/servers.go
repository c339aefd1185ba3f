package status

import (
	"context"
	"errors"

	"vpnd/internal/kind/openvpn"
)

// Ask asks the server who is connected now.
func (s *Server) Ask(ctx context.Context) {
	s.Up, s.Clients, s.Error = false, []Client{}, ""
	sessions, err := openvpn.Sessions(ctx, s.Socket)
	if errors.Is(err, openvpn.ErrDown) {
		return
	}
	s.Up = true
	if err != nil {
		s.Error = err.Error()
		return
	}
	for _, one := range sessions {
		s.Clients = append(s.Clients, Client{Name: one.CommonName, From: one.Real, Address: one.Virtual, Since: one.Since})
	}
}
