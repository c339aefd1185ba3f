package chain

import (
	"context"
	"encoding/binary"
	"errors"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// newGeneration is the type of the message that ends each transaction of
// nf_tables, whatever it was about; see linux/netfilter/nf_tables.h.
const newGeneration = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWGEN

// Attributes of it.
const (
	generationProcess = 2 // NFTA_GEN_PROC_PID
	generationProgram = 3 // NFTA_GEN_PROC_NAME, at most 15 bytes
)

// Watch hears of each change of the rules of nf_tables, and by which process,
// but for those that vpnd makes itself. The kernel doesn't tell of a change in
// the legacy backend, so that its tables are polled where there are any.
func (v Verbs) Watch(ctx context.Context, _ []string, kick func(resource.Hint)) error {
	begin := func() { kick(resource.Hint{}) }
	return notice.Together(ctx, begin,
		func(ctx context.Context, begin func()) error { return v.listen(ctx, begin, kick) },
		func(ctx context.Context, begin func()) error { return v.poll(ctx, begin, kick) })
}

func (v Verbs) listen(ctx context.Context, begin func(), kick func(resource.Hint)) error {
	hosted := inHostNamespace()
	err := notice.Netlink{
		Protocol: unix.NETLINK_NETFILTER,
		Groups:   []int{unix.NFNLGRP_NFTABLES},
		Filter:   only(newGeneration),
		Begin:    func() error { begin(); return nil },
		Hear: func(m notice.Message) error {
			w := parseWriter(m)
			if !v.Writers.own(w.port) && !v.Writers.own(w.pid) {
				kick(resource.Hint{By: w.describe(hosted)})
			}
			return nil
		},
	}.Listen(ctx)
	if errors.Is(err, unix.EPROTONOSUPPORT) { // a kernel with nothing but the legacy backend
		begin()
		<-ctx.Done()
		return nil
	}
	return err
}

// only lets one type of message pass. All others, one for each rule of a large
// set, never wake anybody up.
func only(kind uint16) []unix.SockFilter {
	inOrder := binary.NativeEndian.AppendUint16(nil, kind) // a filter loads big endian
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 4}, // nlmsg_type
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(binary.BigEndian.Uint16(inOrder))},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
		{Code: unix.BPF_RET | unix.BPF_K},
	}
}

// A writer is who made a change. The kernel gives two numbers: that of the
// thread as the whole host counts, and the port of its socket, which by default
// is the number of the process in its own PID namespace.
type writer struct {
	name      string
	pid, port int
}

func parseWriter(m notice.Message) writer {
	w := writer{port: int(int32(m.Header.Pid))} // below 0 where it has several sockets
	if len(m.Data) < nl.SizeofNfgenmsg {
		return w
	}
	attrs, err := nl.ParseRouteAttr(m.Data[nl.SizeofNfgenmsg:])
	if err != nil {
		return w
	}
	for _, a := range attrs {
		switch {
		case a.Attr.Type == generationProcess && len(a.Value) == 4:
			w.pid = int(binary.BigEndian.Uint32(a.Value))
		case a.Attr.Type == generationProgram:
			w.name = unix.ByteSliceToString(a.Value)
		}
	}
	return w
}

// describe names the writer by the number that it has in our PID namespace;
// nobody where another vpnd is seen behind it.
func (w writer) describe(hosted bool) string {
	pid := w.pid
	if !hosted && w.port > 0 {
		pid = w.port
	}
	if (hosted || w.port > 0) && notice.OfVpnd(pid) {
		return ""
	}
	return notice.Named(w.name, pid)
}

// inHostNamespace says whether this process counts processes as the whole host
// does; PROC_PID_INIT_INO in linux/proc_ns.h.
func inHostNamespace() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns == "pid:[4026531836]"
}
