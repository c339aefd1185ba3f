package system

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// hub is the gateway of an office with people and another site. %s is the public
// key of that one, and then what else stands in alice's block.
const hub = `
variable "remote" {
  type = string
}
wireguard "wg0" {
  addresses = ["10.20.0.1/24"]
  remote    = var.remote
  reach     = ["10.0.0.0/16"]
  peer "alice" {
    address = "10.20.0.2"
    %[2]s
  }
  peer "bob" {
    address = "10.20.0.3"
  }
  peer "branch" {
    public_key = "%[1]s"
    address    = "10.20.0.250"
    endpoint   = "203.0.113.20:51820"
    networks   = ["10.9.1.0/24"]
  }
}
gateway "office" {
  uplink   = "eth0"
  networks = wireguard.wg0.networks
}
`

// spoke is the branch. %s is the public key of the hub.
const spoke = `
wireguard "wg0" {
  addresses   = ["10.20.0.250/24"]
  private_key = "/etc/wg0.key"
  reach       = ["10.9.1.0/24"]
  profiles    = "false"
  peer "hub" {
    public_key = "%s"
    address    = "10.20.0.1"
    endpoint   = "203.0.113.1:51820"
    networks   = ["10.0.0.0/16"]
  }
}
`

// A roadway is the office with two people and another site, all by WireGuard.
type roadway struct {
	scene
	alice, bob, branch *lab.Host
	key                string // public, of the branch
}

// TestWireGuard has people and another site reach an office by WireGuard, by
// wireguard-go, since the kernel of the lab's hosts has none.
func TestWireGuard(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		r := roads(t, release)
		first := r.print()
		r.opens()
		t.Run("a removed peer", func(t *testing.T) { r.in(t).removed() })
		t.Run("by hand", func(t *testing.T) { r.in(t).byHand() })
		t.Run("exchanged", func(t *testing.T) { r.in(t).exchanged() })
		t.Run("revoked", func(t *testing.T) { r.in(t).revoked() })
		t.Run("agent", func(t *testing.T) { r.in(t).kept() })
		r.vpnd(0, "destroy", "--yes")
		r.as(first, "destroying")
	})
}

func (r roadway) in(t *testing.T) roadway { r.scene = r.scene.in(t); return r }

