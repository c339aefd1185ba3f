package wireguard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

// Kind is what the catalog calls interfaces of WireGuard.
const Kind = "wireguard_interface"

// Traits are what interfaces of WireGuard are.
var Traits = resource.Traits{NeedsHost: true, Guards: true, Carries: true, View: resource.Tunnels}

// Verbs converge interfaces of WireGuard in the network namespace of the caller.
type Verbs struct {
	Run    string                                                       // directory for what is forgotten with the interfaces
	Open   func() (Control, error)                                      // asks and tells WireGuard
	Start  func(ctx context.Context, name string) error                 // has user space carry an interface
	Stop   func(ctx context.Context, name string) error                 // ends that
	Kernel func() bool                                                  // whether the kernel can
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error) // addresses of a name
	Clock  func() time.Time                                             // what time it is
}

// Control is what is used of wgctrl.
type Control interface {
	Device(name string) (*wgtypes.Device, error)
	ConfigureDevice(name string, c wgtypes.Config) error
	Close() error
}

// answer is how long a program in user space is waited for.
const answer = 10 * time.Second

// ask asks WireGuard for a device.
func (v Verbs) ask(ctx context.Context, name, backend string) (d *wgtypes.Device, err error) {
	err = v.with(ctx, backend, func(c Control) (err error) { d, err = c.Device(name); return err })
	return d, err
}

// with talks to WireGuard. The kernel answers at once, and to the thread that is in
// its network; a program may hang, and is not waited for.
func (v Verbs) with(ctx context.Context, backend string, talk func(Control) error) error {
	call := func() error {
		c, err := v.Open()
		if err != nil {
			return fmt.Errorf("opening the control of WireGuard: %w", err)
		}
		defer c.Close()
		return talk(c)
	}
	if backend == Kernel {
		return call()
	}
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wireguard-go does not answer: %w", ctx.Err())
	}
}

// Apply makes each as its item says.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Interface]) error {
	return resource.ApplyEach(items, func(i resource.Item[Interface]) error {
		return link.KeepRoutes(i.Name, func() error { return v.apply(ctx, i.Name, i.Got, i.Want) })
	})
}

// apply tells WireGuard before the interface is switched on, so that nothing is
// taken from anybody else meanwhile.
func (v Verbs) apply(ctx context.Context, name string, got *Interface, want Interface) error {
	if got != nil && differs(got.Backend, want.Backend) {
		// What the wish leaves out stays as it was.
		want = over(*got, want)
		if err := v.remove(ctx, name, *got.Backend); err != nil {
			return err
		}
		got = nil
	}
	backend := resource.Or(want.Backend, Kernel)
	if got != nil {
		backend = *got.Backend
	}
	if want.Listen != nil && (got == nil || differs(got.Listen, want.Listen)) {
		if err := v.freePort(ctx, name, backend, *want.Listen); err != nil {
			return err
		}
	}
	if got == nil {
		if err := v.create(ctx, name, backend); err != nil {
			return err
		}
	}
	unfound, err := v.tell(ctx, name, backend, want)
	if err != nil {
		return err
	}
	return errors.Join(link.Configure(name, link.Settings{Alias: resource.Ptr(link.Mark), MTU: want.MTU, Up: want.Up, Addresses: want.Addresses}), unfound)
}

func (v Verbs) create(ctx context.Context, name, backend string) error {
	if backend == Kernel {
		return link.Add(name, "wireguard")
	}
	if err := v.Start(ctx, name); err != nil {
		return err
	}
	return link.Configure(name, link.Settings{Alias: resource.Ptr(link.Mark)})
}

// tell tells WireGuard what is not as wished, and nothing of who is: those go on
// with the keys of their last handshake. unfound is about peers that can't be found,
// which keeps nobody else out.
func (v Verbs) tell(ctx context.Context, name, backend string, want Interface) (unfound, err error) {
	err = v.with(ctx, backend, func(c Control) error {
		d, err := c.Device(name)
		if err != nil {
			return fmt.Errorf("asking WireGuard for %s: %w", name, err)
		}
		config, kept, missing, err := v.config(ctx, d, want, v.recall(name))
		if err != nil {
			return err
		}
		unfound = missing
		if err := c.ConfigureDevice(name, config); err != nil {
			return fmt.Errorf("configuring WireGuard: %w", err)
		}
		return v.remember(name, kept)
	})
	return unfound, err
}

// Remove takes away what vpnd made and nothing else.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	links, err := link.Interfaces()
	if err != nil {
		return err
	}
	return resource.RemoveEach(names, func(name string) error {
		is, there := links[name]
		if !there {
			return v.forget(name)
		}
		d, backend, err := v.device(ctx, name, is)
		if err != nil {
			return err
		}
		if is.Alias != link.Mark && !blank(d) {
			return fmt.Errorf("the interface lacks the alias %s, so somebody else made it; if nobody needs it, remove it with: ip link delete dev %s", link.Mark, name)
		}
		return v.remove(ctx, name, backend)
	})
}

func (v Verbs) remove(ctx context.Context, name, backend string) error {
	end := link.Delete
	if backend == Userspace {
		end = func(name string) error { return v.Stop(ctx, name) }
	}
	if err := end(name); err != nil {
		return err
	}
	return v.forget(name)
}

// Watch hears of changes of the interfaces and of their addresses; of peers nobody
// tells.
func (Verbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return link.Listen(ctx, names, kick)
}

// Cost is a restart where everybody loses the way, and one client's where a peer
// goes or gets another key.
func (Verbs) Cost(_ string, got, want *Interface) resource.Effect {
	switch {
	case got == nil:
		return resource.None
	case want == nil, differs(got.Backend, want.Backend), differs(got.Listen, want.Listen), differs(got.Keyed, want.Keyed),
		*got.Up && differs(got.Up, want.Up):
		return resource.Restart
	case want.Peers != nil && slices.ContainsFunc(got.Peers, func(p Peer) bool { return p.cut(want.Peers) }):
		return resource.Client
	case want.Addresses != nil && slices.ContainsFunc(got.Addresses, func(p netip.Prefix) bool { return !slices.Contains(want.Addresses, p) }):
		return resource.Tunnel
	default:
		return resource.None
	}
}

// cut says whether a peer loses a connection by what is wished. With another name alone
// it does not.
func (p Peer) cut(wish []Peer) bool {
	i := slices.IndexFunc(wish, func(w Peer) bool {
		if p.PublicKey != nil && w.PublicKey != nil {
			return *w.PublicKey == *p.PublicKey
		}
		return w.Name == p.Name
	})
	if i < 0 {
		return true
	}
	w := wish[i]
	return differs(p.Preshared, w.Preshared) || slices.ContainsFunc(p.Networks, func(n netip.Prefix) bool { return !slices.Contains(w.Networks, n) })
}

// Marked says whether the interface bears vpnd's alias.
func (Verbs) Marked(_ string, got *Interface) bool { return *got.Alias == link.Mark }

func differs[T comparable](got, want *T) bool { return want != nil && (got == nil || *want != *got) }

// over is an observation with the wish laid over it.
func over(got, want Interface) Interface {
	want.Listen, want.Mark, want.MTU, want.Up = cmp.Or(want.Listen, got.Listen), cmp.Or(want.Mark, got.Mark), cmp.Or(want.MTU, got.MTU), cmp.Or(want.Up, got.Up)
	if want.Addresses == nil {
		want.Addresses = got.Addresses
	}
	if want.Peers == nil {
		want.Peers = got.Peers
	}
	return want
}
