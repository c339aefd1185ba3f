package status

import (
	"context"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Survey tells what a plan says of a host, for where no daemon does. It asks the
// servers who is connected.
func Survey(ctx context.Context, traits func(kind string) resource.Traits, p *engine.Plan, present []resource.Resource) *Status {
	s := &Status{Agent: Agent{FormatVersion: FormatVersion}, Host: Host{Drift: []Drift{}}}
	s.Configuration = Configuration{Valid: true, Resources: len(present)}
	for _, c := range p.Changes {
		switch {
		case c.Action == engine.Refresh && c.Reason != engine.Owed: // a consequence, not a cause
		case c.IsDrift:
			s.Drift = append(s.Drift, Drift{ID: c.ID, Address: Block(c.ID, c.Owners), Action: c.Action, Reason: c.Reason, Diffs: Shortened(c.Diffs), Outcome: Reported})
		default:
			s.Pending = append(s.Pending, Pending{ID: c.ID, Action: c.Action, Reason: c.Reason, Outcome: Reported})
		}
	}
	for _, problem := range p.Problems {
		s.Unknown = append(s.Unknown, Unknown{ID: problem.ID, Address: Block(problem.ID, problem.Owners), Error: problem.Err.Error()})
	}
	for _, n := range p.Notes {
		s.Notes = append(s.Notes, Remark{Note: n}.String())
	}
	certificates := Certificates(p)
	s.CertificatesInAll = len(certificates)
	all := func(resource.ID) bool { return true }
	s.Certificates, s.CRLs = Expiring(nil, certificates, all), Expiring(nil, p.Seen(resource.Lists), all)
	s.Tunnels = Since(time.Time{}, nil, Tunnels(traits, p, present))
	for _, seen := range p.Seen(resource.Servers) {
		server := Server{Block: Block(seen.ID, seen.Owners), Socket: seen.ID.Name}
		server.Ask(ctx)
		s.Servers = append(s.Servers, server)
	}
	return s
}
