package system

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab/amazon"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// A hostB is the second seed host, between its private subnet and Amazon.
type hostB struct {
	scene
	*amazon.Neighbourhood
	tunnels *[2]amazon.Tunnel // as both sides have them
}

// TestAmazon tells the life of the second host that vpnd was made for, on each release
// of Debian. Parts follow on each other: a lab is made once.
func TestAmazon(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		n, err := amazon.Open(t.Context(), labtest.For(t, 2, release), vpnd)
		if err != nil {
			t.Fatal(err)
		}
		tunnels := amazon.Tunnels
		s := &hostB{scene{&office.Office{Gateway: n.Gateway}, t}, n, &tunnels}
		s.configured()
		s.scene.apply()
		s.reaches(20*time.Second, "after the first apply")
		s.ok(s.Visit(t.Context()))
		for _, part := range []struct {
			name string
			run  func(*hostB)
		}{
			{"hands", (*hostB).byHand},
			{"key", (*hostB).newKey},
			{"cut", (*hostB).cut},
			{"words", (*hostB).words},
			{"unprobed", (*hostB).unprobed},
			{"strongswan", (*hostB).strongSwan},
			{"removed", (*hostB).removed},
		} {
			if !t.Run(part.name, func(t *testing.T) { part.run(&hostB{s.in(t), n, s.tunnels}) }) {
				return
			}
		}
	})
}

// configured writes down what the gateway shall be. What Amazon gave to download lies
// beside it.
func (s *hostB) configured() {
	s.t.Helper()
	s.amazon(`probe = "` + amazon.Server + `"`)
}

// amazon writes it with this attribute in the block.
func (s *hostB) amazon(attribute string) {
	s.t.Helper()
	s.configure(common + `
aws_vpn "vpc" {
  configuration   = "vpc.xml"
  uplink          = "eth0"
  local_networks  = ["` + amazon.Private + `"]
  remote_networks = ["` + amazon.VPC + `"]
  settle          = "10s"
  ` + attribute + `
}
`)
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/vpnd/branch.psk", []byte(amazon.BranchTunnel.PSK+"\n"), 0o600))
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/vpnd/vpc.xml", []byte(amazon.XML(s.tunnels[:])), 0o600))
}

// common is what the gateway has besides: the internet for the private subnet, and a
// tunnel to a branch.
const common = `
gateway "lan" {
  uplink   = "eth0"
  networks = ["192.168.40.0/24"]
}
ipsec_tunnel "branch" {
  local {
    address  = "198.51.100.1"
    networks = ["192.168.40.0/24"]
  }
  remote {
    address  = "203.0.113.7"
    networks = ["10.9.0.0/24"]
  }
  psk_file = "/etc/vpnd/branch.psk"
}
`

// reaches wants the private hosts to reach each other within that time, and tells how
// long it took.
func (s *hostB) reaches(within time.Duration, when string) time.Duration {
	s.t.Helper()
	took, err := s.Reached(s.t.Context(), within)
	if err != nil {
		s.t.Fatalf("%s the private hosts do not reach each other after %s: %v\n%s\n%s\n%s", when, took, err,
			s.sh("systemctl status strongswan; swanctl --list-sas; vpnd status; true"), s.agentJournal(), labtest.Run(s.t, s.Amazon, "swanctl", "--list-sas"))
	}
	s.t.Logf("%s: the private hosts reach each other after %s", when, took.Round(10*time.Millisecond))
	return took
}

// An sa is what charon says of a connection that is up.
type sa struct{ ike, child, in int }

var listed = regexp.MustCompile(`list-sa event \{(\S+) \{uniqueid=(\d+)(.*)`)

