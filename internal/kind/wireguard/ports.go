package wireguard

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/process"
	"vpnd/internal/resource"
)

// Claims tells what no other block may have: the port.
func (i *Interface) Claims(string) []resource.Claim {
	if i.Listen == nil {
		return nil
	}
	return []resource.Claim{{Sort: "listener", Value: fmt.Sprintf("udp/%d", *i.Listen), Path: "listen"}}
}

// A listener is an interface that has a port.
type listener struct{ name, backend string }

// ours returns which of vpnd's interfaces but one has a port, an empty name where none
// does. What can't be asked has none.
func (v Verbs) ours(ctx context.Context, but string, port int) listener {
	links, _ := link.Interfaces()
	for name, is := range links {
		if name == but || is.Alias != link.Mark {
			continue
		}
		if d, backend, err := v.device(ctx, name, is); err == nil && d.ListenPort == port {
			return listener{name, backend}
		}
	}
	return listener{}
}

// makeRoom has another interface of vpnd's that listens where this one shall listen
// anywhere else. No two are wished to have one port, so it is about to get its own; in
// between it is found at any, and finds its peers.
func (v Verbs) makeRoom(ctx context.Context, name string, port int) error {
	if !slices.ContainsFunc(process.Listening("udp"), func(s process.Socket) bool { return int(s.At.Port()) == port }) {
		return nil // of hundreds nobody is asked
	}
	other := v.ours(ctx, name, port)
	if other.name == "" {
		return nil
	}
	err := v.with(ctx, other.backend, func(c Control) error {
		return c.ConfigureDevice(other.name, wgtypes.Config{ListenPort: resource.Ptr(0)})
	})
	if err != nil {
		return fmt.Errorf("having %s make room at port %d: %w", other.name, port, err)
	}
	return nil
}

// port wants nobody else to listen where the interface shall, but for one of vpnd's that
// leaves or gets another port.
func (v Verbs) port(ctx context.Context, name string, want Interface, plan resource.Prospect) *resource.Mistake {
	if want.Listen == nil || v.listens(ctx, name, *want.Listen) {
		return nil
	}
	for id, leaves := range plan.Leaving {
		if leaves && id.Kind == Kind && v.listens(ctx, id.Name, *want.Listen) {
			return nil
		}
	}
	if plan.Comes(Kind, v.ours(ctx, name, *want.Listen).name) {
		return nil
	}
	taken := link.Port("udp", netip.Addr{}, uint16(*want.Listen), true, nil, plan)
	if taken != nil {
		taken.Path = "listen"
	}
	return taken
}

// freePort has the port be free that an interface is about to get, as far as that is
// vpnd's to do, and wants it so of wireguard-go: the kernel says what is wrong where
// somebody else has it, but that may bind it only later, and then tells its log alone.
func (v Verbs) freePort(ctx context.Context, name, backend string, port int) error {
	if err := v.makeRoom(ctx, name, port); err != nil {
		return err
	}
	if backend == Kernel {
		return nil
	}
	return link.Port("udp", netip.Addr{}, uint16(port), true, nil, resource.Prospect{}).Err()
}

// listens says whether the interface has that port already.
func (v Verbs) listens(ctx context.Context, name string, port int) bool {
	links, err := link.Interfaces()
	is, there := links[name]
	if err != nil || !there {
		return false
	}
	d, _, err := v.device(ctx, name, is)
	return err == nil && d.ListenPort == port
}
