package daemon

import (
	"context"
	"errors"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/kind/openvpn"
)

// ask asks the OpenVPN servers who is connected. Each serves one at a time, so
// not after every event.
func (l *look) ask(ctx context.Context, p *engine.Plan) {
	if l.noticed == byEvent && l.Now().Sub(l.agent.asked) < time.Minute {
		return
	}
	l.agent.asked = l.Now()
	l.status.Servers = nil
	for _, s := range p.Seen("openvpn_admission") {
		server := Server{Block: block(s.ID, s.Owners), Socket: s.ID.Name}
		server.Ask(ctx)
		l.status.Servers = append(l.status.Servers, server)
	}
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
		s.Clients = append(s.Clients, Client{Name: one.CommonName, From: one.Real, Address: one.Virtual, Since: one.Since})
	}
}
