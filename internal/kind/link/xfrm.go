package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/namespace"
	"vpnd/internal/resource"
)

// XFRMTraits are what xfrm interfaces are.
var XFRMTraits = resource.Traits{NeedsHost: true, Guards: true, Carries: true}

// XFRMVerbs converge xfrm interfaces in the network namespace of the caller; see
// Documentation/networking/xfrm_device.rst of the kernel and ip-link(8).
type XFRMVerbs struct{}

// Observe reads one list of interfaces and one of addresses. One of that name which
// is no xfrm interface is an error.
func (XFRMVerbs) Observe(ctx context.Context, wants map[string]*XFRM) (map[string]*XFRM, error) {
	all, err := devices()
	if err != nil {
		return nil, err
	}
	addrs, err := addresses()
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, _ *XFRM) (*XFRM, error) {
		d, ok := named(all, name)
		if !ok {
			return nil, nil
		}
		x, ok := d.Link.(*netlink.Xfrmi)
		if !ok {
			return nil, notXFRM(d)
		}
		on := addrs[d.index()]
		if on == nil {
			on = []netip.Prefix{}
		}
		return &XFRM{
			IfID: resource.Ptr(int(x.Ifid)), Addresses: on, MTU: resource.Ptr(d.Attrs().MTU),
			Up: resource.Ptr(d.up()), Alias: resource.Ptr(d.Attrs().Alias),
		}, nil
	})
}

func notXFRM(d device) error {
	return fmt.Errorf("there is an interface %s already, and it is no xfrm interface but a %s; choose another name", d.name(), d.Type())
}

// Normalize sorts the addresses.
func (XFRMVerbs) Normalize(_ context.Context, wants map[string]*XFRM) (map[string]*XFRM, error) {
	normal := make(map[string]*XFRM, len(wants))
	for name, want := range wants {
		w := *want
		w.Addresses = sorted(w.Addresses)
		normal[name] = &w
	}
	return normal, nil
}

// Apply makes each as its item says. The kernel can't change a number, and no two
// interfaces have the same one: so all that get another go first, and two can
// exchange theirs. Routes by an interface stay, whoever made them.
func (XFRMVerbs) Apply(_ context.Context, items []resource.Item[XFRM]) error {
	before := make(map[string][]netlink.Route)
	return errors.Join(
		resource.ApplyEach(items, func(i resource.Item[XFRM]) (err error) {
			if before[i.Name], err = routesBy(i.Name); err == nil && renumbered(i.Got, &i.Want) {
				err = remove(i.Name)
			}
			return err
		}),
		resource.ApplyEach(items, func(i resource.Item[XFRM]) error {
			if err := applyXFRM(i.Name, i.Got, i.Want); err != nil {
				return err
			}
			return putBack(i.Name, before[i.Name])
		}))
}

func renumbered(got, want *XFRM) bool { return got != nil && differs(got.IfID, want.IfID) }

func applyXFRM(name string, got *XFRM, want XFRM) error {
	if renumbered(got, &want) {
		// What the wish leaves out stays as it was.
		want.MTU, want.Up = first(want.MTU, got.MTU), first(want.Up, got.Up)
		if want.Addresses == nil {
			want.Addresses = got.Addresses
		}
		got = nil
	}
	if got == nil {
		want.Alias = first(want.Alias, resource.Ptr(Mark))
		if err := createXFRM(name, resource.Or(want.IfID, 0)); err != nil {
			return err
		}
	}
	return Configure(name, Settings{want.Alias, want.MTU, want.Up, want.Addresses})
}

func createXFRM(name string, number int) error {
	err := netlink.LinkAdd(&netlink.Xfrmi{LinkAttrs: netlink.LinkAttrs{Name: name}, Ifid: uint32(number)})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return unsupported(err)
	case errors.Is(err, unix.EEXIST):
		return fmt.Errorf("making the interface: %w; another one has the if_id %d, or the name", err, number)
	case err != nil:
		return fmt.Errorf("making the interface: %w", err)
	}
	return nil
}

