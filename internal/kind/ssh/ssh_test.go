package ssh

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
)

func p[T any](v T) *T { return &v }

func wish() *Forward {
	return &Forward{
		Unit: p("vpnd-ssh-db.service"), User: p("vpnd-ssh-db"), Peer: p("tunnel@bastion:2222"), Control: p("/run/vpnd-ssh-db/control"),
		Locals: []Local{{Listen: p("127.0.0.1:8500"), To: p("db:5432")}, {Listen: p("/run/vpnd-ssh-db/pg.sock"), To: p("/run/pg")}}, Dynamic: []string{"[::1]:1080"},
	}
}

func tcp(state uint8, uid int, local, remote string, heard time.Duration) socket {
	return socket{state: state, uid: uid, local: netip.MustParseAddrPort(local), remote: netip.MustParseAddrPort(remote), heard: heard}
}

// well is a tunnel that is up.
func well() scene {
	return scene{
		state: "active", uid: 997, admitted: time.Now().Add(-time.Hour),
		paths: map[string]bool{"/run/vpnd-ssh-db/control.abc": true, "/run/vpnd-ssh-db/pg.sock": true},
		sockets: []socket{
			tcp(established, 997, "192.0.2.1:40000", "192.0.2.2:2222", 2*time.Second),
			tcp(listening, 997, "127.0.0.1:8500", "0.0.0.0:0", 0),
			tcp(listening, 997, "[::1]:1080", "[::]:0", 0),
		},
	}
}

// A tunnel is up where all of it is, and what only looks so is found.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		what           string
		spoil          func(*scene)
		answers, stale bool
		why            string
	}{
		{"it is well", func(*scene) {}, true, false, ""},
		{"stopped", func(s *scene) { s.state = "inactive" }, false, true, "unit does not run"},
		{"failed", func(s *scene) { s.state = "failed" }, false, true, "unit does not run"},
		{"on its way out", func(s *scene) { s.state = "deactivating" }, false, false, "unit does not run"},
		{"dialling", func(s *scene) { s.state, s.sockets, s.paths, s.admitted = "activating", nil, nil, time.Time{} }, false, false, "no connection"},
		{"not let in yet", func(s *scene) { s.admitted = time.Time{} }, false, false, "not let it in"},
		{"a control socket that nobody serves", func(s *scene) { s.paths = nil }, false, false, "not let it in"},
		{"hanging", func(s *scene) { s.sockets = s.sockets[1:] }, false, true, "no connection"},
		{"silent for a while", func(s *scene) { s.sockets[0].heard = 20 * time.Second }, false, false, "silent for 20s"},
		{"silent for long", func(s *scene) { s.sockets[0].heard = time.Minute }, false, true, "silent for 1m0s"},
		{"a port is not listened at", func(s *scene) { s.sockets = s.sockets[:2] }, false, true, "[::1]:1080"},
		{"nor is it yet", func(s *scene) { s.sockets, s.admitted = s.sockets[:2], time.Now() }, false, false, "[::1]:1080"},
		{"somebody else listens there", func(s *scene) { s.sockets[1].uid = 0 }, false, true, "127.0.0.1:8500"},
		{"it listens at another address", func(s *scene) { s.sockets[1].local = netip.MustParseAddrPort("127.0.0.2:8500") }, false, true, "127.0.0.1:8500"},
		{"the socket is gone", func(s *scene) { delete(s.paths, "/run/vpnd-ssh-db/pg.sock") }, false, true, "pg.sock"},
		{"somebody else is connected there", func(s *scene) { s.sockets[0].uid = 0 }, false, true, "no connection"},
		{"the account is gone", func(s *scene) { s.uid = -1 }, false, true, "no connection"},
		{"there is an older connection too", func(s *scene) {
			s.sockets = append(s.sockets, tcp(established, 997, "192.0.2.1:3", "192.0.2.2:2222", time.Hour))
		}, true, false, ""},
	} {
		s := well()
		c.spoil(&s)
		if f := judge(wish(), s); f.answers != c.answers || f.stale != c.stale || !strings.Contains(f.why, c.why) || (f.why == "") != c.answers {
			t.Errorf("%s: answers %v, stale %v: %s", c.what, f.answers, f.stale, f.why)
		}
	}
}

// idle is a systemd whose units do not run.
type idle struct{ Manager }

func (idle) State(context.Context, string) (string, error) { return "inactive", nil }
func (idle) Close()                                        {}

