package connection

import (
	"context"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/openvpn/reason"
	"vpnd/internal/resource"
)

// explain says why one is down that nothing can be seen of: by what it said itself, or,
// where it does not run, by what the journal has of it.
func (v Verbs) explain(ctx context.Context, p Place, want *Connection, s scene, since time.Time) (why string, final bool) {
	t := reason.Tale{
		Peers: want.Peers, Shield: resource.Or(want.Shield, ""), Login: resource.Or(want.Login, false),
		Certificate: resource.Or(want.Certificate, ""), Ends: ends(want), Now: time.Now(),
	}
	if s.stands != nil {
		t.State, t.Answered, t.Log = s.stands.State, s.stands.Answered, s.stands.Log
	} else if v.Journal != nil {
		t.Log = v.Journal(ctx, p.Unit(), since)
	}
	return reason.Explain(t)
}

// ends is when its certificate runs out, the zero time where that can't be told.
func ends(want *Connection) time.Time {
	if want.Certificate == nil {
		return time.Time{}
	}
	data, err := atomic.ReadFile("/", *want.Certificate, maxConfig)
	if err != nil {
		return time.Time{}
	}
	return openvpn.Ends(data)
}