// sas are the connections that are up. One without a child SA has none of that id.
func (s *hostB) sas() map[string]sa {
	s.t.Helper()
	up := make(map[string]sa)
	for line := range strings.Lines(s.sh("swanctl --list-sas --raw")) {
		m := listed.FindStringSubmatch(line)
		if m == nil || !strings.Contains(m[3], "state=ESTABLISHED") {
			continue
		}
		number := func(pattern string) int {
			found := regexp.MustCompile(pattern).FindStringSubmatch(m[3])
			if found == nil {
				return 0
			}
			n, _ := strconv.Atoi(found[1])
			return n
		}
		ike, _ := strconv.Atoi(m[2])
		up[m[1]] = sa{ike, number(`\{name=\S+ uniqueid=(\d+)`), number(`bytes-in=(\d+)`)}
	}
	return up
}

// carries waits until the connection alone has a child SA, and returns how long that took.
func (s *hostB) carries(name string, within time.Duration) time.Duration {
	s.t.Helper()
	begun := time.Now()
	for {
		var carriers []string
		for name, sa := range s.sas() {
			if sa.child > 0 && strings.HasPrefix(name, "vpc") {
				carriers = append(carriers, name)
			}
		}
		took := time.Since(begun)
		if len(carriers) == 1 && carriers[0] == name {
			return took
		}
		if took > within {
			s.t.Fatalf("after %s %q carry and not %s alone:\n%s", took, carriers, name, s.sh("swanctl --list-sas; vpnd status; true"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// byHand has somebody change things behind vpnd's back, of which vpnd drift tells, and
// the next apply puts them right.
func (s *hostB) byHand() {
	for _, m := range []office.Mischief{
		behind("ends the SA that carries", "swanctl --terminate --ike vpc-1 --force --timeout 2", "ipsec_failover.vpc"),
		behind("ends the child SA", "swanctl --terminate --child vpc-1 --timeout 2", "ipsec_failover.vpc"),
		behind("begins the other one too", "swanctl --initiate --child vpc-2 --timeout 5", "both carry"),
		behind("edits a file", "sed -i s/aes256gcm16-prfsha384-ecp384/aes128gcm16-prfsha256-ecp256/ /etc/swanctl/conf.d/vpnd-vpc-2.conf", "aes128gcm16-prfsha256-ecp256"),
		behind("lets others read a file", "chmod 0644 /etc/swanctl/conf.d/vpnd-vpc-1.conf", "ipsec_connection.vpc-1"),
		behind("deletes a file", "rm /etc/swanctl/conf.d/vpnd-vpc-2.conf", "ipsec_connection.vpc-2"),
		behind("loads another connection under the name of one, which unloads the rest,", impostor, "ipsec_connection.vpc-2"),
		behind("stops strongSwan", "systemctl stop strongswan", `unit["strongswan.service"]`),
		behind("kills charon", "systemctl kill -s KILL strongswan; until swanctl --stats; do sleep 0.1; done", "ipsec_failover.vpc"),
	} {
		s.run(m.Argv...)
		out, status, err := s.VPND(s.t.Context(), "drift")
		s.ok(err)
		if status != 3 {
			s.t.Errorf("after somebody %s, vpnd drift ends with status %d:\n%s", m.Words, status, out)
		}
		s.names(out, m.Named)
		s.vpnd(0, "apply", "--yes")
		s.reaches(20*time.Second, "after somebody "+m.Words)
		s.converged()
	}
}

func behind(words, script, named string) office.Mischief {
	return office.Mischief{Words: words, Argv: []string{"sh", "-c", script}, Named: named}
}

// impostor loads another connection under the name of one of vpnd's.
const impostor = `
cat >/root/other.conf <<'EOF'
connections {
  vpc-2 {
    remote_addrs = 203.0.113.99
    local { auth = psk }
    remote { auth = psk }
    children { vpc-2 { remote_ts = 10.99.0.0/16 } }
  }
}
EOF
swanctl --load-conns --file /root/other.conf || true
rm /root/other.conf
`

// newKey has one tunnel get another pre-shared key, on both sides: the other one
// goes on.
func (s *hostB) newKey() {
	s.settled()
	before := s.sas()
	s.tunnels[1].PSK = "Yp3.Kd9_qLw7RtZ2vNb8XmCf4GhJs6Ae"
	s.ok(s.Serve(s.t.Context(), s.tunnels[:]))
	s.configured()
	out := s.vpnd(0, "plan")
	s.names(out, "psk")
	s.lacks(out, s.tunnels[1].PSK, amazon.Tunnels[1].PSK)
	s.scene.apply()
	s.reaches(5*time.Second, "after a new key of the other tunnel")
	after := s.sas()
	if a, b := after["vpc-1"], before["vpc-1"]; a.ike != b.ike || a.child != b.child || a.in <= b.in {
		s.t.Errorf("the tunnel whose key stays was %+v and is %+v", b, a)
	}
	s.run("swanctl", "--initiate", "--ike", "vpc-2", "--timeout", "5")
	if s.sas()["vpc-2"].ike == before["vpc-2"].ike {
		s.t.Error("the tunnel with the new key has its old SA")
	}
	s.run("swanctl", "--terminate", "--ike", "vpc-2", "--timeout", "5")
}

// settled has the preferred connection carry, without a word of the agent's.
func (s *hostB) settled() {
	s.t.Helper()
	if _, on := s.sas()["vpc-1"]; !on {
		s.run("swanctl", "--initiate", "--child", "vpc-1", "--timeout", "5")
		s.vpnd(0, "apply", "--yes")
	}
	s.carries("vpc-1", 15*time.Second)
}

// cut has the endpoint of the tunnel that carries go without a farewell: packets to it
// are dropped.
func (s *hostB) cut() {
	s.agent()
	s.settled()
	s.shortly("swanctl --list-sas | grep -q '^vpc-2: .*ESTABLISHED'") // the other one is ready
	s.ok(s.Cut(s.t.Context(), amazon.Tunnels[0].Outside))
	if took := s.reaches(40*time.Second, "with the endpoint cut"); took > 15*time.Second {
		s.t.Errorf("it took %s", took)
	}
	s.carries("vpc-2", time.Second)
	s.names(s.sh("vpnd status; true"), "carried by 203.0.113.18 and not by 203.0.113.17: no answer to 5 probes of "+amazon.Server)
	s.names(s.repaired("ipsec_failover.vpc").Reason, "drift")
	s.vpnd(0, "plan", "--detailed-exitcode")

	lost := s.background("ip netns exec lan ping -q -i 0.1 -w 90 " + amazon.Server)
	s.ok(s.Mend(s.t.Context(), amazon.Tunnels[0].Outside))
	took := s.carries("vpc-1", time.Minute)
	if took < 10*time.Second {
		s.t.Errorf("traffic went back after %s, before the tunnel had been well for 10s", took)
	}
	s.t.Logf("traffic is back %s after the endpoint", took.Round(100*time.Millisecond))
	if n := lost(); n > 5 {
		s.t.Errorf("%d packets were lost on the way back", n)
	}
	s.shortly("swanctl --list-sas | grep -q '^vpc-2: .*ESTABLISHED'") // it stays ready
}

// words are why the tunnel that stands by is down: what is wrong with it is found before
// it is needed.
func (s *hostB) words() {
	for _, c := range []struct {
		what, told string
		change     func(*amazon.Tunnel)
	}{
		{"another pre-shared key", "authentication failed: 203.0.113.18 refuses this side", func(t *amazon.Tunnel) { t.PSK = "a.key-that-is-none-of-theirs" }},
		{"another proposal", "no proposal of IKE chosen: 203.0.113.18 takes none of ours", func(t *amazon.Tunnel) { t.IKE = "aes128-sha256-modp2048" }},
		{"nothing", "its IKE SA is up, and it stands by", func(*amazon.Tunnel) {}},
	} {
		theirs := *s.tunnels
		c.change(&theirs[1])
		s.ok(s.Serve(s.t.Context(), theirs[:]))
		s.ok(s.Forget(s.t.Context(), 1))
		s.within(time.Minute, "with "+c.what+" at Amazon's, vpnd status says so", "vpnd status | tr '\n' ' ' | grep -q '"+c.told+"'")
		s.carries("vpc-1", time.Second)
	}
}

// unprobed is the same without a probe, while somebody talks to the VPC.
func (s *hostB) unprobed() {
	s.amazon("")
	s.scene.apply()
	s.carries("vpc-1", time.Minute)
	s.shortly("swanctl --list-sas | grep -q '^vpc-2: .*ESTABLISHED'")
	lost := s.background("ip netns exec lan ping -q -i 0.1 -w 90 " + amazon.Server)
	s.ok(s.Cut(s.t.Context(), amazon.Tunnels[0].Outside))
	if took := s.reaches(40*time.Second, "with the endpoint cut, and no probe"); took > 15*time.Second {
		s.t.Errorf("it took %s", took)
	}
	lost()
	s.names(s.sh("vpnd status; true"), "carried by 203.0.113.18 and not by 203.0.113.17: nothing has come in for 8s, though packets went out")
	s.ok(s.Mend(s.t.Context(), amazon.Tunnels[0].Outside))
	s.carries("vpc-1", time.Minute)
	s.configured()
	s.scene.apply()
}

var transmitted = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)

// background pings until it is asked how many packets were lost.
func (s *hostB) background(ping string) (lost func() int) {
	s.t.Helper()
	s.sh("systemd-run -q --unit=pings -p StandardOutput=file:/root/pings " + ping)
	return func() int {
		s.t.Helper()
		s.sh("systemctl kill -s INT pings; while systemctl is-active -q pings; do sleep 0.1; done")
		m := transmitted.FindStringSubmatch(s.sh("cat /root/pings"))
		if m == nil {
			s.t.Fatalf("ping says %q", s.sh("cat /root/pings"))
		}
		sent, _ := strconv.Atoi(m[1])
		received, _ := strconv.Atoi(m[2])
		s.t.Logf("%d of %d packets came back", received, sent)
		return sent - received
	}
}

// strongSwan is stopped, killed and restarted while the agent is at work.
func (s *hostB) strongSwan() {
	for _, c := range []struct{ what, script string }{
		{"strongSwan is restarted", "systemctl restart strongswan"},
		{"strongSwan is stopped", "systemctl stop strongswan"},
		{"charon is killed", "systemctl kill -s KILL strongswan"},
		{"the SA is ended by hand", "swanctl --terminate --ike vpc-1 --force --timeout 2"},
	} {
		s.sh(c.script)
		s.reaches(time.Minute, "after "+c.what)
		s.carries("vpc-1", time.Minute)
	}
}

// removed is Amazon's block that goes: the tunnel to the branch notices nothing.
func (s *hostB) removed() {
	s.carries("vpc-1", time.Minute)
	s.agentStops()
	before := s.sas()["branch"]
	s.configure(common)
	s.scene.apply()
	s.ok(s.Visit(s.t.Context()))
	if after := s.sas()["branch"]; after.ike != before.ike || after.child != before.child || after.in <= before.in {
		s.t.Errorf("the tunnel that stays was %+v and is %+v", before, after)
	}
	if err := s.Reach(s.t.Context()); err == nil {
		s.t.Error("the private hosts still reach each other")
	}
	if left := s.sh("swanctl --list-conns | grep vpc; swanctl --list-sas | grep vpc; iptables-save | grep -i vpc; ls -R /etc/swanctl /var/lib/vpnd | grep vpc; true"); left != "" {
		s.t.Errorf("of the tunnels that went there is left:\n%s", left)
	}
	s.vpnd(0, "destroy", "--yes")
	if left := s.sh("swanctl --list-conns; swanctl --list-sas; ls -R /etc/swanctl | grep vpnd; iptables-save | grep VPND; true"); left != "" {
		s.t.Errorf("after destroying there is left:\n%s", left)
	}
}
