package ssh

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// because begins the reason why a tunnel is down.
const because = "because "

// scene is what can be seen of a tunnel without touching it.
type scene struct {
	state    string          // of the unit, as ActiveState of org.freedesktop.systemd1(5)
	uid      int             // of the account; -1 where there is none
	sockets  []socket        // of this host
	paths    map[string]bool // of sockets that listen
	admitted time.Time       // since when the control socket is there; the zero time where it is not
}

// A finding is what a scene comes to.
type finding struct {
	answers bool
	stale   bool   // only a start helps: nobody dials, or it looks alive and is not
	why     string // in general; the journal may know better
	control socket // the connection to the peer, where there is one
}

// judge says whether a tunnel is up.
func judge(want *Forward, s scene) finding {
	port := portOf(resource.Or(want.Peer, ""))
	var f finding
	held := make(map[netip.AddrPort]bool)
	for _, c := range s.sockets {
		switch {
		case c.uid != s.uid || s.uid < 0:
		case c.state == listening:
			held[c.local] = true
		case c.state == established && int(c.remote.Port()) == port && !c.remote.Addr().IsUnspecified():
			if f.control.state == 0 || c.heard < f.control.heard {
				f.control = c
			}
		}
	}
	silence := time.Duration(resource.Or(want.Silence, resource.Duration(15*time.Second)))
	lacking := lacking(want, held, s.paths)
	switch {
	case s.state == "failed" || s.state == "inactive" || s.state == "deactivating":
		f.why, f.stale = "its unit does not run", s.state != "deactivating"
	case f.control.state == 0:
		f.why = "there is no connection to the peer"
		f.stale = !s.admitted.IsZero() && s.state == "active" // ssh would have ended, unless it hangs
	case s.admitted.IsZero() || !served(resource.Or(want.Control, ""), s.paths):
		f.why = "the peer has not let it in yet"
	case f.control.heard > silence:
		f.why = fmt.Sprintf("the peer has been silent for %s", f.control.heard.Round(time.Second))
		f.stale = f.control.heard > 2*silence
	case lacking != "":
		f.why = fmt.Sprintf("nobody listens at %s", lacking)
		f.stale = time.Since(s.admitted) > settle
	default:
		f.answers = true
	}
	return f
}

// served says whether somebody listens at a control socket. ssh makes it under
// another name, with a dot and letters more, and links it to its place.
func served(control string, paths map[string]bool) bool {
	for at := range paths {
		if at == control || strings.HasPrefix(at, control+".") {
			return true
		}
	}
	return false
}

// settle is how long ssh has, once it was let in, to open its ports.
const settle = 3 * time.Second

// lacking is the first place at which it shall listen and does not.
func lacking(want *Forward, held map[netip.AddrPort]bool, paths map[string]bool) string {
	for _, at := range want.listens() {
		end, err := ParseEnd(at, false)
		if err != nil || !listens(end, held, paths) {
			return at
		}
	}
	return ""
}

// listens says whether somebody listens there. A name such as localhost, and *, are
// any address with that port.
func listens(end End, held map[netip.AddrPort]bool, paths map[string]bool) bool {
	if end.Path != "" {
		return paths[end.Path]
	}
	addr, err := netip.ParseAddr(end.Host)
	if err == nil && !addr.IsUnspecified() {
		return held[netip.AddrPortFrom(addr, uint16(end.Port))]
	}
	for at := range held {
		if int(at.Port()) == end.Port {
			return true
		}
	}
	return false
}

// portOf is the port of a peer, USER@HOST:PORT.
func portOf(peer string) int {
	_, host, _ := strings.Cut(peer, "@")
	end, err := ParseEnd(host, false)
	if err != nil {
		return 22
	}
	return end.Port
}
