package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Mark is the alias of the interfaces that vpnd makes.
const Mark = "vpnd"

// TunTraits are what tun interfaces are.
var TunTraits = resource.Traits{NeedsHost: true, Guards: true, Carries: true, View: resource.Tunnels}

// TunVerbs converge tun interfaces in the network namespace of the caller.
type TunVerbs struct{}

// Observe reads one list of interfaces and one of addresses. One of that
// name which is no tun is an error.
func (TunVerbs) Observe(ctx context.Context, wants map[string]*Tun) (map[string]*Tun, error) {
	all, err := devices()
	if err != nil {
		return nil, err
	}
	addrs, err := addresses()
	if err != nil {
		return nil, err
	}
	names, err := atomic.ReadNames("/")
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *Tun) (*Tun, error) {
		d, ok := named(all, name)
		switch {
		case !ok:
			return nil, nil
		case d.tun == nil:
			return nil, notTun(d)
		}
		return observed(d, addrs[d.index()], names), nil
	})
}

func notTun(d device) error {
	return fmt.Errorf("there is an interface %s already, and it is no tun or tap but a %s; choose another name", d.name(), d.Type())
}

// observed returns what is there. A user or group that isn't set is empty.
func observed(d device, addrs []netip.Prefix, names *atomic.Names) *Tun {
	mode := "tun"
	if d.tun.tap {
		mode = "tap"
	}
	if addrs == nil {
		addrs = []netip.Prefix{}
	}
	var user, group string
	if d.tun.owner != nil {
		user = names.User(int(*d.tun.owner))
	}
	if d.tun.group != nil {
		group = names.Group(int(*d.tun.group))
	}
	return &Tun{
		Mode:       &mode,
		Addresses:  addrs,
		MTU:        resource.Ptr(d.Attrs().MTU),
		Up:         resource.Ptr(d.up()),
		Attached:   resource.Ptr(d.Attrs().RawFlags&unix.IFF_LOWER_UP != 0),
		User:       &user,
		Group:      &group,
		MultiQueue: &d.tun.multiQueue,
		Alias:      resource.Ptr(d.Attrs().Alias),
	}
}

// Normalize sorts the addresses and writes users and groups by their names.
func (TunVerbs) Normalize(_ context.Context, wants map[string]*Tun) (map[string]*Tun, error) {
	names, err := atomic.ReadNames("/")
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*Tun, len(wants))
	for name, want := range wants {
		w := *want
		w.Addresses = sorted(w.Addresses)
		w.User = canonical(w.User, names.UID, names.User)
		w.Group = canonical(w.Group, names.GID, names.Group)
		normal[name] = &w
	}
	return normal, nil
}

// canonical writes a number as the name it has. What can't be found stays: a
// package may bring it.
func canonical(word *string, number func(string) (int, error), name func(int) string) *string {
	if word == nil || *word == "" {
		return word
	}
	n, err := number(*word)
	if err != nil {
		return word
	}
	known := name(n)
	return &known
}

// Apply makes each as its item says.
func (TunVerbs) Apply(_ context.Context, items []resource.Item[Tun]) error {
	return resource.ApplyEach(items, func(i resource.Item[Tun]) error { return applyTun(i.Name, i.Got, i.Want) })
}

// Remove takes away what vpnd made and nothing else.
func (TunVerbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, removeTun)
}

// applyTun makes the interface, anew where its mode, its owner, its group or its
// queues change: the kernel can't change those, and a process that was
// attached loses it. Routes by the interface stay, whoever made them.
func applyTun(name string, got *Tun, want Tun) error {
	return KeepRoutes(name, func() error { return change(name, got, want) })
}

func change(name string, got *Tun, want Tun) error {
	if got != nil && rebuilt(got, &want) {
		// What the wish leaves out stays as it was.
		want = over(*got, want)
		if err := remove(name); err != nil {
			return err
		}
		got = nil
	}
	if got == nil {
		want.Alias = first(want.Alias, resource.Ptr(Mark))
		if err := create(name, want); err != nil {
			return err
		}
	}
	return Configure(name, Settings{want.Alias, want.MTU, want.Up, want.Addresses})
}

// rebuilt says whether the change needs a new interface.
func rebuilt(got, want *Tun) bool {
	return differs(got.Mode, want.Mode) || differs(got.User, want.User) ||
		differs(got.Group, want.Group) || differs(got.MultiQueue, want.MultiQueue)
}

func differs[T comparable](got, want *T) bool { return want != nil && *want != *got }

// over is an observation with the wish laid over it.
func over(got, want Tun) Tun {
	want.Mode = first(want.Mode, got.Mode)
	want.MTU = first(want.MTU, got.MTU)
	want.Up = first(want.Up, got.Up)
	want.User = first(want.User, got.User)
	want.Group = first(want.Group, got.Group)
	want.MultiQueue = first(want.MultiQueue, got.MultiQueue)
	if want.Addresses == nil {
		want.Addresses = got.Addresses
	}
	return want
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// removeTun takes an interface away that bears vpnd's alias; another one of that
// name is somebody else's and an error.
func removeTun(name string) error {
	all, err := devices()
	if err != nil {
		return err
	}
	d, ok := named(all, name)
	switch {
	case !ok:
		return nil
	case d.tun == nil:
		return notTun(d)
	case d.Attrs().Alias != Mark:
		return theirs(name)
	}
	return remove(name)
}

// theirs is the error where an interface is to go that vpnd did not make.
func theirs(name string) error {
	return fmt.Errorf("the interface lacks the alias %s, so somebody else made it; if nobody needs it, remove it with: ip link delete dev %s", Mark, name)
}

func remove(name string) error {
	err := netlink.LinkDel(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: name}})
	if err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("removing the interface: %w", err)
	}
	return nil
}

// Cost is a restart where those attached lose the interface, and a tunnel's
// where an address goes.
func (TunVerbs) Cost(_ string, got, want *Tun) resource.Effect {
	switch {
	case got == nil:
		return resource.None
	case want == nil, rebuilt(got, want), *got.Up && differs(got.Up, want.Up):
		return resource.Restart
	case parts(got.Addresses, want.Addresses):
		return resource.Tunnel
	default:
		return resource.None
	}
}

// Marked says whether the interface bears vpnd's alias.
func (TunVerbs) Marked(_ string, got *Tun) bool { return *got.Alias == Mark }
