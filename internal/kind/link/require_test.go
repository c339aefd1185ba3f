package link

import (
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

func TestWhatBlocksRequire(t *testing.T) {
	network(t)
	ip(t, "route add default via 192.0.2.9")
	ip(t, "route add 10.55.0.0/16 via 192.0.2.9")
	ip(t, "tuntap add tap3 mode tap")
	ip(t, "tuntap add tun3 mode tun")
	none := resource.Prospect{}
	coming := brings(Tun{Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24")}}, 0)
	free := func(s string) *resource.Mistake {
		return Free(netip.MustParsePrefix(s), "tun0", []string{"o.service"}, none)
	}
	going := resource.Prospect{Leaving: map[resource.ID]bool{{Kind: "wireguard_interface", Name: "a0"}: true}}
	changes := func(network string, by int) resource.Prospect {
		return resource.Prospect{Coming: map[resource.ID]resource.Arrival{{Kind: "wireguard_interface", Name: "a0"}: {Step: 3}, {Kind: resource.Network, Name: network}: {Step: by}}}
	}
	for name, c := range map[string]struct {
		got     *resource.Mistake
		want    string
		warning bool
	}{
		"an uplink":                  {Present("a0", none), "", false},
		"no uplink":                  {Present("ens18", none), "no interface ens18 here; the default route uses a0", false},
		"one that comes later":       {Present("ppp0", none), "no interface ppp0 here", true},
		"one that the plan makes":    {Present("tun5", coming), "", false},
		"an address":                 {Local(netip.MustParseAddr("192.0.2.1"), none), "", false},
		"one that the plan gives":    {Local(netip.MustParseAddr("10.9.0.1"), coming), "", false},
		"another one than that":      {Local(netip.MustParseAddr("10.9.0.2"), coming), "no interface has the address 10.9.0.2", false},
		"no address":                 {Local(netip.MustParseAddr("192.0.2.7"), none), "no interface has the address 192.0.2.7", false},
		"a free network":             {free("10.8.0.0/24"), "", false},
		"the network of a link":      {free("192.0.2.0/24"), "192.0.2.0/24 is 192.0.2.0/24, the network of a0", false},
		"that of one that goes":      {Free(netip.MustParsePrefix("192.0.2.0/24"), "wg1", nil, going), "", false},
		"that of one that moves":     {Free(netip.MustParsePrefix("192.0.2.0/24"), "wg1", nil, changes("198.51.100.1/24", 3)), "", false},
		"that goes elsewhere":        {Free(netip.MustParsePrefix("192.0.2.0/24"), "wg1", nil, changes("192.0.2.1/24", 2)), "", false},
		"that of one that keeps it":  {Free(netip.MustParsePrefix("192.0.2.0/24"), "wg1", nil, changes("192.0.2.1/24", 3)), "192.0.2.0/24 is 192.0.2.0/24, the network of a0", false},
		"a part of it":               {free("192.0.2.128/25"), "192.0.2.128/25 lies inside of 192.0.2.0/24", false},
		"what holds it":              {free("192.0.0.0/16"), "192.0.0.0/16 overlaps with 192.0.2.0/24", false},
		"a route":                    {free("10.55.0.0/16"), "10.55.0.0/16 is 10.55.0.0/16, a route of this host", false},
		"a part of a route":          {free("10.55.1.0/24"), "10.55.1.0/24 lies inside of 10.55.0.0/16", true},
		"a device that is not there": {Unused("tun0", []string{"o.service"}, none), "", false},
		"a tun":                      {Unused("tun3", []string{"o.service"}, none), "", false},
		"a tap":                      {Unused("tap3", []string{"o.service"}, none), "there is an interface tap3 already, which is no tun but a tap", false},
		"one that is no tun":         {Unused("a0", []string{"o.service"}, none), "there is an interface a0 already, which is no tun", false},
	} {
		switch {
		case c.want == "" && c.got == nil:
		case c.got == nil || c.want == "" || !strings.HasPrefix(c.got.Summary, c.want) || c.got.Warning != c.warning || c.got.Hint == "":
			t.Errorf("%s: %+v, want %q", name, c.got, c.want)
		}
	}
}

// brings is the prospect of what comes after a step that makes tun5.
func brings(want Tun, step int) resource.Prospect {
	p := resource.Prospect{Step: 1, Coming: make(map[resource.ID]resource.Arrival)}
	things, _ := TunVerbs{}.Brings("tun5", nil, &want)
	for _, id := range things {
		p.Coming[id] = resource.Arrival{By: resource.ID{Kind: "tun", Name: "tun5"}, Step: step}
	}
	return p
}

func TestPreflightOfARoute(t *testing.T) {
	nettest.Need(t)
	network(t)
	want := Tun{Addresses: []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24")}}
	tun5, late := brings(want, 0), brings(want, 2)
	wg := resource.Arrival{By: resource.ID{Kind: "unit", Name: "wg.service"}}
	maybe := resource.Prospect{Step: 1, May: map[string][]resource.Arrival{resource.Interface: {wg}}}
	for name, c := range map[string]struct {
		want Route
		plan resource.Prospect
		says string
	}{
		"a way":                    {Route{Via: addr("192.0.2.9")}, resource.Prospect{}, ""},
		"no interface":             {Route{Dev: resource.Ptr("ens18")}, resource.Prospect{}, "there is no interface ens18"},
		"another than the plan's":  {Route{Dev: resource.Ptr("tun6")}, tun5, "there is no interface tun6; name one"},
		"one that comes":           {Route{Dev: resource.Ptr("tun5")}, tun5, ""},
		"one that comes too late":  {Route{Dev: resource.Ptr("tun5")}, late, "tun.tun5 brings it, but comes after this one; name tun.tun5 in depends_on"},
		"one that may come":        {Route{Dev: resource.Ptr("wg0")}, maybe, "there is no interface wg0; where unit[\"wg.service\"] does not bring it, the apply stops there"},
		"a next hop that comes":    {Route{Dev: resource.Ptr("tun5"), Via: addr("10.9.0.7")}, tun5, ""},
		"a next hop beside that":   {Route{Dev: resource.Ptr("tun5"), Via: addr("10.7.0.7")}, tun5, "next hop 10.7.0.7"},
		"no next hop":              {Route{Via: addr("203.0.113.9")}, resource.Prospect{}, "no interface has a network with the next hop 203.0.113.9"},
		"a next hop on another":    {Route{Via: addr("192.0.2.9"), Dev: resource.Ptr("b0")}, resource.Prospect{}, "no interface has a network with the next hop 192.0.2.9"},
		"a next hop of that other": {Route{Via: addr("192.0.2.9"), Dev: resource.Ptr("a0")}, resource.Prospect{}, ""},
	} {
		err := RouteVerbs{}.Preflight(t.Context(), "10.1.0.0/16", c.want, c.plan)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
