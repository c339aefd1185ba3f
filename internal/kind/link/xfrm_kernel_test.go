package link

import (
	"context"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestDebianKernelXFRMKeepsTheContract(t *testing.T) {
	nettest.Kernel(t)
	for name, c := range map[string]resourcetest.Case[XFRM]{
		"another number": {
			First:  XFRM{IfID: resource.Ptr(7), Addresses: prefixes("169.254.10.2/30"), Up: resource.Ptr(true)},
			Second: XFRM{IfID: resource.Ptr(8), MTU: resource.Ptr(1400)},
		},
		"another address": {
			First:  XFRM{IfID: resource.Ptr(7), Addresses: prefixes("169.254.10.2/30", "fd00::1/64"), Up: resource.Ptr(true)},
			Second: XFRM{IfID: resource.Ptr(7), Addresses: prefixes("169.254.10.6/30"), Up: resource.Ptr(false)},
		},
		"nothing but a number": {
			First:  XFRM{IfID: resource.Ptr(4294967295)},
			Second: XFRM{IfID: resource.Ptr(1), Up: resource.Ptr(true)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.Fresh(t)
			c.Name = "ipsec-of-15-byt"
			resourcetest.Conform(t, XFRMVerbs{}, c)
		})
	}
}

// Two interfaces exchange their numbers in one apply, and keep the routes by them.
func TestDebianKernelXFRMInterfacesExchangeTheirNumbers(t *testing.T) {
	nettest.Kernel(t)
	nettest.Fresh(t)
	ctx := context.Background()
	v := XFRMVerbs{}
	for name, number := range map[string]int{"ipsec0": 7, "ipsec1": 8} {
		apply(t, v, name, XFRM{IfID: &number, Up: resource.Ptr(true), Addresses: prefixes("169.254." + name[5:] + ".1/30")})
	}
	ip(t, "route add 10.9.0.0/16 dev ipsec0 metric 100")
	wants := map[string]*XFRM{"ipsec0": {IfID: resource.Ptr(8)}, "ipsec1": {IfID: resource.Ptr(7)}}
	got, err := v.Observe(ctx, wants)
	if err != nil {
		t.Fatal(err)
	}
	var items []resource.Item[XFRM]
	for name, want := range wants {
		items = append(items, resource.Item[XFRM]{Name: name, Got: got[name], Want: *want})
	}
	if err := v.Apply(ctx, items); err != nil {
		t.Fatal(err)
	}
	if got, err = v.Observe(ctx, wants); err != nil || *got["ipsec0"].IfID != 8 || *got["ipsec1"].IfID != 7 || len(got["ipsec0"].Addresses) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if routes := ip(t, "route show 10.9.0.0/16"); !strings.Contains(routes, "dev ipsec0") {
		t.Errorf("the route went with the old interface: %q", routes)
	}
}

// An interface of somebody else with the number is found before anything is touched.
func TestDebianKernelXFRMNumberOfAnother(t *testing.T) {
	nettest.Kernel(t)
	nettest.Fresh(t)
	ip(t, "link add theirs type xfrm dev lo if_id 7")
	v, want := XFRMVerbs{}, XFRM{IfID: resource.Ptr(7)}
	err := v.Preflight(context.Background(), "ipsec0", want, resource.Prospect{})
	if err == nil || !strings.Contains(err.Error(), "the interface theirs has the if_id 7 already") {
		t.Errorf("preflight: %v", err)
	}
	if err := resourcetest.Apply(context.Background(), v, "ipsec0", nil, want); err == nil {
		t.Error("two interfaces have one number")
	}
	if err := resourcetest.Remove(context.Background(), v, "theirs"); err == nil || !strings.Contains(err.Error(), "lacks the alias vpnd") {
		t.Errorf("removing another's: %v", err)
	}
	ip(t, "link show theirs")
}
