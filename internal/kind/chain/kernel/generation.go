package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// generationID is the attribute with the number of the last transaction of
// nf_tables; see linux/netfilter/nf_tables.h.
const generationID = 1

// Generation returns the number of the last transaction in this network.
func Generation() (uint32, error) {
	req := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETGEN, 0)
	req.AddData(&nl.Nfgenmsg{Version: nl.NFNETLINK_V0})
	msgs, err := req.Execute(unix.NETLINK_NETFILTER, 0)
	if err != nil {
		return 0, err
	}
	for _, msg := range msgs {
		for kind, value := range Attributes(msg[min(nl.SizeofNfgenmsg, len(msg)):]) {
			if kind == generationID && len(value) == 4 {
				return binary.BigEndian.Uint32(value), nil
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not say which transaction was the last")
}