// One that goes down between two looks, as when somebody stops it just when it was made
// to come back, looks as it did before: it is told of all the same.
func TestATunnelThatStaysDownIsToldOfAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := Verbs{Connect: func(context.Context) (Manager, error) { return idle{}, nil }}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		told := 0
		err := v.WatchWishes(ctx, map[string]*Forward{"db": wish()}, func(h resource.Hint) {
			if h.Name == "db" {
				told++
			}
		})
		if err != nil || told < 3 || told > 4 {
			t.Errorf("in two minutes it is told of %d times, %v", told, err)
		}
	})
}

// What ssh says, as it was seen, in words that tell what to do.
func TestWhyATunnelIsDown(t *testing.T) {
	const key = "ssh-ed25519 AAAA"
	for _, c := range []struct {
		said  string
		why   []string
		final bool
	}{
		{"tunnel@bastion: Permission denied (publickey,password).", []string{"bastion:2222 refuses the key; add it to the account tunnel there: " + key}, true},
		{"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\nThe fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc/def+ghi.\nPlease contact your system administrator.\nAdd correct host key in /etc/ssh/vpnd/db/known_hosts to get rid of this message.\nHost key for vpnd-ssh-db has changed and you have requested strict checking.\nHost key verification failed.", []string{"another host key", "SHA256:abc/def+ghi)", "vpnd ssh-hostkey bastion:2222"}, true},
		{"No ED25519 host key is known for vpnd-ssh-db and you have requested strict checking.\nHost key verification failed.", []string{"another host key"}, true},
		{"Unable to negotiate with 192.0.2.2 port 2222: no matching host key type found. Their offer: ssh-dss", []string{"it offers ssh-dss"}, true},
		{"Unable to negotiate with 192.0.2.2 port 2222: no matching key exchange method found. Their offer: diffie-hellman-group1-sha1", []string{"no key exchange method in common"}, true},
		{"ssh: connect to host bastion port 2222: Connection refused", []string{"bastion:2222 refuses connections"}, false},
		{"ssh: connect to host bastion port 2222: Connection timed out", []string{"bastion:2222 does not answer"}, false},
		{"ssh: connect to host bastion port 2222: No route to host", []string{"bastion:2222 can't be reached", "is it up?"}, false},
		{"ssh: connect to host bastion port 2222: Network is unreachable", []string{"bastion:2222 can't be reached (network is unreachable)"}, false},
		{"ssh: Could not resolve hostname bastion: Temporary failure in name resolution", []string{"the name bastion can't be looked up (temporary failure in name resolution)"}, false},
		{"bind [127.0.0.1]:8500: Address already in use\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8500\nCould not request local forwarding.", []string{"127.0.0.1:8500 is taken by another program here"}, true},
		{"bind [192.0.2.9]:8500: Cannot assign requested address\nchannel_setup_fwd_listener_tcpip: cannot listen to port: 8500\nCould not request local forwarding.", []string{"no such address as in 192.0.2.9:8500"}, true},
		{"unix_listener: cannot bind to path /run/x/sock: No such file or directory\nCould not request local forwarding.", []string{"can't listen at /run/x/sock (no such file or directory)"}, true},
		{"vpnd-ssh-db.service: Failed to set up credentials: Protocol error\nvpnd-ssh-db.service: Failed at step CREDENTIALS spawning /usr/bin/ssh: Protocol error", []string{"its private key can't be read (/keys/db)"}, true},
		{"Error: remote port forwarding failed for listen port 8080", []string{"refuses to listen at 8080", "permit_listen"}, true},
		{"Timeout, server bastion not responding.", []string{"went away"}, false},
		{"client_loop: send disconnect: Broken pipe", []string{"went away"}, false},
		{"kex_exchange_identification: Connection closed by remote host\nConnection closed by 192.0.2.2 port 2222", []string{"closes the connection before anything was agreed on"}, false},
		{"tunnel@bastion: Permission denied (publickey).\nssh: connect to host bastion port 2222: Connection refused\nkex_exchange_identification: read: Connection reset by peer\nConnection reset by 192.0.2.2 port 2222", []string{"refuses the key"}, true},
		{"ssh: connect to host bastion port 2222: Connection refused\nConnection reset by 192.0.2.2 port 2222", []string{"closes the connection before anything was agreed on"}, false},
		{"Connection timed out during banner exchange\nConnection to 192.0.2.2 port 2222 timed out", []string{"says nothing"}, false},
		{"Load key \"/run/credentials/x/key\": error in libcrypto\ntunnel@bastion: Permission denied (publickey).", []string{"refuses the key"}, true},
		{"/etc/ssh/vpnd/db/config: line 9: Bad configuration option: frobnicate", []string{"does not know the option frobnicate"}, true},
		{"ssh: connect to host bastion port 2222: Connection refused\ntunnel@bastion: Permission denied (publickey).", []string{"refuses the key"}, true},
		{"tunnel@bastion: Permission denied (publickey).\nssh: connect to host bastion port 2222: Connection refused", []string{"refuses connections"}, false},
		{"tunnel@bastion: Permission denied (publickey).\nAuthenticated to bastion ([192.0.2.2]:2222) using \"publickey\".", nil, false},
		{"something else", nil, false},
	} {
		why, final := explain(strings.Split(c.said, "\n"), tale{peer: "tunnel@bastion:2222", key: key, file: "/keys/db"})
		if final != c.final || (why == "") != (c.why == nil) {
			t.Errorf("%s\nis told as %q, final %v", c.said, why, final)
		}
		for _, words := range c.why {
			if !strings.Contains(why, words) {
				t.Errorf("%s\nis told as %q, without %q", c.said, why, words)
			}
		}
	}
}