// unsupported is what is wrong where the kernel knows no such interfaces.
func unsupported(err error) error {
	return fmt.Errorf("this kernel has no xfrm interfaces (%w); try: modprobe xfrm_interface, take a kernel of a distribution from 4.19 on, or write mode = \"policy\" into the tunnel", err)
}

// Remove takes away what vpnd made and nothing else.
func (XFRMVerbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, func(name string) error {
		all, err := devices()
		if err != nil {
			return err
		}
		d, ok := named(all, name)
		if !ok {
			return nil
		}
		if _, ok := d.Link.(*netlink.Xfrmi); !ok {
			return notXFRM(d)
		}
		if d.Attrs().Alias != Mark {
			return theirs(name)
		}
		return remove(name)
	})
}

// Cost is the tunnel's where the interface goes, or an address of it.
func (XFRMVerbs) Cost(_ string, got, want *XFRM) resource.Effect {
	switch {
	case got == nil:
		return resource.None
	case want == nil, renumbered(got, want), *got.Up && differs(got.Up, want.Up), parts(got.Addresses, want.Addresses):
		return resource.Tunnel
	default:
		return resource.None
	}
}

// Marked says whether the interface bears vpnd's alias.
func (XFRMVerbs) Marked(_ string, got *XFRM) bool { return *got.Alias == Mark }

// Watch hears of changes of the interfaces and of their addresses.
func (XFRMVerbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return Listen(ctx, names, kick)
}

// Brings is the interface, and the networks that it is in.
func (XFRMVerbs) Brings(name string, _, want *XFRM) (things []resource.ID, may []string) {
	return arrivals(name, want.Addresses), nil
}

// Preflight wants a kernel that has such interfaces, and the number to be free.
func (XFRMVerbs) Preflight(_ context.Context, name string, want XFRM, plan resource.Prospect) error {
	all, err := devices()
	if err != nil {
		return err
	}
	for _, d := range all {
		x, ok := d.Link.(*netlink.Xfrmi)
		if ok && d.name() != name && int(x.Ifid) == resource.Or(want.IfID, 0) && !plan.Leaves("xfrm_interface", d.name()) && !plan.Comes(resource.Interface, d.name()) {
			return &resource.Mistake{Path: "if_id", Summary: fmt.Sprintf("the interface %s has the if_id %d already", d.name(), x.Ifid), Hint: "choose another number, in the tunnel's other side it may differ"}
		}
	}
	return supported(attempt)
}

// supported tries in a network of its own, where nobody sees it. Where that can't be
// had, the apply will show.
func supported(attempt func() error) error {
	err := namespace.Run(unix.CLONE_NEWNET, attempt)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return unsupported(err)
	}
	return nil
}

func attempt() error {
	return netlink.LinkAdd(&netlink.Xfrmi{LinkAttrs: netlink.LinkAttrs{Name: "x"}, Ifid: 1})
}

// Claims is the number.
func (x *XFRM) Claims(string) []resource.Claim {
	if x.IfID == nil {
		return nil
	}
	return []resource.Claim{{Sort: "if_id", Value: strconv.Itoa(*x.IfID), Path: "if_id"}}
}

// Validate finds what can't be without looking at a host.
func (x *XFRM) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if bad := BadName(name); bad != "" {
		add("", nameHint, "%s", bad)
	}
	if n := x.IfID; n != nil && (*n < 1 || *n > 1<<32-1) {
		add("if_id", "write 1 or more; each interface has its own", "an if_id of %d is that of no interface", *n)
	}
	if m := x.MTU; m != nil && (*m < 68 || *m > 65535) {
		add("mtu", "a tunnel over the internet has 1400 to 1446", "an mtu of %d is out of the range 68 to 65535", *m)
	}
	return append(found, badAddresses(x.Addresses, x.MTU)...)
}
