package link

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// What is somebody else's under the name of a wish is left alone, whatever kernel runs.
func TestAnotherInterfaceIsNoXFRMOne(t *testing.T) {
	nettest.Fresh(t)
	ctx := context.Background()
	ip(t, "link add veth0 type veth peer name veth1")
	const taken = "there is an interface veth0 already, and it is no xfrm interface but a veth; choose another name"
	if _, err := resourcetest.Observe(ctx, XFRMVerbs{}, "veth0"); err == nil || !strings.Contains(err.Error(), taken) {
		t.Errorf("observing a veth: %v", err)
	}
	if err := resourcetest.Remove(ctx, XFRMVerbs{}, "veth0"); err == nil || err.Error() != taken {
		t.Errorf("removing a veth: %v", err)
	}
	if got, err := resourcetest.Observe(ctx, XFRMVerbs{}, "ipsec0"); got != nil || err != nil {
		t.Errorf("what is not there: %v, %v", got, err)
	}
	ip(t, "link show veth0")
}

// A kernel without such interfaces is found before anything is touched.
func TestAKernelWithoutXFRMInterfacesIsNamed(t *testing.T) {
	nettest.Need(t)
	for answer, want := range map[error]string{
		nil:             "",
		unix.EOPNOTSUPP: `this kernel has no xfrm interfaces (operation not supported); try: modprobe xfrm_interface, take a kernel of a distribution from 4.19 on, or write mode = "policy" into the tunnel`,
		unix.EPERM:      "", // nothing can be told of that
	} {
		got := ""
		if err := supported(func() error { return answer }); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("the kernel says %v: %q, want %q", answer, got, want)
		}
	}
}

// What preflight says of this kernel is what the apply meets.
func TestPreflightAndApplyAgreeOnTheKernel(t *testing.T) {
	nettest.Fresh(t)
	ctx := context.Background()
	want := XFRM{IfID: resource.Ptr(7)}
	before := XFRMVerbs{}.Preflight(ctx, "ipsec0", want, resource.Prospect{})
	err := resourcetest.Apply(ctx, XFRMVerbs{}, "ipsec0", nil, want)
	if (before == nil) != (err == nil) || before != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("preflight says %v, and the apply %v", before, err)
	}
}

func TestCostOfXFRM(t *testing.T) {
	got := &XFRM{IfID: resource.Ptr(7), Addresses: prefixes("10.255.0.1/30"), MTU: resource.Ptr(1500), Up: resource.Ptr(true), Alias: resource.Ptr(Mark)}
	for name, c := range map[string]struct {
		got, want *XFRM
		cost      resource.Effect
	}{
		"new":             {nil, got, resource.None},
		"gone":            {got, nil, resource.Tunnel},
		"same":            {got, got, resource.None},
		"another number":  {got, &XFRM{IfID: resource.Ptr(8)}, resource.Tunnel},
		"off":             {got, &XFRM{Up: resource.Ptr(false)}, resource.Tunnel},
		"another address": {got, &XFRM{Addresses: prefixes("10.255.0.2/30")}, resource.Tunnel},
		"another mtu":     {got, &XFRM{MTU: resource.Ptr(1400)}, resource.None},
	} {
		if cost := (XFRMVerbs{}).Cost("ipsec0", c.got, c.want); cost != c.cost {
			t.Errorf("%s costs %s, want %s", name, cost, c.cost)
		}
	}
}

func TestMistakesInXFRM(t *testing.T) {
	good := XFRM{IfID: resource.Ptr(1), Addresses: prefixes("169.254.10.2/30", "fd00::1/64"), MTU: resource.Ptr(1400)}
	if found := good.Validate("ipsec0"); len(found) > 0 {
		t.Error(mistakes(found))
	}
	bad := XFRM{IfID: resource.Ptr(0), Addresses: prefixes("fe80::1/64", "fd00::1/64"), MTU: resource.Ptr(60)}
	const want = `: "ipsec/0" is no name of an interface; use letters, digits, dots and dashes, as in tun0 or vpn-office
if_id: an if_id of 0 is that of no interface; write 1 or more; each interface has its own
mtu: an mtu of 60 is out of the range 68 to 65535; a tunnel over the internet has 1400 to 1446
addresses: fe80::1/64 is link-local, and the kernel gives each interface one of those by itself; leave it out
addresses: fd00::1/64 can't be used with an mtu of 60, since IPv6 needs 1280; raise mtu to 1280 or more, or leave the IPv6 addresses out
`
	if got := mistakes(bad.Validate("ipsec/0")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c := good.Claims("ipsec0"); len(c) != 1 || c[0].Value != "1" {
		t.Errorf("its number is not its own: %v", c)
	}
}
