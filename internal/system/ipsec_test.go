package system

import (
	"errors"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
)

const (
	firstKey, secondKey = "the first key of two sites", "the second key of two sites"
	atOnce              = `start_action = "start"`
)

// both has both sites do something, side by side as far as they can.
func both(east, west site, do func(s site)) {
	do(west)
	do(east)
}

// TestIPsecConnections tells the life of two tunnels of which one is changed,
// damaged and taken away, and the other one never notices.
func TestIPsecConnections(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		east, west := twoSites(t, release)
		both(east, west, func(s site) {
			s.configure(running + s.connection("one", 1, firstKey, "", atOnce) + s.connection("two", 2, secondKey, "", atOnce))
			s.apply()
		})
		both(east, west, func(s site) { s.reaches(1); s.reaches(2) })
		east.names(east.standing(), "203.0.113.2", "10.2.1.0/24")
		two := east.sa("two")

		changesOneOfTwo(east, west)
		isDamaged(east)
		east.reaches(1)
		if now := east.sa("two"); now != two {
			t.Errorf("the other tunnel was SA %s and is %s", two, now)
		}
		reloads(east)
		restarts(east)
		isKept(east)
		removesOneOfTwo(east)
	})
}

// changesOneOfTwo gives one tunnel another key.
func changesOneOfTwo(east, west site) {
	east.t.Helper()
	one := east.sa("one")
	both(east, west, func(s site) {
		s.configure(running + s.connection("one", 1, "quite another key of two sites", "", atOnce) + s.connection("two", 2, secondKey, "", atOnce))
	})
	plan := east.vpnd(0, "plan")
	east.names(plan, "psk: (sensitive)", "tunnel")
	east.lacks(plan, "quite another")
	both(east, west, func(s site) { s.apply() })
	both(east, west, func(s site) { s.reaches(1); s.reaches(2) })
	if now := east.sa("one"); now == one {
		east.t.Errorf("the tunnel still stands on SA %s, which was made with the old key", one)
	}
}

// isDamaged does to one tunnel what people do; vpnd names it and puts it right.
func isDamaged(east site) {
	east.t.Helper()
	for _, c := range []struct{ what, do, names string }{
		{"terminated", "swanctl --terminate --ike one", "its SAs are not up"},
		{"edited", "sed -i 's/start_action = start/start_action = trap/' /etc/swanctl/conf.d/vpnd-one.conf", "ipsec_connection.one"},
		{"deleted", "rm /etc/swanctl/conf.d/vpnd-one.conf", "ipsec_connection.one"},
		{"opened", "chmod 644 /etc/swanctl/conf.d/vpnd-one.conf", "others than root may read the file"},
		{"unloaded", "sed s/one/other/ /etc/swanctl/conf.d/vpnd-one.conf >/tmp/x.conf; cat /etc/swanctl/conf.d/vpnd-two.conf >>/tmp/x.conf; swanctl --load-conns --file /tmp/x.conf", "charon has not loaded the connection"},
		{"replaced", "sed 's/10.1.1.0/10.1.9.0/' /etc/swanctl/conf.d/vpnd-one.conf >/tmp/x.conf; cat /etc/swanctl/conf.d/vpnd-two.conf >>/tmp/x.conf; swanctl --load-conns --file /tmp/x.conf", "charon has not loaded child"},
	} {
		east.sh(c.do)
		east.drifts(c.what, c.names)
		east.apply()
		east.reaches(1)
	}
}

// drifts wants drift to be found in a while: what was tried a moment ago is left
// alone.
func (s site) drifts(what, names string) {
	s.t.Helper()
	out, status := "", 0
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		var err error
		if out, status, err = s.VPND(s.t.Context(), "drift"); err != nil || status == 3 {
			break
		}
	}
	if status != 3 || !strings.Contains(out, names) {
		s.t.Errorf("%s: drift ended with status %d and does not name %s:\n%s", what, status, names, out)
	}
}

// reloads has swanctl load all, as a reload of the unit does: to charon it is what it
// has.
func reloads(east site) {
	east.t.Helper()
	one, two := east.sa("one"), east.sa("two")
	east.sh("systemctl reload strongswan")
	if east.sa("one") != one || east.sa("two") != two {
		east.t.Errorf("a reload of strongSwan makes SAs %s and %s anew", one, two)
	}
	east.converged()
}

// restarts stops and kills charon.
func restarts(east site) {
	east.t.Helper()
	east.sh("systemctl stop strongswan")
	east.names(east.standing(), "charon is not running")
	east.drifts("stopped", "strongswan.service")
	east.apply()
	both(east, east, func(s site) { s.reaches(1); s.reaches(2) })
	east.sh("systemctl kill -s KILL strongswan")
	east.eventually("systemctl is-active strongswan", "active")
	east.reaches(1)
	east.reaches(2)
	east.converged()
}

