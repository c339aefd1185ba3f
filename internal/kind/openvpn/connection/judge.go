package connection

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// A scene is what can be seen of a client without touching it.
type scene struct {
	state  string            // of the unit, as ActiveState of org.freedesktop.systemd1(5)
	stands *openvpn.Standing // nil where nobody answers
	deaf   bool              // nobody listens at its management socket
	busy   bool              // it does not answer for the moment, as while it looks up a name
	hangs  bool              // it does not answer any more
	old    bool              // what it reads has changed since it was started
	device device
}

// A finding is what a scene comes to.
type finding struct {
	connected bool
	stale     bool           // only a start helps: nobody dials, or it looks alive and is not
	opening   bool           // unless it has only just been started
	lacking   []netip.Prefix // routes that are gone
	why       string         // empty where its last words tell more
	final     bool           // to dial again does not help
	astray    bool           // what the server gave leads away what is not its own
}

// connected is the state of one that is.
const connected = "CONNECTED"

// judge says whether it is up.
func judge(want *Connection, s scene) finding {
	dev := resource.Or(want.Dev, "")
	switch {
	case s.state == "failed" || s.state == "inactive":
		return finding{why: "its unit does not run", stale: true}
	case s.state == "deactivating":
		return finding{why: "its unit is being stopped"}
	case s.hangs:
		return finding{why: "its process hangs: it does not answer", stale: true}
	case s.deaf && s.state == "active":
		return finding{why: "nobody listens at its management socket", stale: true, opening: true}
	case s.deaf, s.busy:
		return finding{stale: s.busy && s.old}
	case s.stands.State != connected:
		return finding{stale: s.old}
	case len(s.stands.Local) == 0:
		return finding{why: "the server gave it no address, or none that accept_addresses of the block takes", final: true}
	case !s.device.there:
		return finding{why: fmt.Sprintf("its interface %s is gone", dev), stale: true}
	case !s.device.up:
		return finding{why: fmt.Sprintf("its interface %s is switched off", dev), stale: true}
	}
	if why := s.device.astray(want.Accept); why != "" {
		return finding{why: why, final: true, astray: true}
	}
	for _, a := range s.stands.Local {
		if !slices.Contains(s.device.addresses, a) {
			return finding{why: fmt.Sprintf("its address %s is gone from %s", a, dev), stale: true}
		}
	}
	if lacking := s.device.lacking(want.Routes); len(lacking) > 0 {
		return finding{lacking: lacking, why: fmt.Sprintf("there is no route to %s through %s", list(lacking), dev)}
	}
	return finding{connected: true}
}

func list(all []netip.Prefix) string {
	var words []string
	for _, p := range all {
		words = append(words, p.String())
	}
	return strings.Join(words, ", ")
}