func roads(t *testing.T, release string) roadway {
	l := labtest.For(t, 5, release, "wireguard-go", "wireguard-tools")
	o, err := office.Open(t.Context(), l, vpnd, "../../examples/minimal")
	if err != nil {
		t.Fatal(err)
	}
	r := roadway{scene: scene{o, t}, alice: o.Laptop, bob: labtest.Host(t, l, "phone"), branch: labtest.Host(t, l, "branch")}
	r.ok(l.Join("internet", r.bob, "eth0", netip.MustParsePrefix("203.0.113.11/24")))
	r.ok(l.Join("internet", r.branch, "eth0", netip.MustParsePrefix("203.0.113.20/24")))
	r.ok(l.Join("branch", r.branch, "eth1", netip.MustParsePrefix("10.9.1.1/24")))
	r.ok(r.Intranet.Route(netip.MustParsePrefix("10.9.1.0/24"), netip.MustParseAddr("10.0.0.1")))
	r.ok(r.branch.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	r.key = strings.TrimSpace(labtest.Run(t, r.branch, "sh", "-c", "umask 077; wg genkey > /etc/wg0.key; wg pubkey < /etc/wg0.key | tee /etc/wg0.key.pub"))
	r.configure(fmt.Sprintf(hub, r.key, ""))
	return r
}

// opens makes the office, the branch and both people's tunnels; the plan says who
// carries the packets.
func (r roadway) opens() {
	r.t.Helper()
	r.names(r.vpnd(2, "plan", "--detailed-exitcode", "--verbose"), "backend: wireguard-go", `peer["bob"]`)
	r.apply()
	if open := r.sh("find /var/lib/vpnd/wireguard /var/lib/vpnd/profiles ! -perm 0600 ! -name '*.pub' -type f"); open != "" {
		r.t.Errorf("others may read %s", open)
	}
	mine := r.sh("cat /var/lib/vpnd/wireguard/wg0/private.key.pub")
	r.ok(r.branch.WriteFile(r.t.Context(), "/etc/vpnd/vpn.hcl", []byte(fmt.Sprintf(spoke, mine)), 0o600))
	labtest.Run(r.t, r.branch, "vpnd", "apply", "--yes")
	for name, host := range map[string]*lab.Host{"alice": r.alice, "bob": r.bob} {
		profile := r.sh("vpnd client export " + name)
		r.ok(host.WriteFile(r.t.Context(), "/etc/wireguard/"+name+".conf", []byte(profile+"\n"), 0o600))
		labtest.Run(r.t, host, "wg-quick", "up", name)
		r.reaches(host)
	}
	r.reaches(r.branch, "-I", "10.9.1.1")
	labtest.Run(r.t, r.Intranet, "ping", "-c1", "-W20", "10.9.1.1")
	r.names(r.vpnd(1, "status"), "wg0 bob: up", "wg0 branch: up")
}

// reaches wants a host to reach the intranet, by way of the tunnel, within the time
// in which WireGuard notices that the other side has forgotten the last keys.
func (r roadway) reaches(host *lab.Host, how ...string) {
	r.t.Helper()
	labtest.Run(r.t, host, "sh", "-c", "for i in $(seq 60); do ping -c1 -W1 "+strings.Join(append(how, office.Intranet), " ")+" && exit 0; done; exit 1")
}

// cut wants a host to reach nothing.
func (r roadway) cut(host *lab.Host) {
	r.t.Helper()
	if out, err := host.Run(r.t.Context(), "ping", "-c2", "-i0.3", "-W1", office.Intranet); err == nil {
		r.t.Errorf("it reaches the intranet:\n%s", out)
	}
}

// removed takes alice out while bob's packets run, and lets her in again.
func (r roadway) removed() {
	running := make(chan error, 1)
	go func() {
		_, err := r.bob.Run(r.t.Context(), "sh", "-c", "ping -n -q -i 0.05 -c 200 -W 5 "+office.Intranet+" | tee /run/ping; grep -q ' 0% packet loss' /run/ping")
		running <- err
	}()
	r.configure(fmt.Sprintf(hub, r.key, "disabled = true"))
	r.names(r.apply(), "disconnects one client")
	r.cut(r.alice)
	if err := <-running; err != nil {
		r.t.Errorf("bob's packets were disturbed: %v", err)
	}
	r.configure(fmt.Sprintf(hub, r.key, ""))
	r.apply()
	r.reaches(r.alice) // with the same profile
}

// byHand changes the interface behind vpnd's back.
func (r roadway) byHand() {
	bob := r.sh("cat /var/lib/vpnd/wireguard/wg0/peers/bob.key.pub")
	for script, named := range map[string]string{
		"wg genkey | wg pubkey | xargs -I{} wg set wg0 peer {} allowed-ips 10.66.0.0/16": "10.66.0.0/16",
		"wg set wg0 peer " + bob + " remove":                                             `peer["bob"]`,
		"wg set wg0 listen-port 4711":                                                    "51820 → 4711",
		"ip link set wg0 down":                                                           "true → false",
		"systemctl kill -s KILL vpnd-wireguard-wg0":                                      "wireguard_interface.wg0",
	} {
		r.sh(script)
		if strings.Contains(script, "KILL") {
			r.shortly("! test -e /sys/class/net/wg0")
		}
		r.names(r.vpnd(3, "drift", "--verbose"), named)
		r.apply()
		r.names(r.vpnd(0, "drift"), "No drift")
		r.reaches(r.bob)
	}
}

// exchanged has two interfaces exchange their ports and networks by one apply, and an undo
// exchange them again.
func (r roadway) exchanged() {
	const other = `
wireguard "wg1" {
  listen    = %d
  addresses = ["%s"]
  profiles  = "false"
}
`
	first := fmt.Sprintf(hub, r.key, "")
	r.configure(first + fmt.Sprintf(other, 51821, "10.21.0.1/24"))
	r.apply()
	second := strings.NewReplacer("10.20.0.", "10.21.0.", "remote    =", "listen = 51821\n  remote =").Replace(first)
	r.configure(second + fmt.Sprintf(other, 51820, "10.20.0.1/24"))
	r.names(r.apply(), "51820 → 51821", "51821 → 51820")
	r.sh("wg show wg0 | grep -q 'listening port: 51821' && wg show wg1 | grep -q 'listening port: 51820'")
	r.vpnd(0, "rollback", "--yes")
	r.reaches(r.bob)
	r.configure(first)
	r.apply()
	r.reaches(r.bob)
}

// revoked shuts alice out for good; an undo does not let her in.
func (r roadway) revoked() {
	r.configure(fmt.Sprintf(hub, r.key, "revoked = true"))
	r.apply()
	r.cut(r.alice)
	r.lacks(r.sh("ls /var/lib/vpnd/profiles/wg0"), "alice")
	r.names(r.vpnd(0, "rollback", "--yes"), "not let in again by an undo: alice; vpnd client add lets them in")
	r.lacks(r.sh("wg show wg0 allowed-ips"), "10.20.0.2/32")
	r.lacks(r.sh("ls /var/lib/vpnd/profiles/wg0 /var/lib/vpnd/wireguard/wg0/peers"), "alice.conf", "alice.psk")
	r.cut(r.alice)
	r.apply()
	r.reaches(r.bob)
	r.lacks(r.sh("wg show wg0 allowed-ips"), "10.20.0.2/32")
	r.back()
}

// back lets alice in again, who was revoked: with a new key, as the plan says, and the old
// one stays out.
func (r roadway) back() {
	barred := r.sh("cat /var/lib/vpnd/wireguard/wg0/peers/alice.key.pub")
	r.names(r.vpnd(0, "client", "add", "alice", "--yes"), "alice.conf")
	r.lacks(r.sh("wg show wg0"), barred)
	r.cut(r.alice)
	r.ok(r.alice.WriteFile(r.t.Context(), "/etc/wireguard/alice.conf", []byte(r.sh("vpnd client export alice")+"\n"), 0o600))
	labtest.Run(r.t, r.alice, "wg-quick", "down", "alice")
	labtest.Run(r.t, r.alice, "wg-quick", "up", "alice")
	r.reaches(r.alice)
	r.vpnd(0, "rollback", "--yes")
	r.cut(r.alice)
	r.vpnd(0, "client", "revoke", "alice", "--yes")
	r.reaches(r.bob)
}

// kept has the agent repair what is changed, and bring all of it back after a boot.
func (r roadway) kept() {
	r.agent()
	r.sh("ip link set wg0 down")
	r.repaired("wireguard_interface.wg0")
	r.reaches(r.bob)
	r.sh("systemctl kill -s KILL vpnd-wireguard-wg0")
	r.shortly("wg show wg0 | grep -q 'listening port: 51820'")
	r.reaches(r.bob)
	r.sh("systemctl enable -q vpnd")
	r.ok(r.Gateway.Stop(r.t.Context()))
	r.ok(r.Gateway.Start(r.t.Context()))
	r.within(time.Minute, "the interface is back after a boot", "wg show wg0 | grep -q 'listening port: 51820' && ip route show dev wg0 | grep -q 10.9.1.0/24")
	r.reaches(r.bob)
	r.agentRemoved()
}
