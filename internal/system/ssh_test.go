package system

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// A bastion is the other side of an SSH tunnel: sshd, and behind it a service that
// says back what it is told.
const bastion = "203.0.113.22"

// echo is that service: it says nothing by itself, as most do.
const echoSocket = "[Socket]\nListenStream=127.0.0.1:5432\nListenStream=127.0.0.1:5433\nAccept=yes\nMaxConnections=200\n[Install]\nWantedBy=sockets.target\n"

const echoService = "[Service]\nExecStart=-/bin/cat\nStandardInput=socket\n"

// A crossing is two hosts, of which one dials the other.
type crossing struct {
	scene
	bastion scene
}

func across(t *testing.T, release string) crossing {
	t.Helper()
	l := labtest.For(t, 2, release)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	b := labtest.Host(t, l, "bastion")
	c := crossing{scene{o, t}, scene{&office.Office{Gateway: b}, t}}
	c.ok(l.Join("internet", b, "eth0", netip.MustParsePrefix(bastion+"/24")))
	c.ok(b.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	c.ok(b.WriteFile(t.Context(), "/etc/systemd/system/echo.socket", []byte(echoSocket), 0o644))
	c.ok(b.WriteFile(t.Context(), "/etc/systemd/system/echo@.service", []byte(echoService), 0o644))
	c.bastion.run("systemctl", "enable", "--now", "-q", "echo.socket")
	return c
}

// hostKey is the bastion's, as a person would copy it.
func (c crossing) hostKey() string {
	return strings.Join(strings.Fields(c.bastion.sh("cat /etc/ssh/ssh_host_ed25519_key.pub"))[:2], " ")
}

func (c crossing) tunnel(more string) string {
	return fmt.Sprintf(`ssh_tunnel "db" {
  host     = "%s"
  user     = "tunnel"
  host_key = "%s"
  local {
    listen = "127.0.0.1:8500"
    to     = "127.0.0.1:5432"
  }
%s}
`, bastion, c.hostKey(), more)
}

// says wants the forwarded port to lead to the service.
func (c crossing) says(at string) error {
	_, err := c.Gateway.Run(c.t.Context(), "timeout", "5", "bash", "-c", `exec 3<>/dev/tcp/`+strings.Replace(at, ":", "/", 1)+`; echo hello >&3; read -t 4 -u 3 word; test "$word" = hello`)
	return err
}

// until waits for it.
func (c crossing) until(what string, f func() error) time.Duration {
	c.t.Helper()
	begun := time.Now()
	var err error
	for time.Since(begun) < time.Minute {
		if err = f(); err == nil {
			return time.Since(begun)
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Fatalf("%s: %v\n%s", what, err, c.sh("vpnd status; journalctl -b --no-pager -n 40 -u vpnd-ssh-db.service"))
	return 0
}

// account is the one on the bastion that the tunnel dials, by its public key.
func (c crossing) account(permit string) string {
	c.t.Helper()
	key := c.sh("vpnd show ssh_tunnel.db | sed -n 's/^  public = \"\\(.*\\)\"/\\1/p'")
	return fmt.Sprintf("ssh_tunnel_account \"tunnel\" {\n  public_keys = [%q]\n  %s\n}\n", key, permit)
}

func (c crossing) admit() string {
	c.t.Helper()
	c.bastion.configure(c.account(`permit_open = ["127.0.0.1:5432"]`))
	return c.bastion.apply()
}

// fetched has the host key looked at before it is pinned.
func (c crossing) fetched() {
	right := c.bastion.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2")
	if out := c.vpnd(0, "ssh-hostkey", bastion, "--fingerprint", right); strings.TrimSpace(out) != fmt.Sprintf("host_key = %q", c.hostKey()) {
		c.t.Errorf("it is pinned as %s", out)
	}
	c.names(c.vpnd(1, "ssh-hostkey", bastion), right, "ssh-keygen -lf", "--fingerprint")
	c.lacks(c.vpnd(1, "ssh-hostkey", bastion, "--fingerprint", "SHA256:AAAA"), "host_key =")
}

// more is a tunnel with everything besides: a given key of RSA as in the first
// how-to, a socket, a proxy, and a port that leads back.
const more = `
directory "/etc/vpnd/keys" { mode = "0700" }
private_key "/etc/vpnd/keys/more" {
  algorithm  = "rsa-2048"
  format     = "openssh"
  depends_on = [directory["/etc/vpnd/keys"]]
}
ssh_tunnel "more" {
  host     = "203.0.113.22"
  user     = "more"
  host_key = ssh_tunnel.db.host_key
  key      = private_key["/etc/vpnd/keys/more"]
  local {
    listen = "/run/vpnd-ssh-more/echo.sock"
    to     = "127.0.0.1:5433"
  }
  remote {
    listen = "9080"
    to     = "127.0.0.1:22"
  }
  socks {
    listen = "127.0.0.1:1080"
  }
}
`

const throughSocket = `perl -MIO::Socket::UNIX -e '$SIG{ALRM} = sub { exit 1 }; alarm 4; $s = IO::Socket::UNIX->new("/run/vpnd-ssh-more/echo.sock") or exit 2; syswrite $s, "hello\n"; sysread $s, $b, 6; exit($b eq "hello\n" ? 0 : 3)'`

const throughProxy = `perl -MIO::Socket::INET -e '$SIG{ALRM} = sub { exit 1 }; alarm 4; $s = IO::Socket::INET->new("127.0.0.1:1080") or exit 2; syswrite $s, "\5\1\0"; sysread $s, $b, 2; syswrite $s, "\5\1\0\1\177\0\0\1\x15\x38"; sysread $s, $b, 10; exit 3 if ord substr $b, 1, 1; syswrite $s, "hello\n"; sysread $s, $b, 6; exit($b eq "hello\n" ? 0 : 4)'`

// permits has a second tunnel with every kind of forward, takes leave for one away,
// and stops the service behind the other: each is told apart.
func (c crossing) permits() {
	c.configure(c.tunnel("") + more)
	c.vpnd(1, "apply", "--yes")
	c.until("it is told what the account lacks", func() error { // sshd may still refuse the address for what was before
		out, _, err := c.VPND(c.t.Context(), "plan")
		if err == nil && !strings.Contains(out, "add it to the account more there: ssh-rsa ") {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	second := fmt.Sprintf("ssh_tunnel_account \"more\" {\n  public_keys = [%q]\n  permit_open = [\"127.0.0.1:5432\", \"127.0.0.1:5433\"]\n  permit_listen = [\"9080\"]\n  from = [\"203.0.113.0/24\"]\n}\n", c.sh("cat /etc/vpnd/keys/more.pub"))
	c.bastion.configure(c.account(`permit_open = ["127.0.0.1:5432"]`) + second)
	c.bastion.apply()
	c.until("the tunnel is up once it is let in", func() error {
		_, _, err := c.VPND(c.t.Context(), "apply", "--yes")
		return err
	})
	c.converged()
	c.sh(throughSocket)
	c.sh(throughProxy)
	c.names(c.bastion.sh("timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9080; read -t 4 -u 3 w; echo $w'"), "SSH-2.0")

	c.bastion.configure(c.account(`permit_open = ["127.0.0.1:5433"]`) + second)
	c.bastion.apply()
	c.until("what is no longer permitted is told", func() error {
		out, _, err := c.VPND(c.t.Context(), "plan")
		if err == nil && !strings.Contains(strings.Join(strings.Fields(out), " "), `refuses to forward to 127.0.0.1:5432; its ssh_tunnel_account lacks permit_open = ["127.0.0.1:5432"]`) {
			err = fmt.Errorf("%s", out)
		}
		return err
	})
	c.bastion.configure(c.account(`permit_open = ["127.0.0.1:5432"]`))
	c.bastion.apply()
	if out, err := c.bastion.Gateway.Run(c.t.Context(), "sh", "-c", "getent passwd more || pgrep -u more"); err == nil {
		c.t.Errorf("an account that went is still there: %s", out)
	}
	c.configure(c.tunnel(""))
	c.until("it is permitted again", func() error {
		_, _, err := c.VPND(c.t.Context(), "apply", "--yes")
		return cmp.Or(err, c.says("127.0.0.1:8500"))
	})
	c.converged()
	c.sh("test ! -e /etc/vpnd/keys")

	c.bastion.run("systemctl", "stop", "echo.socket")
	c.names(c.vpnd(0, "plan", "--detailed-exitcode"), "127.0.0.1:5432 can't be reached from "+bastion+" (connection refused)", "Nothing to do")
	c.bastion.run("systemctl", "start", "echo.socket")
	c.ok(c.says("127.0.0.1:8500"))
}

// sshdIsSafe has an operator at work on the configuration of sshd: what is broken is
// named and nothing touched, and whoever is connected stays.
func (c crossing) sshdIsSafe() {
	pid := c.bastion.sh("systemctl show -P MainPID ssh.service")
	print := withoutBackups(c.bastion.print())
	changed := c.account(`permit_open = ["127.0.0.1:5432", "127.0.0.1:5433"]`)
	for what, one := range map[string][2]string{
		"a mistake":            {"echo Bogus yes >> /etc/ssh/sshd_config", "Bogus"},
		"no include":           {"sed -i '/^Include/d' /etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf"},
		"a match before it":    {"sed -i '1i Match User nobody' /etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf"},
		"the same by somebody": {"printf 'Match User tunnel\n PermitTTY yes\n' > /etc/ssh/sshd_config.d/00-admin.conf", "permittty is yes and not no"},
	} {
		c.bastion.sh("cp -a /etc/ssh/sshd_config /root/kept; " + one[0])
		c.bastion.configure(changed)
		c.bastion.names(c.bastion.vpnd(1, "apply", "--yes"), one[1])
		c.bastion.sh("mv /root/kept /etc/ssh/sshd_config; rm -f /etc/ssh/sshd_config.d/00-admin.conf")
		c.bastion.configure(c.account(`permit_open = ["127.0.0.1:5432"]`))
		c.bastion.apply()
		if is := withoutBackups(c.bastion.print()); is != print {
			c.t.Errorf("after %s this is left:\n%s", what, office.Diff(print, is))
		}
	}
	if now := c.bastion.sh("systemctl show -P MainPID ssh.service"); now != pid {
		c.t.Errorf("sshd was restarted: %s, %s", pid, now)
	}
	c.until("the tunnel is back", func() error { return c.says("127.0.0.1:8500") })
}

// withoutBackups leaves out what the programs that write accounts keep beside: it is
// what was there before their last change, whatever that was.
func withoutBackups(print string) string {
	lines := strings.Split(print, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return backups.MatchString(line)
	}), "\n")
}

var backups = regexp.MustCompile(`/etc/g?(passwd|shadow|group)-(\s|$)`)

// A tunnel is made, tells what is missing on the other side, carries, comes back
// whatever happens, and goes without a trace, as does the account that it dials.
func TestSSHTunnel(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		c := across(t, release)
		here, there := withoutBackups(c.print()), withoutBackups(c.bastion.print())
		c.configure(c.tunnel(""))
		c.names(c.vpnd(1, "apply", "--yes"), "refuses the key; add it to the account tunnel there: ssh-ed25519 ")
		c.admit()
		c.apply()
		c.ok(c.says("127.0.0.1:8500"))
		c.names(c.sh("vpnd status || true"), "up since", "127.0.0.1:8500", bastion+":22")

		t.Run("nothing else", func(t *testing.T) { c.in(t).nothingElse() })
		t.Run("host key fetched", func(t *testing.T) { c.in(t).fetched() })
		t.Run("permits", func(t *testing.T) { c.in(t).permits() })
		t.Run("sshd", func(t *testing.T) { c.in(t).sshdIsSafe() })
		t.Run("exchanged", func(t *testing.T) { c.in(t).exchanged() })
		t.Run("agent", func(t *testing.T) { c.in(t).kept() })
		t.Run("peer", func(t *testing.T) { c.in(t).comesBack() })
		t.Run("host key", func(t *testing.T) { c.in(t).notFooled() })

		c.scene.agentRemoved()
		c.vpnd(0, "destroy", "--yes")
		c.bastion.vpnd(0, "destroy", "--yes")
		for was, is := range map[string]string{here: withoutBackups(c.print()), there: withoutBackups(c.bastion.print())} {
			if is != was {
				t.Errorf("after destroying a host is not as it was:\n%s", office.Diff(was, is))
			}
		}
	})
}

func (c crossing) in(t *testing.T) crossing { return crossing{c.scene.in(t), c.bastion.in(t)} }

// nothingElse tries with the key of the tunnel what its account is not for.
func (c crossing) nothingElse() {
	c.sh("cp /var/lib/vpnd/ssh/db /root/key; printf '%s %s\n' " + bastion + " '" + c.hostKey() + "' > /root/known")
	const ssh = "timeout 10 ssh -i /root/key -F none -o BatchMode=yes -o UserKnownHostsFile=/root/known -o ExitOnForwardFailure=yes -o PermitLocalCommand=no "
	at := "tunnel@" + bastion
	through := func(port string) string {
		return " && timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port + "; echo hello >&3; read -t 2 -u 3 w; test \"$w\" = hello'"
	}
	c.sh(ssh + "-f -N -L 9000:127.0.0.1:5432 " + at + through("9000")) // what it is for
	for what, script := range map[string]string{
		"a command":         ssh + at + " id",
		"a shell":           "echo id | " + ssh + "-tt " + at,
		"sftp":              ssh + "-s " + at + " sftp < /dev/null",
		"another port":      ssh + "-f -N -L 9001:127.0.0.1:5433 " + at + through("9001"),
		"sshd itself":       ssh + "-W 127.0.0.1:22 " + at + " < /dev/null | grep SSH-2.0",
		"the same, by name": ssh + "-f -N -L 9002:localhost:5432 " + at + through("9002"),
		"a port there":      ssh + "-N -R 9003:127.0.0.1:22 " + at,
		"a socket there":    ssh + "-N -R /tmp/sock:127.0.0.1:22 " + at,
		"a tun":             ssh + "-N -w 0:0 " + at,
		"a password":        "timeout 10 ssh -F none -o BatchMode=no -o PubkeyAuthentication=no -o UserKnownHostsFile=/root/known -o NumberOfPasswordPrompts=1 " + at + " id < /dev/null",
	} {
		if out, err := c.Gateway.Run(c.t.Context(), "sh", "-c", script); err == nil {
			c.t.Errorf("the account is good for %s: %s", what, out)
		}
	}
	c.names(c.bastion.sh("sshd -T -C user=tunnel,host=x,addr=203.0.113.1"), "permittty no", "allowagentforwarding no", "x11forwarding no", "permittunnel no", "maxsessions 0")
	c.names(c.bastion.sh("sshd -T -C user=root,host=x,addr=203.0.113.1"), "permittty yes", "allowtcpforwarding yes", "maxsessions 10")
	c.sh("pkill -x -f 'ssh -i /root/key.*' || true; rm -f /root/key /root/known")
	c.ok(c.says("127.0.0.1:8500"))
}

// exchanged has two tunnels exchange the ports that they listen at by one apply, and an
// undo exchange them again.
func (c crossing) exchanged() {
	first := c.tunnel("")
	other := c.tunnel("  key_file = \"/var/lib/vpnd/ssh/db\"\n")
	both := func(db, again string) string {
		return strings.Replace(first, "8500", db, 1) + strings.NewReplacer(`"db"`, `"again"`, "8500", again).Replace(other)
	}
	c.configure(both("8500", "8600"))
	c.apply()
	c.ok(c.says("127.0.0.1:8600"))
	c.configure(both("8600", "8500"))
	c.apply()
	c.ok(c.says("127.0.0.1:8500"))
	c.ok(c.says("127.0.0.1:8600"))
	c.vpnd(0, "rollback", "--yes")
	c.ok(c.says("127.0.0.1:8500"))
	c.ok(c.says("127.0.0.1:8600"))
	c.configure(first)
	c.apply()
	c.ok(c.says("127.0.0.1:8500"))
}

// kept has the agent keep the tunnel whatever is done to it.
func (c crossing) kept() {
	c.scene.agent()
	for what, script := range map[string]string{
		"its unit stopped":         "systemctl stop vpnd-ssh-db.service",
		"its unit killed":          "systemctl kill -s KILL vpnd-ssh-db.service",
		"its process frozen":       "pkill -STOP -u vpnd-ssh-db",
		"its account gone":         "systemctl stop vpnd-ssh-db.service; userdel vpnd-ssh-db",
		"its unit disabled":        "systemctl disable --now -q vpnd-ssh-db.service",
		"its configuration edited": "echo 'ProxyCommand /bin/false' > /etc/ssh/vpnd/db/config; systemctl restart vpnd-ssh-db.service",
		"its host keys edited":     "ssh-keygen -q -t ed25519 -N '' -f /root/other; sed -i \"s|ssh-ed25519 .*|$(cut -d' ' -f1,2 /root/other.pub)|\" /etc/ssh/vpnd/db/known_hosts; rm /root/other*; systemctl restart vpnd-ssh-db.service",
	} {
		c.scene.against(script)
		took := c.until(what, func() error {
			if err := c.says("127.0.0.1:8500"); err != nil {
				return err
			}
			_, err := c.Gateway.Run(c.t.Context(), "vpnd", "drift")
			return err
		})
		c.t.Logf("%s: back after %s", what, took.Round(10*time.Millisecond))
	}
}

// comesBack has the peer lose its power, and return after longer than it is waited
// for.
func (c crossing) comesBack() {
	c.ok(c.bastion.Gateway.Cut())
	c.until("the peer is gone", func() error {
		_, err := c.Gateway.Run(c.t.Context(), "sh", "-c", "vpnd status | grep -E 'db: down'")
		return err
	})
	c.names(c.sh("vpnd status || true"), bastion)
	begun := time.Now()
	c.ok(c.bastion.Gateway.Start(c.t.Context()))
	booted := time.Since(begun)
	took := c.until("it has returned", func() error { return c.says("127.0.0.1:8500") })
	c.t.Logf("the peer took %s to boot, and the tunnel was back %s later", booted.Round(10*time.Millisecond), took.Round(10*time.Millisecond))
	if took > 10*time.Second {
		c.t.Errorf("the tunnel is back after %s", took)
	}
}

// notFooled has somebody else stand where the peer was.
func (c crossing) notFooled() {
	const keys = "/etc/ssh/ssh_host_ed25519_key"
	c.bastion.sh("mkdir /root/keys; mv " + keys + "* /root/keys; ssh-keygen -q -t ed25519 -N '' -f " + keys + "; systemctl restart ssh.service; pkill -u tunnel || true")
	accepted := c.bastion.sh("journalctl -b -u ssh -o cat | grep -c Accepted || true")
	shown := "SHA256:" + c.bastion.sh("ssh-keygen -lf "+keys+" | sed 's/.*SHA256:\\([^ ]*\\).*/\\1/'")
	c.until("another host key is refused", func() error { // which another one was before
		_, err := c.Gateway.Run(c.t.Context(), "sh", "-c", "vpnd status | tr -s ' \n' ' ' | grep -F 'another host key than the one that is pinned ("+shown+")'")
		return err
	})
	if c.says("127.0.0.1:8500") == nil {
		c.t.Error("it forwards to somebody else")
	}
	c.names(c.sh("vpnd status || true"), shown, "vpnd ssh-hostkey "+bastion)
	c.until("it is asked less and less often", func() error {
		_, err := c.Gateway.Run(c.t.Context(), "sh", "-c", "journalctl -b -u vpnd-ssh-db -o short-monotonic --no-pager | sed -n 's/^\\[ *\\([0-9]*\\)\\.[0-9]*\\].*Host key verification failed.*/\\1/p' | tail -2 | xargs sh -c 'echo $0 $1; test $(($1 - $0)) -ge 4'")
		return err
	})
	if now := c.bastion.sh("journalctl -b -u ssh -o cat | grep -c Accepted || true"); now != accepted {
		c.t.Error("it has shown who it is to somebody else")
	}
	c.bastion.sh("mv /root/keys/* /etc/ssh; rmdir /root/keys; systemctl restart ssh.service")
	c.until("the peer is itself again", func() error { return c.says("127.0.0.1:8500") })
}
