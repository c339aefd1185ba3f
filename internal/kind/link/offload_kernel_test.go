package link

import (
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// An interface of OpenVPN's whose data the kernel carries is a server's own where that
// runs, and another one's else.
func TestDebianKernelInterfaceThatCarriesOpenVPN(t *testing.T) {
	nettest.Kernel(t)
	nettest.Fresh(t)
	if out, err := exec.Command("modprobe", "ovpn-dco-v2").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ip(t, "link add tun7 type ovpn-dco")
	ip(t, "addr add 10.8.0.1/24 dev tun7")
	ip(t, "link set tun7 up")
	if m := Unused("tun7", []string{"openvpn-server@idle.service"}, resource.Prospect{}); m == nil || !strings.HasPrefix(m.Summary, "the interface tun7 is taken by another OpenVPN") {
		t.Errorf("of a server that does not run: %+v", m)
	}
	if m := Free(prefixes("10.8.0.0/24")[0], "tun8", []string{"openvpn-server@idle.service"}, resource.Prospect{}); m == nil {
		t.Error("the network of another one is free")
	}
	if m := Free(prefixes("10.8.0.0/24")[0], "tun7", nil, resource.Prospect{}); m != nil {
		t.Errorf("of its own interface: %+v", m)
	}
}
