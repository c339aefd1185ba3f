package status

import (
	"context"
	"errors"
	"time"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// patience is how long is waited for an answer about tunnels.
const patience = 3 * time.Second

// Ask asks the servers who is connected now, and looks how the tunnels stand.
func (v *VPNs) Ask(ctx context.Context, c resource.Catalog) {
	looked := make(chan []Tunnel)
	go func() {
		bounded, cancel := context.WithTimeoutCause(ctx, patience, errors.New("there was no answer in time"))
		defer cancel()
		looked <- Look(bounded, c, v.Tunnels)
	}()
	for i := range v.Servers {
		v.Servers[i].Ask(ctx)
	}
	v.Tunnels = <-looked
}

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
		s.Clients = append(s.Clients, Client{Name: one.CommonName, From: one.Real, By: one.Transport, Address: one.Virtual, Since: one.Since, Began: one.Began, In: one.In, Out: one.Out})
	}
}
