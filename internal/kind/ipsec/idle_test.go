package ipsec

import (
	"testing"

	"vpnd/internal/kind/ipsec/reason"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/resource"
)

// A tunnel that waits for a packet or for the peer is not lost. One that starts by
// itself is, and so is one that was tried in vain.
func TestWhatWaitsIsNotLost(t *testing.T) {
	refused := []reason.Line{{SA: "1", Name: "dc", Text: "received AUTHENTICATION_FAILED notify error"}}
	for _, c := range []struct {
		start string
		lines []reason.Line
		waits bool
	}{{"trap", nil, true}, {"none", nil, true}, {"start", nil, false}, {"trap|start", nil, false}, {"trap", refused, false}} {
		d := &daemon{
			configs: map[string]vici.Config{"dc": {}},
			said:    func() *reason.Log { return reason.Read(c.lines) },
		}
		wish := fill(&Connection{RemoteAddrs: []string{"192.0.2.1"}, Children: []Child{{Name: "dc", StartAction: resource.Ptr(c.start)}}})
		if got := d.standing("dc", wish)[0]; got.Up || got.OnDemand != c.waits || got.Why == "" {
			t.Errorf("%s: %+v", c.start, got)
		}
	}
}
