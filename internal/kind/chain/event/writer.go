package event

import (
	"encoding/binary"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/attribution"
	"vpnd/internal/notice"
)

// Attributes of the message that ends a transaction; see
// linux/netfilter/nf_tables.h.
const (
	generationProcess = 2 // NFTA_GEN_PROC_PID
	generationProgram = 3 // NFTA_GEN_PROC_NAME, at most 15 bytes
)

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
	if (hosted || w.port > 0) && attribution.OfVpnd(pid) {
		return ""
	}
	return attribution.Named(w.name, pid)
}

// inHostNamespace says whether this process counts processes as the whole host
// does; PROC_PID_INIT_INO in linux/proc_ns.h.
func inHostNamespace() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns == "pid:[4026531836]"
}