// That the service is down is no fault of the tunnel, and that the peer does not want
// to forward is.
func TestBehindTheTunnel(t *testing.T) {
	for said, want := range map[string][2]string{
		"channel 2: open failed: connect failed: Connection refused":                     {"", "db:5432 can't be reached from bastion (connection refused)"},
		"channel 2: open failed: connect failed: Name or service not known":              {"", "db:5432 can't be reached from bastion (name or service not known)"},
		"channel 2: open failed: administratively prohibited: open failed":               {`bastion refuses to forward to db:5432; its ssh_tunnel_account lacks permit_open = ["db:5432"]`, ""},
		"channel 2: open failed: resource shortage":                                      {"bastion does not forward to db:5432 (resource shortage)", ""},
		"Authenticated to bastion ([192.0.2.2]:22) using \"publickey\".\nsomething else": {"", ""},
	} {
		down, beyond := refused(strings.Split(said, "\n"), "db:5432", tale{peer: "tunnel@bastion:22"})
		if down != want[0] || beyond != want[1] {
			t.Errorf("%s: %q, %q", said, down, beyond)
		}
	}
}

// A port is tried now and then, and at once where the connection is another one.
func TestPortsAreTriedNowAndThen(t *testing.T) {
	probes, admitted := new(Probes), time.Now()
	if _, ok := probes.known("db", admitted, time.Minute); ok {
		t.Error("what was never tried is known")
	}
	probes.keep("db", probe{at: time.Now(), admitted: admitted, down: "x"})
	if last, ok := probes.known("db", admitted, time.Minute); !ok || last.down != "x" {
		t.Error("what was tried just now is not known")
	}
	if _, ok := probes.known("db", admitted.Add(time.Second), time.Minute); ok {
		t.Error("what was true of another connection is known")
	}
	if _, ok := probes.known("db", admitted, 0); ok {
		t.Error("it is never tried again")
	}
}

func TestTunnelsTellHowTheyStand(t *testing.T) {
	f := wish()
	f.Answers, f.Running, f.Address, f.In, f.Down = p(false), p(true), p(Word("192.0.2.2:2222")), p(7), p(because+"it is so")
	s := f.Tunnels()[0]
	if s.Up || !s.Attached || s.Why != "it is so" || s.Peer != "192.0.2.2:2222" || s.In != 7 || strings.Join(s.Local, " ") != "127.0.0.1:8500 /run/vpnd-ssh-db/pg.sock [::1]:1080" {
		t.Errorf("%+v", s)
	}
	f.Answers, f.Down, f.Beyond = p(true), nil, p("db:5432 can't be reached")
	if s := f.Tunnels()[0]; !s.Up || s.Why != "it is up; beyond it db:5432 can't be reached" {
		t.Errorf("%+v", s)
	}
}

