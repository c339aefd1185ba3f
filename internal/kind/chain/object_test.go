package chain

import (
	"context"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/nettest"
)

// register makes an object on the host; it says whether the kernel can.
func (r room) register(o registered) bool {
	r.Helper()
	err := o.make(nil)
	if err != nil {
		r.Logf("this kernel makes none: %v", err)
	}
	return err == nil
}

func accountNamed(name string) registered {
	return registered{subsystem: accounts.subsystem, attributes: string(nl.NewRtAttr(objectName, nl.ZeroTerminated(name)).Serialize())}
}

// timeoutNamed is a timeout of TCP in its family.
func timeoutNamed(name, family string) registered {
	number := map[string]uint16{"ip": unix.AF_INET, "ip6": unix.AF_INET6}[family]
	established := nl.NewRtAttr(3, binary.BigEndian.AppendUint32(nil, 4711)).Serialize() // CTA_TIMEOUT_TCP_ESTABLISHED
	var all []byte
	for _, a := range []*nl.RtAttr{
		nl.NewRtAttr(objectName, nl.ZeroTerminated(name)),
		nl.NewRtAttr(2, binary.BigEndian.AppendUint16(nil, number)),
		nl.NewRtAttr(3, []byte{unix.IPPROTO_TCP}),
		nl.NewRtAttr(nested|unix.NLA_F_NESTED, established),
	} {
		all = append(all, a.Serialize()...)
	}
	return registered{subsystem: timeouts.subsystem, attributes: string(all)}
}

func TestRulesMayNameObjectsOfTheHost(t *testing.T) {
	everywhere(t, func(r room) {
		nettest.Fresh(r.T)
		wants := map[string]*Chain{
			r.name("filter/VPND-RATE"): wishFor("INPUT", "", "-m rateest --rateest wire --rateest-gt --rateest-bps 1mbit -j ACCEPT"),
		}
		lacks := func(hint string) {
			r.Helper()
			for name, want := range wants {
				if _, err := r.Normalize(context.Background(), map[string]*Chain{name: want}); err == nil || !strings.Contains(err.Error(), hint) {
					r.Errorf("%s: %v", name, err)
				}
			}
		}
		lacks("what it names has to be on the host first")
		// Somebody else measures.
		r.iptables("-t mangle -A FORWARD -j RATEEST --rateest-name wire --rateest-interval 250ms --rateest-ewmalog 500ms")
		if r.register(accountNamed("people")) {
			wants[r.name("filter/VPND-ACCOUNT")] = wishFor("FORWARD", "", "-m nfacct --nfacct-name people")
		}
		if r.register(timeoutNamed("patient", r.family)) {
			wants[r.name("raw/VPND-TIMEOUT")] = wishFor("PREROUTING", "", "-p tcp -j CT --timeout patient")
		}
		r.converge(wants)
		if len(wants) < 2 {
			r.Log("only the estimator was tried")
		}
	})
}