// isKept has the agent do in its sandbox what people did with the command line: it
// repairs, and has a new connection proved and loaded.
func isKept(east site) {
	east.t.Helper()
	east.agent()
	up := "swanctl --list-sas --ike one | grep -q INSTALLED"
	for _, do := range []string{
		"swanctl --terminate --ike one",
		"sed -i 's/keyingtries/# keyingtries/; s/start_action = start/start_action = trap/' /etc/swanctl/conf.d/vpnd-one.conf",
		"rm /etc/swanctl/conf.d/vpnd-one.conf",
		"systemctl kill -s KILL strongswan",
	} {
		two := east.sa("two")
		east.sh(do)
		east.eventually("grep -q 'start_action = start' /etc/swanctl/conf.d/vpnd-one.conf && "+up+" && echo it is up", "it is up")
		if now := east.sa("two"); now != two && !strings.Contains(do, "KILL") {
			east.t.Errorf("%s: the agent made the other tunnel anew, SA %s is %s", do, two, now)
		}
	}
	east.reaches(1)
	data, err := east.Gateway.ReadFile("/etc/vpnd/vpn.hcl")
	east.ok(err)
	east.ok(east.Gateway.WriteFile(east.t.Context(), "/etc/vpnd/vpn.hcl", []byte(string(data)+east.connection("three", 1, firstKey, "", "")), 0o600))
	east.run("systemctl", "reload", "vpnd")
	east.eventually("swanctl --list-conns", "three:")
	east.lacks(east.sh("journalctl -u vpnd -o cat -p warning; ls /run/charon*; cat /run/vpnd/status.json"), "refuses", "charon.vpnd-", firstKey)
	east.sh("systemctl stop vpnd")
}

// removesOneOfTwo takes one away.
func removesOneOfTwo(east site) {
	east.t.Helper()
	two := east.sa("two")
	east.configure(running + east.connection("two", 2, secondKey, "", atOnce))
	east.apply()
	if now := east.sa("one"); now != "" {
		east.t.Errorf("SA %s of the tunnel that left is there", now)
	}
	east.lacks(east.sh("ls /etc/swanctl/conf.d; swanctl --list-conns"), "one")
	if now := east.sa("two"); now != two {
		east.t.Errorf("the other tunnel was SA %s and is %s", two, now)
	}
	east.reaches(2)
}

// TestWhyATunnelIsDown makes one mistake after the other on the other side.
func TestWhyATunnelIsDown(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		east, west := twoSites(t, release)
		good := west.connection("one", 1, firstKey, "", "")
		east.configure(running + east.connection("one", 1, firstKey, "", ""))
		east.apply()
		for _, c := range []struct{ what, old, mistaken, east, west string }{
			{"key", firstKey, secondKey, "authentication failed: 203.0.113.2 refuses this side; there the pre-shared key or an id is another one", "authentication failed: wrong pre-shared key; that of one-1 is another one than here"},
			{"id", `remote { id = "one-1" }`, `remote { id = "one-4" }`, "authentication failed: 203.0.113.2 refuses this side", "authentication failed: the peer's id is one-1, configured is one-4"},
			{"proposal", "aes256gcm16-prfsha384-ecp384", "aes128-sha256-modp3072", "no proposal of IKE chosen: 203.0.113.2 takes none of ours", "no proposal chosen: ours IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_3072, theirs IKE:AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384"},
			{"ESP", "aes256gcm16-ecp384", "aes128-sha256", "no proposal of ESP chosen", "no proposal chosen: ours ESP:AES_CBC_128/HMAC_SHA2_256_128/NO_EXT_SEQ"},
			{"networks", "10.1.1.0/24", "10.7.1.0/24", "traffic selectors refused: 203.0.113.2 has other networks", "traffic selectors refused: the peer asks for"},
		} {
			west.configure(running + strings.Replace(good, c.old, c.mistaken, 1))
			west.apply()
			east.sh("swanctl --initiate --child one --timeout 3 || true")
			east.tells(c.what, c.east)
			west.tells(c.what, c.west)
		}
		west.configure(running + good)
		west.apply()
		east.sh("swanctl --initiate --child one --timeout 5")
		east.reaches(1)
		east.tells("mended", "up since")
		west.sh("ip link set eth0 down")
		east.sh("swanctl --terminate --ike one --force >/dev/null; swanctl --initiate --child one --timeout 6 || true")
		east.tells("cut", "no answer from 203.0.113.2:500; see whether strongSwan runs there")
		east.sh("swanctl --terminate --ike one --force >/dev/null; ip addr flush dev eth0; swanctl --initiate --child one --timeout 6 || true")
		east.tells("without a route", "peer unreachable: this host has no route to 203.0.113.2")
		isUndoneWithout(east)
	})
}

// isUndoneWithout makes a change that must not stay where the tunnel is down.
func isUndoneWithout(east site) {
	east.t.Helper()
	east.configure(running + east.connection("one", 1, firstKey, "", "") +
		"file \"/etc/mark\" { content = \"x\" }\ncheck \"one\" {\n  tunnel  = ipsec_connection.one\n  retries = 0\n}\n")
	out, err := east.Gateway.Run(east.t.Context(), "vpnd", "apply", "--yes", "--rollback-on-failure")
	var exit *lab.ExitError
	if !errors.As(err, &exit) || exit.Status != 5 || !strings.Contains(out, `Check "one" does not hold: ipsec_connection.one is down: peer unreachable: `) {
		east.t.Errorf("an apply after which the tunnel is down: %v\n%s", err, out)
	}
	east.sh("test ! -e /etc/mark")
}

// tells wants the status to say that of the tunnel.
func (s site) tells(what, want string) {
	s.t.Helper()
	out := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		if out = s.standing(); strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			return
		}
	}
	s.t.Errorf("%s, %s: %q is not told:\n%s\nby\n%s", s.Gateway.Name(), what, want, out, s.charon())
}
