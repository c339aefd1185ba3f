package kernel

import (
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

// The kernel has what these tests are about, and the machine what loads it.
func TestDebianKernelModules(t *testing.T) {
	nettest.Kernel(t)
	for _, module := range []string{"esp4", "esp6", "xfrm_interface", "wireguard", "xt_policy", "xt_TCPMSS", "sch_netem", "ovpn-dco-v2"} {
		if out, err := exec.Command("modprobe", module).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", module, err, out)
		}
	}
	for _, link := range []string{"x0 type xfrm dev lo if_id 7", "w0 type wireguard", "d0 type dummy", "o0 type ovpn-dco"} {
		name, _, _ := strings.Cut(link, " ")
		out, err := exec.Command("sh", "-c", "ip link add "+link+" && ip link del "+name).CombinedOutput()
		if err != nil {
			t.Errorf("a link %s: %v: %s", link, err, out)
		}
	}
}
