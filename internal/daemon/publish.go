package daemon

import (
	"context"
	"slices"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// publish writes status.json and tells the service manager. What passes have found,
// and what they go by, is put into the status here and read from it nowhere.
func (a *agent) publish() {
	s := &a.out.status
	s.Ready, s.Stopped, s.Booting = a.life.ready, a.life.stopped, a.life.booting
	s.Next = a.opts.Now().Add(a.pause()).Truncate(time.Second)
	a.show(&s.Host)
	servers := s.Servers
	s.VPNs = a.findings.VPNs
	s.Servers = servers
	s.MetricsError = a.out.metrics.Failed()
	err := a.life.instance.Renew()
	if err == nil {
		err = s.Write(a.opts.RunDir)
	}
	if err != nil {
		a.opts.Log.Warn("the status can't be written", "error", err)
	}
	a.out.metrics.Update(s)
	a.out.seen.Follow(s.VPNs)
	if !s.Stopped {
		a.opts.Service.Tell("STATUS=" + s.Summary())
	}
}

// show shows how the host is.
func (a *agent) show(h *status.Host) {
	f := a.findings
	h.Drift, h.Pending, h.Unknown, h.Recent = append([]status.Drift{}, f.Drift...), f.Pending, f.Unknown, f.Recent
	h.FailClosed = slices.Clone(a.closed)
	h.Unconfirmed = a.backoff.undo.told()
	h.Flapping, h.Notes = nil, nil
	for _, one := range a.backoff.damping.All() {
		h.Flapping = append(h.Flapping, status.Flap(one))
	}
	for _, r := range f.Remarks {
		h.Notes = append(h.Notes, r.String())
	}
}

// ask asks the OpenVPN servers who is connected. Each serves one at a time, so
// not after every event.
func (a *agent) ask(ctx context.Context, p *pass) {
	if p.noticed == byEvent && a.opts.Now().Sub(a.schedule.asked) < time.Minute {
		return
	}
	a.schedule.asked = a.opts.Now()
	a.out.status.Servers = nil
	for _, s := range p.Plan.Seen(resource.Servers) {
		server := status.Server{Block: status.Block(s.ID, s.Owners), Socket: s.ID.Name}
		server.Ask(ctx)
		a.out.status.Servers = append(a.out.status.Servers, server)
	}
}