func TestWhatSSHDMakesOfAnAccount(t *testing.T) {
	expect := []string{"permittty no", "permitopen db:5432 b:1", "authorizedkeysfile /etc/keys", "unknowntothissshd yes"}
	const fine = "permittty no\npermitopen b:1 db:5432\nauthorizedkeysfile /etc/keys\nusepam yes\ndisableforwarding no\n"
	for said, want := range map[string]string{
		fine: "",
		strings.Replace(fine, "permittty no", "permittty yes", 1):   "permittty is yes and not no",
		strings.Replace(fine, " b:1", " b:1 c:2", 1):                "permitopen is b:1 c:2 db:5432 and not db:5432 b:1",
		strings.Replace(fine, "usepam yes", "usepam no", 1):         "usepam is no, and sshd takes an account without a password for one that is locked",
		fine + "allowusers admin\nallowusers root\n":                "allowusers lets admin root in and not tunnel",
		fine + "allowusers admin tunnel\n":                          "",
		fine + "allowusers tun*\n":                                  "",
		fine + "allowusers admin\nallowusers tunnel@192.0.2.*\n":    "",
		fine + "allowusers tunne\n":                                 "allowusers lets tunne in and not tunnel",
		fine + "allowgroups ssh-?sers\n":                            "",
		fine + "allowgroups wheel\n":                                "allowgroups lets wheel in and not tunnel",
		fine + "denyusers tunnel\n":                                 "denyusers names tunnel: tunnel",
		fine + "denyusers t*\ndenygroups ssh-users\n":               "denyusers names tunnel: t*; denygroups names tunnel: ssh-users",
		fine + "denyusers admin t*\n":                               "denyusers names tunnel: admin t*",
		fine + "denyusers tunnel@192.0.2.7\n":                       "",
		fine + "denygroups ssh-users\n":                             "denygroups names tunnel: ssh-users",
		strings.Replace(fine, "forwarding no", "forwarding yes", 1): "disableforwarding is yes",
	} {
		if got := strings.Join(deviations("tunnel", []string{"tunnel", "ssh-users"}, expect, said), "; "); got != want {
			t.Errorf("%q: %q", said, got)
		}
	}
}

func TestDropinsHaveToBeIncluded(t *testing.T) {
	for text, want := range map[string]bool{
		"Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n": true,
		"include sshd_config.d/*.conf\n":                   true,
		"Include=\"/etc/ssh/sshd_config.d/*\"\n":           true,
		"#Include /etc/ssh/sshd_config.d/*.conf\n":         false,
		"Include /etc/ssh/other.d/*.conf\n":                false,
		"Include /etc/ssh/sshd_config.d/10-*.conf\n":       false,
		"Match User x\nInclude /etc/ssh/sshd_config.d/*\n": false,
		"": false,
	} {
		if got := includes(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	const ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBUIeu9aPlQO5pB8woEcm/Cn7BlOorP/acMdL0ZqHfS+"
	for line, want := range map[string]string{ed: ed, ed + " root@host": ed, "  " + ed + "  ": ed} {
		if got, _, err := ParsePublic(line); err != nil || got != want {
			t.Errorf("%q: %q, %v", line, got, err)
		}
	}
	for _, line := range []string{
		"", "ssh-ed25519", ed[:40], ed + "\n" + ed, "bastion " + ed, "ssh-rsa " + strings.Fields(ed)[1], "ssh-dss AAAA", "ssh-ed25519-cert-v01@openssh.com AAAA", "@cert-authority * " + ed, "ssh-ed25519 !!!",
	} {
		if got, _, err := ParsePublic(line); err == nil {
			t.Errorf("%q is taken as %q", line, got)
		}
	}
}

func TestValidateAForward(t *testing.T) {
	if found := wish().Validate("db"); len(found) > 0 {
		t.Errorf("%v", found)
	}
	bad := wish()
	bad.Unit, bad.User, bad.Control, bad.Dynamic = p("x"), p("A b"), p("run"), []string{"1080"}
	if found := bad.Validate("db"); len(found) != 4 {
		t.Errorf("%v", found)
	}
	if resource.Or(bad.Unit, "") != "x" {
		t.Error("judging changes it")
	}
}

// Who asks without a wish is told by the configuration that stands on the host.
func TestAConfigurationTellsWhatIsWished(t *testing.T) {
	f := Place("db").read("# Made\nHostName 2001:db8::1\nPort 2222\nUser tunnel\n\n# x y z\nServerAliveInterval 3\nServerAliveCountMax 3\n# probe 5m\nLocalForward 127.0.0.1:8500 db:5432\nRemoteForward 8080 127.0.0.1:80\nDynamicForward [::1]:1080\n")
	if *f.Peer != "tunnel@[2001:db8::1]:2222" || *f.Silence != resource.Duration(14*time.Second) || strings.Join(f.listens(), " ") != "127.0.0.1:8500 [::1]:1080" || f.Remote[0] != "8080 there to 127.0.0.1:80" || portOf(*f.Peer) != 2222 || *f.Locals[0].Probe != resource.Duration(5*time.Minute) {
		t.Errorf("%+v", *f)
	}
	if found := f.Validate("db"); len(found) > 0 {
		t.Errorf("%v", found)
	}
}
