package system

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// many is how many clients the server has; ten thousand work too, and take
// longer than a test may.
const many = 300

// TestManyClients tells what a server with many clients costs.
func TestManyClients(t *testing.T) {
	t.Parallel()
	s := alone(t)
	first := s.print()
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf("client-%d", i))
	}
	s.configure(`locals {
  clients = ` + quoted(names) + `
}
pki "o" {
  subject { common_name = "O" }
  server "server" {}
  dynamic "client" {
    for_each = local.clients
    labels   = [client.value]
    content {}
  }
}
openvpn_server "o" {
  network = "10.8.0.0/16"
  pki     = pki.o
  remote  = "vpn.example.com"
  pool { end = "10.8.99.255" }
  dynamic "client" {
    for_each = local.clients
    labels   = [client.value]
    content { address = cidrhost("10.8.100.0/22", client.key + 1) }
  }
}
`)
	s.timed("the first plan", "plan")
	s.timed("the first apply", "apply", "--yes")
	s.timed("a plan that is empty", "plan", "--detailed-exitcode")
	s.timed("an apply with nothing to do", "apply", "--yes")
	s.ok(s.Edit(t.Context(), "vpn.hcl", `"client-7", `, ""))
	s.names(s.timed("an apply that drops one client", "apply", "--yes"), "client-7.ovpn")
	s.converged()
	s.lacks(s.sh("ls /var/lib/vpnd/profiles/o"), "client-7.ovpn")
	if n := strings.Count(s.sh("ls /var/lib/vpnd/profiles/o"), ".ovpn"); n != many-1 {
		t.Errorf("there are %d profiles instead of %d", n, many-1)
	}
	s.timed("destroying it all", "destroy", "--yes")
	s.as(first, "destroying")
}

// timed runs vpnd and logs how long that took.
func (s scene) timed(what string, args ...string) string {
	s.t.Helper()
	began := time.Now()
	out := s.vpnd(0, args...)
	s.t.Logf("%s took %s", what, time.Since(began).Round(time.Millisecond))
	return out
}
