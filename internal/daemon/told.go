package daemon

import (
	"context"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// publish writes status.json and tells the service manager.
func (a *agent) publish() {
	s := &a.status
	s.Ready = a.ready
	s.Next = a.Now().Add(a.pause()).Truncate(time.Second)
	s.Flapping = nil
	for _, f := range a.damping.All() {
		s.Flapping = append(s.Flapping, status.Flap(f))
	}
	s.MetricsError = a.metrics.Failed()
	err := a.instance.Renew()
	if err == nil {
		err = s.Write(a.RunDir)
	}
	if err != nil {
		a.Log.Warn("the status can't be written", "error", err)
	}
	a.metrics.Update(s)
	if !s.Stopped {
		a.Tell("STATUS=" + s.Summary())
	}
}

// tunnels tells how the tunnels were found.
func (l *look) tunnels(p *engine.Plan) {
	all := outside(l.scope, l.status.Tunnels, func(t status.Tunnel) resource.ID { return t.ID })
	l.status.Tunnels = append(all, status.Tunnels(p, l.scope.cut(l.active.Present))...)
}

// expiries reads the ends of certificates and lists from what was observed. How
// many there are is known after a look at everything.
func (l *look) expiries(p *engine.Plan) {
	s := &l.status
	certificates := p.Seen("certificate")
	if l.scope.whole {
		s.CertificatesInAll = len(certificates)
	}
	s.Certificates = status.Expiring(s.Certificates, certificates, l.scope.holds)
	s.CRLs = status.Expiring(s.CRLs, p.Seen("crl"), l.scope.holds)
}

// ask asks the OpenVPN servers who is connected. Each serves one at a time, so
// not after every event.
func (l *look) ask(ctx context.Context, p *engine.Plan) {
	if l.noticed == byEvent && l.Now().Sub(l.agent.asked) < time.Minute {
		return
	}
	l.agent.asked = l.Now()
	l.status.Servers = nil
	for _, s := range p.Seen("openvpn_admission") {
		server := status.Server{Block: status.Block(s.ID, s.Owners), Socket: s.ID.Name}
		server.Ask(ctx)
		l.status.Servers = append(l.status.Servers, server)
	}
}
