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

// register makes an object of a subsystem of nfnetlink on the host; it says whether
// the kernel can. See linux/netfilter/nfnetlink_acct.h and nfnetlink_cttimeout.h,
// where the message that makes one is the first.
func (r room) register(subsystem int, attributes ...*nl.RtAttr) bool {
	r.Helper()
	req := nl.NewNetlinkRequest(subsystem<<8, unix.NLM_F_CREATE|unix.NLM_F_ACK)
	req.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	for _, a := range attributes {
		req.AddData(a)
	}
	_, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		r.Logf("this kernel makes none: %v", err)
	}
	return err == nil
}

func (r room) account(name string) bool {
	r.Helper()
	return r.register(7, nl.NewRtAttr(1, nl.ZeroTerminated(name)))
}

// timeout is one of TCP in the room's family.
func (r room) timeout(name string) bool {
	r.Helper()
	number := map[string]uint16{"ip": unix.AF_INET, "ip6": unix.AF_INET6}[r.family]
	established := nl.NewRtAttr(3, binary.BigEndian.AppendUint32(nil, 4711)).Serialize() // CTA_TIMEOUT_TCP_ESTABLISHED
	return r.register(8,
		nl.NewRtAttr(1, nl.ZeroTerminated(name)),
		nl.NewRtAttr(2, binary.BigEndian.AppendUint16(nil, number)),
		nl.NewRtAttr(3, []byte{unix.IPPROTO_TCP}),
		nl.NewRtAttr(4|unix.NLA_F_NESTED, established))
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
		if r.account("people") {
			wants[r.name("filter/VPND-ACCOUNT")] = wishFor("FORWARD", "", "-m nfacct --nfacct-name people")
		}
		if r.timeout("patient") {
			wants[r.name("raw/VPND-TIMEOUT")] = wishFor("PREROUTING", "", "-p tcp -j CT --timeout patient")
		}
		r.converge(wants)
		if len(wants) < 2 {
			r.Log("only the estimator was tried")
		}
	})
}
